import { AppError } from './errors.ts';

/** What every IO function takes: the signal that tells it to stop now. */
export interface Ask {
  readonly signal: AbortSignal;
}

/** Throws ABORTED when `signal` has fired. */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw abortedError(signal);
}

/** The AppError for a fired signal: its own reason when that is an AppError (a deadline says UPSTREAM_TIMEOUT), else ABORTED. */
export function abortedError(signal: AbortSignal): AppError {
  const reason: unknown = signal.reason;
  return reason instanceof AppError ? reason : new AppError('ABORTED', 'stopped before the end', { cause: reason });
}

/** Resolves with `promise`, or rejects as soon as `signal` fires; the work behind `promise` goes on. */
export async function waitFor<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  // From here on it is ours: once the signal has fired nobody else hears of its failure, and an unheard one ends the process.
  promise.catch(() => undefined);
  throwIfAborted(signal);
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(abortedError(signal));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, stopped]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
