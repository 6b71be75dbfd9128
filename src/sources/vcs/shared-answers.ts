import { LRUCache } from 'lru-cache';
import { type Ask, waitFor } from '../../std/ask.ts';
import type { Clock } from '../../std/clock.ts';
import { AppError, isAppError, toAppError } from '../../std/errors.ts';

export interface SharedAnswersOptions<T> {
  readonly clock: Clock;
  /** How long an answer is good, ms. */
  readonly freshMs: number;
  /** The same for NOT_FOUND. Other failures are forgotten at once. */
  readonly absentMs: number;
  /** How long one question may take, ms. */
  readonly timeoutMs: number;
  /** Questions under way at a time; one more is OVERLOADED. */
  readonly maxUnderWay: number;
  /** All remembered answers together; an absence counts as 1. */
  readonly maxSize: number;
  /** At least 1. */
  sizeOf(answer: T): number;
}

type Told<T> = { readonly until: number } & ({ readonly answer: T } | { readonly absent: AppError });

/**
 * Questions that many ask at the same time and whose answer is good for a while: each is asked once. It belongs to nobody: an asker that leaves does not stop it, and its
 * answer is remembered.
 */
export class SharedAnswers<T> {
  readonly #o: SharedAnswersOptions<T>;
  readonly #known: LRUCache<string, Told<T>>;
  readonly #underWay = new Map<string, Promise<T>>();

  constructor(o: SharedAnswersOptions<T>) {
    this.#o = o;
    this.#known = new LRUCache({
      maxSize: o.maxSize,
      sizeCalculation: (told) => ('answer' in told ? o.sizeOf(told.answer) : 1),
    });
  }

  /** The answer to `key`: remembered, on its way already, or from `ask`, which gets a signal of its own. Rejects as `ask` does, with UPSTREAM_TIMEOUT, OVERLOADED, or ABORTED. */
  async get(key: string, { signal }: Ask, ask: (o: Ask) => Promise<T>): Promise<T> {
    const told = this.#known.get(key);
    if (told !== undefined && this.#o.clock.monotonic() < told.until) {
      if ('absent' in told) throw told.absent;
      return told.answer;
    }
    return waitFor(this.#underWay.get(key) ?? this.#start(key, ask), signal);
  }

  #start(key: string, ask: (o: Ask) => Promise<T>): Promise<T> {
    const { maxUnderWay } = this.#o;
    if (this.#underWay.size >= maxUnderWay)
      return Promise.reject(new AppError('OVERLOADED', `${maxUnderWay} lookups of repositories are under way`));
    const asked = this.#asked(key, ask).finally(() => this.#underWay.delete(key));
    // Everybody may have left by the time it fails.
    asked.catch(() => undefined);
    this.#underWay.set(key, asked);
    return asked;
  }

  async #asked(key: string, ask: (o: Ask) => Promise<T>): Promise<T> {
    const { clock, freshMs, absentMs, timeoutMs } = this.#o;
    const limit = new AbortController();
    const late = new AppError('UPSTREAM_TIMEOUT', `no answer within ${timeoutMs} ms`);
    const clear = clock.after(timeoutMs, () => limit.abort(late));
    try {
      const answer = await waitFor(ask({ signal: limit.signal }), limit.signal);
      this.#known.set(key, { answer, until: clock.monotonic() + freshMs });
      return answer;
    } catch (error) {
      const failure = toAppError(error, 'look up a repository');
      if (isAppError(failure, 'NOT_FOUND'))
        this.#known.set(key, { absent: failure, until: clock.monotonic() + absentMs });
      throw failure;
    } finally {
      clear();
    }
  }
}
