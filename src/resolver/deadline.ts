import { waitFor } from '../std/ask.ts';
import type { Clock } from '../std/clock.ts';
import { AppError } from '../std/errors.ts';

/** What `withDeadline` bounds. */
export interface Bound {
  readonly clock: Clock;
  readonly ms: number;
  /** Fires = stop before the deadline. */
  readonly signal: AbortSignal;
  /** What was attempted on what, for the message. */
  readonly attempted: string;
}

/**
 * Runs `work` with a signal that fires when the bound's does, or after `ms` with UPSTREAM_TIMEOUT. Settles then at once, also when
 * `work` does not heed its signal; such work is left behind and must clean up after itself.
 */
export async function withDeadline<T>(bound: Bound, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const over = new AbortController();
  const timer = new AbortController();
  const stop = (): void => over.abort(bound.signal.reason);
  if (bound.signal.aborted) stop();
  bound.signal.addEventListener('abort', stop, { once: true });
  void bound.clock.sleep(bound.ms, { signal: timer.signal }).then(
    () => over.abort(new AppError('UPSTREAM_TIMEOUT', `${bound.attempted}: no answer within ${bound.ms} ms`)),
    () => undefined,
  );
  try {
    return await waitFor(work(over.signal), over.signal);
  } finally {
    timer.abort();
    bound.signal.removeEventListener('abort', stop);
  }
}

/** The value of `promise`, or undefined when `ms` pass or `signal` fires first; the work behind it goes on. Rejects as `promise` does. */
export async function within<T>(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
  promise: Promise<T>,
): Promise<T | undefined> {
  const timer = new AbortController();
  const stop = (): void => timer.abort();
  signal.addEventListener('abort', stop, { once: true });
  const late = clock.sleep(ms, { signal: timer.signal }).catch(() => undefined);
  try {
    return await Promise.race([promise, late.then(() => undefined)]);
  } finally {
    stop();
    signal.removeEventListener('abort', stop);
  }
}
