import type { Clock } from '../std/clock.ts';

export interface DepartureParts<T> {
  readonly clock: Clock;
  /** How long everybody stays, ms. */
  readonly afterMs: number;
  /** Called once for each whose time is over. */
  readonly leave: (one: T) => void;
}

/** So many leave at once, and the next after this pause, ms: a thousand a second, a ms or two of work at a time. */
const AT_ONCE = 10;
const PAUSE_MS = 10;

/** Those who stay for the same time, in the order in which they came. Thousands who came together leave a few at a time: to tell all of them at once would keep everybody else waiting. */
export class Departures<T> {
  readonly #parts: DepartureParts<T>;
  /** When each leaves, monotonic ms; the first first. */
  readonly #dueAt = new Map<T, number>();
  #cancel: (() => void) | undefined;

  constructor(parts: DepartureParts<T>) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#dueAt.size;
  }

  /** From now on; who stays already begins anew. */
  add(one: T): void {
    const { clock, afterMs } = this.#parts;
    this.#dueAt.delete(one);
    this.#dueAt.set(one, clock.monotonic() + afterMs);
    this.#cancel ??= clock.after(afterMs, () => this.#leaveSome());
  }

  /** It has left otherwise. */
  delete(one: T): void {
    this.#dueAt.delete(one);
    if (this.#dueAt.size > 0) return;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #leaveSome(): void {
    this.#cancel = undefined;
    const { clock, leave } = this.#parts;
    const now = clock.monotonic();
    let left = 0;
    for (const [one, dueAt] of this.#dueAt) {
      if (dueAt > now || left === AT_ONCE) {
        this.#cancel ??= clock.after(Math.max(PAUSE_MS, dueAt - now), () => this.#leaveSome());
        return;
      }
      left++;
      this.#dueAt.delete(one);
      leave(one);
    }
  }
}
