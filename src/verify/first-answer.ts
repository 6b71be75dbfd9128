import { type Ask, throwIfAborted } from '../std/ask.ts';
import type { Clock } from '../std/clock.ts';
import { AppError } from '../std/errors.ts';

/** Asks one of several who could answer. Resolves with undefined when that one has no answer; rejects when nobody else is to be asked either. */
export type Try<T> = (o: Ask) => Promise<T | undefined>;

interface Patience {
  readonly clock: Clock;
  readonly patienceMs: number;
}

/**
 * The first answer of `tries`. Each begins when the one before it has none, or has said nothing for `patienceMs` and goes on beside it: one that is silent
 * must not keep the others from being asked. Undefined when none has an answer. Whatever is still under way then is stopped.
 */
export async function firstAnswer<T>(tries: readonly Try<T>[], patience: Patience, o: Ask): Promise<T | undefined> {
  const stop = new AbortController();
  try {
    return await fromFirst(tries, patience, { signal: AbortSignal.any([o.signal, stop.signal]) });
  } finally {
    stop.abort(new AppError('ABORTED', 'another one has answered'));
  }
}

async function fromFirst<T>([first, ...others]: readonly Try<T>[], patience: Patience, o: Ask): Promise<T | undefined> {
  if (first === undefined) return undefined;
  throwIfAborted(o.signal);
  const own = first(o);
  if (await isSettledSoon(own, patience)) return (await own) ?? (await fromFirst(others, patience, o));
  const rest = fromFirst(others, patience, o);
  return await Promise.race([own.then((answer) => answer ?? rest), rest.then((answer) => answer ?? own)]);
}

/** Rejects with what `work` rejects with in that time. */
async function isSettledSoon(work: Promise<unknown>, { clock, patienceMs }: Patience): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<false>();
  const cancel = clock.after(patienceMs, () => resolve(false));
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    cancel();
  }
}
