import { waitFor } from '../std/ask.ts';
import type { Clock } from '../std/clock.ts';
import { AppError, type ErrorCode } from '../std/errors.ts';

/** What `withDeadline` bounds. */
export interface Bound {
  readonly clock: Clock;
  readonly ms: number;
  /** Fires = stop before the deadline. */
  readonly signal: AbortSignal;
  /** What was attempted on what, for the message. */
  readonly attempted: string;
  /** Code of the failure when it takes too long; UPSTREAM_TIMEOUT when absent. */
  readonly code?: ErrorCode;
}

/**
 * Runs `work` with a signal that fires when the bound's does, or after `ms` with the bound's code. Settles then at once, also when
 * `work` does not heed its signal; such work is left behind and must clean up after itself. `lift` takes the deadline away, not the signal; the function that it returns puts
 * back what was left of it, once nothing is left for which it was lifted.
 */
export async function withDeadline<T>(
  bound: Bound,
  work: (signal: AbortSignal, lift: () => () => void) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const stop = (): void => over.abort(bound.signal.reason);
  if (bound.signal.aborted) stop();
  bound.signal.addEventListener('abort', stop, { once: true });
  const timer = new LiftedTimer(bound.clock, bound.ms, () => over.abort(lateError(bound)));
  try {
    return await waitFor(
      work(over.signal, () => timer.lift()),
      over.signal,
    );
  } finally {
    timer.cancel();
    bound.signal.removeEventListener('abort', stop);
  }
}

/** Runs out after `ms` of the time in which nobody has lifted it. */
class LiftedTimer {
  readonly #clock: Clock;
  readonly #onOver: () => void;
  #leftMs: number;
  #since = 0;
  #lifted = 0;
  #cancel: () => void = () => undefined;
  #isOver = false;

  constructor(clock: Clock, ms: number, onOver: () => void) {
    this.#clock = clock;
    this.#leftMs = ms;
    this.#onOver = onOver;
    this.#run();
  }

  lift(): () => void {
    if (this.#lifted++ === 0) this.#pause();
    let isLifted = true;
    return () => {
      if (isLifted && --this.#lifted === 0) this.#run();
      isLifted = false;
    };
  }

  cancel(): void {
    this.#isOver = true;
    this.#cancel();
  }

  #pause(): void {
    this.#cancel();
    this.#leftMs = Math.max(0, this.#leftMs - (this.#clock.monotonic() - this.#since));
  }

  #run(): void {
    if (this.#isOver) return;
    this.#since = this.#clock.monotonic();
    this.#cancel = this.#clock.after(this.#leftMs, this.#onOver);
  }
}

function lateError({ attempted, ms, code = 'UPSTREAM_TIMEOUT' }: Bound): AppError {
  return new AppError(code, `${attempted}: no answer within ${ms} ms`);
}

/** The value of `promise`, or undefined when `ms` pass or `signal` fires first; the work behind it goes on. Rejects as `promise` does. */
export async function within<T>(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
  promise: Promise<T>,
): Promise<T | undefined> {
  const { promise: over, resolve } = Promise.withResolvers<undefined>();
  const stop = (): void => resolve(undefined);
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  const cancelTimer = clock.after(ms, stop);
  try {
    return await Promise.race([promise, over]);
  } finally {
    cancelTimer();
    signal.removeEventListener('abort', stop);
  }
}
