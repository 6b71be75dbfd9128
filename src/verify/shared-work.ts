import { type Ask, throwIfAborted, waitFor } from '../std/ask.ts';
import { AppError } from '../std/errors.ts';

interface Shared<T> {
  readonly stop: AbortController;
  readonly result: Promise<T>;
  waiters: number;
}

/**
 * At most one piece of work per key, shared by all who ask for it meanwhile. It has no deadline of its own: it is stopped when the last of them has
 * gone. At most `capacity` at a time; one more is OVERLOADED.
 */
export class SharedWork<T> {
  readonly #live = new Map<string, Shared<T>>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The result of the work for `key`, which `run` begins when there is none. Rejects with its failure, OVERLOADED, or the caller's own abort. */
  async join(key: string, run: (o: Ask) => Promise<T>, o: Ask): Promise<T> {
    throwIfAborted(o.signal);
    const work = this.#live.get(key) ?? this.#begin(key, run);
    work.waiters++;
    try {
      return await waitFor(work.result, o.signal);
    } finally {
      if (--work.waiters === 0) this.#end(key, work);
    }
  }

  #begin(key: string, run: (o: Ask) => Promise<T>): Shared<T> {
    if (this.#live.size >= this.#capacity)
      throw new AppError('OVERLOADED', `too many questions are under way to take up ${key}`);
    const stop = new AbortController();
    const work: Shared<T> = { stop, result: run({ signal: stop.signal }), waiters: 0 };
    this.#live.set(key, work);
    const forget = (): void => this.#forget(key, work);
    work.result.then(forget, forget);
    return work;
  }

  /** Whoever asks from now on begins afresh. For work that is done already the signal comes too late to matter. */
  #end(key: string, work: Shared<T>): void {
    this.#forget(key, work);
    work.stop.abort(new AppError('ABORTED', 'nobody waits for the answer any more'));
  }

  #forget(key: string, work: Shared<T>): void {
    if (this.#live.get(key) === work) this.#live.delete(key);
  }
}
