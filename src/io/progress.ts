/** How fast a body must come at least. */
export interface Pace {
  readonly minBytesPerSecond: number;
  /** Over how long it is measured, ms. */
  readonly progressWindowMs: number;
}

/** A connection needs a moment to come up to speed. */
const START_MS = 2000;
/** Marks per window: what is looked at is at most this much longer than the window. */
const MARKS = 10;

interface Mark {
  readonly waitedMs: number;
  readonly bytes: number;
}

/** Says when a body has come too slowly over a whole window; its first two seconds are not looked at. Holds a dozen marks. */
export class Progress {
  readonly #pace: Pace;
  readonly #marks: Mark[] = [];

  constructor(pace: Pace) {
    this.#pace = pace;
  }

  /** Whether `bytes` in all, after `waitedMs` of waiting in all, are too few. Waits for the reader do not count as waiting. */
  isTooSlow(waitedMs: number, bytes: number): boolean {
    const { minBytesPerSecond, progressWindowMs } = this.#pace;
    const last = this.#marks.at(-1);
    if (waitedMs < START_MS) return false;
    if (last === undefined || waitedMs - last.waitedMs >= progressWindowMs / MARKS)
      this.#marks.push({ waitedMs, bytes });
    while (waitedMs - (this.#marks[1]?.waitedMs ?? waitedMs) >= progressWindowMs) this.#marks.shift();
    const since = this.#marks[0];
    const ms = since === undefined ? 0 : waitedMs - since.waitedMs;
    return since !== undefined && ms >= progressWindowMs && bytes - since.bytes < (minBytesPerSecond * ms) / 1000;
  }
}
