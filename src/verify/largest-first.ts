import { type Ask, waitFor } from '../std/ask.ts';

interface Waiter {
  readonly size: number;
  readonly go: () => void;
}

/**
 * Work on tree heads, one after the other, the largest head that waits first: once it is adopted the smaller ones need only be found inside it, which writes
 * nothing. Those who wait are as many as their callers let ask at a time.
 */
export class LargestFirst {
  readonly #waiting: Waiter[] = [];
  #isBusy = false;

  /** Runs `work` when its turn has come. Rejects as `work` does, or with the abort of a caller who still waits. */
  async run<T>(size: number, work: () => Promise<T>, { signal }: Ask): Promise<T> {
    if (this.#isBusy) await this.#wait(size, signal);
    this.#isBusy = true;
    try {
      return await work();
    } finally {
      this.#next();
    }
  }

  /** Whoever is called is next, and the place stays taken until then; one who has left meanwhile passes it on. */
  async #wait(size: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiter = { size, go: resolve };
    this.#waiting.push(waiter);
    try {
      await waitFor(promise, signal);
    } catch (error) {
      const at = this.#waiting.indexOf(waiter);
      if (at < 0) this.#next();
      else this.#waiting.splice(at, 1);
      throw error;
    }
  }

  #next(): void {
    const largest = this.#waiting.reduce((best, one, i, all) => (one.size > (all[best]?.size ?? 0) ? i : best), 0);
    const [next] = this.#waiting.splice(largest, 1);
    this.#isBusy = next !== undefined;
    next?.go();
  }
}
