import { type Ask, abortedError } from '../../src/std/ask.ts';
import type { Clock } from '../../src/std/clock.ts';

interface Timer {
  readonly at: number;
  /** Order among timers of one moment: as they were set. */
  readonly nth: number;
  readonly run: () => void;
  /** Whether running it may be all that happens: nothing that waits for a turn of the event loop came of it. */
  readonly wasQuiet: (() => boolean) | undefined;
  isOff: boolean;
}

/** A clock for simulations: time stands still while anything is done, and jumps from one timer to the next. The same world sets the same timers, so it runs the same way; hours take seconds. */
export class VirtualClock implements Clock {
  #now = 0;
  #nth = 0;
  readonly #heap: Timer[] = [];
  #live = 0;

  now(): number {
    return 1_767_323_045_000 + this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  sleep(ms: number, { signal }: Ask): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(abortedError(signal));
      const onAbort = (): void => {
        cancel();
        reject(abortedError(signal));
      };
      const cancel = this.after(ms, () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      });
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  after(ms: number, run: () => void): () => void {
    return this.#set(ms, run, undefined);
  }

  /** As `after`, for what mostly comes to nothing, which `wasQuiet` says after each run: then time goes on at once. */
  afterQuietly(ms: number, run: () => void, wasQuiet: () => boolean): () => void {
    return this.#set(ms, run, wasQuiet);
  }

  #set(ms: number, run: () => void, wasQuiet: Timer['wasQuiet']): () => void {
    const timer: Timer = { at: this.#now + Math.max(0, ms), nth: this.#nth++, run, wasQuiet, isOff: false };
    this.#push(timer);
    this.#live++;
    return () => {
      if (timer.isOff) return;
      timer.isOff = true;
      this.#live--;
    };
  }

  /** Timers that have neither run out nor been cancelled. */
  get waiting(): number {
    return this.#live;
  }

  /** Lets the next timer run out, unless that is after `until`. False when there was none. */
  step(until: number): boolean {
    for (let next = this.#heap[0]; next !== undefined && next.at <= until; next = this.#heap[0]) {
      this.#pop();
      if (next.isOff) continue;
      next.isOff = true;
      this.#live--;
      this.#now = Math.max(this.#now, next.at);
      next.run();
      if (next.wasQuiet?.() !== true) return true;
    }
    this.#now = Math.max(this.#now, until);
    return false;
  }

  /** Lets time go on until `ms` from its start; after each timer everything is done that can be. */
  async runUntil(ms: number): Promise<void> {
    do await new Promise((resolve) => setImmediate(resolve));
    while (this.step(ms));
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      if (!isBefore(timer, heap[up] as Timer)) break;
      heap[at] = heap[up] as Timer;
      at = up;
    }
    heap[at] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Timer;
    if (heap.length === 0) return;
    let at = 0;
    for (let down = 1; down < heap.length; down = at * 2 + 1) {
      if (down + 1 < heap.length && isBefore(heap[down + 1] as Timer, heap[down] as Timer)) down++;
      if (!isBefore(heap[down] as Timer, last)) break;
      heap[at] = heap[down] as Timer;
      at = down;
    }
    heap[at] = last;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.nth < b.nth);
}
