import { type Ask, waitFor } from '../std/ask.ts';
import type { Clock } from '../std/clock.ts';

/** Tokens live an hour or more; a withdrawn one is found by its refusal. */
const KEPT_MS = 5 * 60_000;
/** So that a broken helper is not started for every request, */
const FAILURE_KEPT_MS = 5000;
/** and that one which hangs delays one request in a while: a failure is kept this many times as long as it took. */
const FAILURE_FACTOR = 10;
const MOST = 256;
/** More runs than this in a line are no use to anybody: those who wait for the last ones have left by then. */
const MOST_IN_LINE = 32;

interface Kept<T> {
  readonly promise: Promise<T>;
  /** On the monotonic clock. */
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
  #inLine = 0;

  constructor({ clock, closing }: { readonly clock: Clock; readonly closing: AbortSignal }) {
    this.#clock = clock;
    this.#closing = closing;
  }

  /** The answer to `question`: a kept one, or that of `work`, which must end by itself. Rejects as `work` does, or with ABORTED. */
  ask(question: string, work: (o: Ask) => Promise<T>, { signal }: Ask): Promise<T> {
    const kept = this.#kept.get(question);
    if (kept !== undefined && this.#clock.monotonic() < kept.until) return waitFor(kept.promise, signal);
    return waitFor(this.#start(question, work), signal);
  }

  /** So many runs wait that questions which can be left out should be. */
  get isBusy(): boolean {
    return this.#inLine >= MOST_IN_LINE;
  }

  /** The next one to ask `question` is not answered from what is kept. */
  forget(question: string): void {
    this.#kept.delete(question);
  }

  #start(question: string, work: (o: Ask) => Promise<T>): Promise<T> {
    let startedAt = 0;
    this.#inLine++;
    const promise = this.#last.then(() => {
      startedAt = this.#clock.monotonic();
      return work({ signal: this.#closing });
    });
    const kept: Kept<T> = { promise, until: Number.POSITIVE_INFINITY };
    const ended = (until: number): void => {
      this.#inLine--;
      kept.until = until;
    };
    this.#last = promise.then(
      () => ended(this.#clock.monotonic() + KEPT_MS),
      () => ended(failureUntil(startedAt, this.#clock.monotonic())),
    );
    this.#keep(question, kept);
    return promise;
  }

  #keep(question: string, kept: Kept<T>): void {
    this.#kept.delete(question);
    this.#kept.set(question, kept);
    const [oldest = ''] = this.#kept.keys();
    if (this.#kept.size > MOST) this.#kept.delete(oldest);
  }
}

function failureUntil(startedAt: number, now: number): number {
  return now + Math.max(FAILURE_KEPT_MS, (now - startedAt) * FAILURE_FACTOR);
}
