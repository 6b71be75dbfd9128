import type { Ask } from '../std/ask.ts';
import type { Clock } from '../std/clock.ts';
import { AppError } from '../std/errors.ts';
import type { Pool } from '../upstream/asking.ts';
import { within } from './deadline.ts';

/** Whether all of `pools` have a retry left for a question before `ms` pass or the signal fires; resolves once that is known. */
export async function allowedAgain(pools: readonly Pool[], clock: Clock, ms: number, o: Ask): Promise<boolean> {
  return await isToldWithin(clock, ms, o, (asked) => Promise.all(pools.map((pool) => pool.again(asked))));
}

/** Whether one of `pools` can be asked again before `ms` pass or the signal fires; resolves once that is known. */
export async function whenUsable(pools: readonly Pool[], clock: Clock, ms: number, o: Ask): Promise<boolean> {
  return await isToldWithin(clock, ms, o, (asked) => Promise.any(pools.map((pool) => pool.usable(asked))));
}

/** Whether what `ask` asks for comes in time; nobody waits for a pool any more after that. */
async function isToldWithin(clock: Clock, ms: number, o: Ask, ask: (o: Ask) => Promise<unknown>): Promise<boolean> {
  const enough = new AbortController();
  const told = ask({ signal: AbortSignal.any([o.signal, enough.signal]) }).then(
    () => true,
    () => false,
  );
  const isTold = await within(clock, ms, o.signal, told);
  enough.abort(new AppError('ABORTED', 'waited long enough for an upstream'));
  return isTold === true;
}
