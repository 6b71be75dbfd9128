import { type Ask, waitFor } from '../std/ask.ts';

interface Waiter {
  readonly size: number;
  /** Tells whether the turn comes with it. */
  readonly go: (hasTurn: boolean) => void;
}

/**
 * Work on tree heads that came too late once. The largest head that waits has its turn first; once its work is done, all that are no larger go on side by side:
 * they need only be found inside it, which changes nothing. Those who wait are as many as their callers let ask at a time.
 */
export class LargestFirst {
  readonly #waiting = new Set<Waiter>();
  #isBusy = false;

  /** Runs `work` when its time has come. Rejects as `work` does, or with the abort of a caller who still waits. */
  async run<T>(size: number, work: () => Promise<T>, { signal }: Ask): Promise<T> {
    const hasTurn = this.#isBusy ? await this.#wait(size, signal) : true;
    if (!hasTurn) return await work();
    this.#isBusy = true;
    try {
      return await work();
    } finally {
      this.#next(size);
    }
  }

  /** Whoever is called with the turn is next, and the turn stays taken until then; one who has left meanwhile passes it on. */
  async #wait(size: number, signal: AbortSignal): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiter = { size, go: resolve };
    this.#waiting.add(waiter);
    try {
      return await waitFor(promise, signal);
    } catch (error) {
      if (!this.#waiting.delete(waiter) && (await promise)) this.#next(0);
      throw error;
    }
  }

  #next(doneSize: number): void {
    let largest: Waiter | undefined;
    for (const waiter of this.#waiting) {
      if (waiter.size <= doneSize) this.#call(waiter, false);
      else if (largest === undefined || waiter.size > largest.size) largest = waiter;
    }
    this.#isBusy = largest !== undefined;
    if (largest !== undefined) this.#call(largest, true);
  }

  #call(waiter: Waiter, hasTurn: boolean): void {
    this.#waiting.delete(waiter);
    waiter.go(hasTurn);
  }
}
