import { type Ask, waitFor } from '../std/ask.ts';
import type { Clock } from '../std/clock.ts';
import { isAppError } from '../std/errors.ts';

/** Tokens live an hour or more; a withdrawn one is found by its refusal. */
const KEPT_MS = 5 * 60_000;
/** So that a broken helper is not started for every request. */
const FAILURE_KEPT_MS = 5000;
const MOST = 256;

interface Kept<T> {
  readonly promise: Promise<T>;
  until: number;
}

/**
 * What programs answered, by question, for five minutes. One program runs at a time; those who ask the same wait for the same run, which
 * belongs to none of them. At most 256 questions are kept.
 */
export class KeptAnswers<T> {
  readonly #clock: Clock;
  readonly #closing: AbortSignal;
  readonly #kept = new Map<string, Kept<T>>();
  #last: Promise<unknown> = Promise.resolve();

  constructor({ clock, closing }: { readonly clock: Clock; readonly closing: AbortSignal }) {
    this.#clock = clock;
    this.#closing = closing;
  }

  /** The answer to `question`: a kept one, or that of `work`. `work` must end by itself. Rejects as `work` does, or with ABORTED. */
  ask(question: string, work: (o: Ask) => Promise<T>, { signal }: Ask): Promise<T> {
    const kept = this.#kept.get(question);
    if (kept !== undefined && this.#clock.monotonic() < kept.until) return waitFor(kept.promise, signal);
    return waitFor(this.#start(question, work), signal);
  }

  /** The next one to ask `question` is not answered from what is kept. */
  forget(question: string): void {
    this.#kept.delete(question);
  }

  #start(question: string, work: (o: Ask) => Promise<T>): Promise<T> {
    const promise = this.#last.then(() => work({ signal: this.#closing }));
    const kept: Kept<T> = { promise, until: Number.POSITIVE_INFINITY };
    this.#last = promise.then(
      () => (kept.until = this.#clock.monotonic() + KEPT_MS),
      (error: unknown) => (kept.until = this.#clock.monotonic() + (isAppError(error, 'ABORTED') ? 0 : FAILURE_KEPT_MS)),
    );
    this.#kept.delete(question);
    this.#kept.set(question, kept);
    const [oldest = ''] = this.#kept.keys();
    if (this.#kept.size > MOST) this.#kept.delete(oldest);
    return promise;
  }
}
