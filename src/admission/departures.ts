import type { Clock } from '../std/clock.ts';

export interface DepartureParts<T> {
  readonly clock: Clock;
  /** How long everybody stays, ms. */
  readonly afterMs: number;
  /** Called once for each whose time is over. */
  readonly leave: (one: T) => void;
}

/** How often some of those leave whose time is over, ms. */
const EVERY_MS = 10;
/** So many of them in a ms, and so large a part of those who are still here: a thousand a second, or ten thousand within six seconds. */
const [LEAST, PART] = [1, 1 / 2500];

/** Those who stay for the same time, in the order in which they came. Thousands who came together leave a few at a time: to tell all of them at once would keep everybody else waiting. */
export class Departures<T> {
  readonly #parts: DepartureParts<T>;
  /** When each leaves, monotonic ms; the first first. */
  readonly #dueAt = new Map<T, number>();
  #cancel: (() => void) | undefined;
  /** When it was to look again, monotonic ms. */
  #lookAt = 0;

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
    if (this.#cancel === undefined) this.#lookIn(afterMs);
  }

  /** It has left otherwise. */
  delete(one: T): void {
    this.#dueAt.delete(one);
    if (this.#dueAt.size > 0) return;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #lookIn(ms: number): void {
    const { clock } = this.#parts;
    this.#lookAt = clock.monotonic() + ms;
    this.#cancel = clock.after(ms, () => this.#leaveSome());
  }

  #leaveSome(): void {
    this.#cancel = undefined;
    const { clock, leave } = this.#parts;
    const now = clock.monotonic();
    // A turn of the event loop that comes late has more to do.
    const passedMs = EVERY_MS + now - this.#lookAt;
    let most = Math.ceil(passedMs * Math.max(LEAST, this.#dueAt.size * PART));
    for (const [one, dueAt] of this.#dueAt) {
      if (dueAt > now || most-- === 0) return this.#lookIn(Math.max(EVERY_MS, dueAt - now));
      this.#dueAt.delete(one);
      leave(one);
    }
  }
}
