import type { Ask } from '../../src/std/ask.ts';
import type { Clock } from '../../src/std/clock.ts';

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/** A clock that moves only when a test says so. Starts at a fixed wall time; both times move together. */
export class ManualClock implements Clock {
  #now = Date.UTC(2026, 0, 2, 3, 4, 5);
  #elapsed = 0;
  readonly #sleepers = new Set<Sleeper>();

  now(): number {
    return this.#now + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  /** Moves the wall clock alone, as an operator or a time server may. */
  setWall(ms: number): void {
    this.#now = ms - this.#elapsed;
  }

  sleep(ms: number, { signal }: Ask): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const sleeper: Sleeper = { at: this.#elapsed + ms, wake: resolve };
    const onAbort = (): void => {
      this.#sleepers.delete(sleeper);
      reject(new DOMException('stopped', 'AbortError'));
    };
    if (signal.aborted) onAbort();
    else {
      this.#sleepers.add(sleeper);
      signal.addEventListener('abort', onAbort, { once: true });
    }
    return promise;
  }

  after(ms: number, run: () => void): () => void {
    const sleeper: Sleeper = { at: this.#elapsed + ms, wake: run };
    this.#sleepers.add(sleeper);
    return () => void this.#sleepers.delete(sleeper);
  }

  /** Lets `ms` pass for a process that is stopped meanwhile: no timer runs. Those that are due run with the next `advance`. */
  leap(ms: number): void {
    this.#elapsed += ms;
  }

  /** Timers that have not run out. */
  get sleeping(): number {
    return this.#sleepers.size;
  }

  /** Lets `ms` pass: wakes who is due, in order, and lets what they do settle after each. */
  async advance(ms: number): Promise<void> {
    const target = this.#elapsed + ms;
    await settle();
    for (;;) {
      const [next] = [...this.#sleepers].filter((one) => one.at <= target).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#elapsed = Math.max(this.#elapsed, next.at);
      this.#sleepers.delete(next);
      next.wake();
      await settle();
    }
    this.#elapsed = target;
    await settle();
  }
}

/** Lets everything that is ready to run, run; input and output of files included, within reason. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
}
