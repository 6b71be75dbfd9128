import { abortedError, type Ask } from '../../src/std/ask.ts';
import type { Clock } from '../../src/std/clock.ts';

interface Timer {
  readonly at: number;
  /** Order of those that are due at once. */
  readonly nth: number;
  readonly run: () => void;
  isCancelled: boolean;
}

/** A clock for simulations: time stands still while anything is done, and jumps to the next timer when nothing is left to do. Hours of it take seconds. */
export class VirtualClock implements Clock {
  #elapsed = 0;
  #set = 0;
  /** A binary heap, the next timer first. */
  readonly #timers: Timer[] = [];

  now(): number {
    return Date.UTC(2026, 0, 2) + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#elapsed + Math.max(0, ms), nth: this.#set++, run, isCancelled: false };
    this.#push(timer);
    return () => void (timer.isCancelled = true);
  }

  sleep(ms: number, { signal }: Ask): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const stop = (): void => reject(abortedError(signal));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    const cancel = this.after(ms, resolve);
    return promise.finally(() => {
      cancel();
      signal.removeEventListener('abort', stop);
    });
  }

  /** Lets time go on until `ms` from its start, or until no timer is left. */
  async runUntil(ms: number): Promise<void> {
    await done();
    for (let next = this.#pop(); next !== undefined; next = this.#pop()) {
      if (next.at > ms) {
        this.#push(next);
        break;
      }
      this.#elapsed = next.at;
      next.run();
      await done();
    }
    this.#elapsed = Math.max(this.#elapsed, ms);
  }

  #push(timer: Timer): void {
    const heap = this.#timers;
    let at = heap.length;
    heap.push(timer);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(timer, heap[parent] as Timer)) break;
      heap[at] = heap[parent] as Timer;
      at = parent;
    }
    heap[at] = timer;
  }

  /** Cancelled ones are passed over. */
  #pop(): Timer | undefined {
    for (;;) {
      const first = this.#timers[0];
      if (first === undefined) return undefined;
      this.#removeFirst();
      if (!first.isCancelled) return first;
    }
  }

  #removeFirst(): void {
    const heap = this.#timers;
    const last = heap.pop() as Timer;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Timer, heap[child] as Timer)) child++;
      if (!isBefore(heap[child] as Timer, last)) break;
      heap[at] = heap[child] as Timer;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at - b.at < 0 || (a.at === b.at && a.nth < b.nth);
}

/** Every promise that can be settled now is. */
function done(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
