/** How many pieces of work may run at a time. */
export interface Limit {
  readonly current: number;
  /** A piece of work took `tookMs` while `running` ran, itself among them. */
  sample(tookMs: number, running: number): void;
  /** Nothing has ended for a while though there is work that waits: nothing is known against more. */
  widen(): void;
}

export interface GradientOptions {
  readonly initial: number;
  readonly least: number;
  readonly most: number;
}

/** How much of each new estimate counts. */
const SMOOTHING = 0.2;
/** Samples that the usual time is the mean of, about. */
const LONG_WINDOW = 600;
/** Until then it is a plain mean. */
const WARM_UP = 10;
/** The usual time may be exceeded this many times before the limit goes down. */
const TOLERANCE = 1.5;
/** The most that one sample takes away. */
const STEEPEST = 0.5;

/**
 * Gradient2 (reliability: "Overload"): as long as work takes no longer than usual the limit rises by its own square root, and it falls when the work takes longer,
 * since then it waits for itself. While less than half is used nothing is learnt. A sum of few numbers: no clock, no queue.
 */
export class GradientLimit implements Limit {
  readonly #o: GradientOptions;
  #limit: number;
  #usualMs = 0;
  #samples = 0;

  constructor(o: GradientOptions) {
    this.#o = o;
    this.#limit = Math.min(o.most, Math.max(o.least, o.initial));
  }

  get current(): number {
    return Math.floor(this.#limit);
  }

  sample(tookMs: number, running: number): void {
    const ms = Math.max(tookMs, 0.01);
    this.#remember(ms);
    if (running < this.#limit / 2) return;
    const gradient = Math.max(STEEPEST, Math.min(1, (TOLERANCE * this.#usualMs) / ms));
    const wanted = this.#limit * gradient + Math.sqrt(this.#limit);
    this.#set(this.#limit * (1 - SMOOTHING) + wanted * SMOOTHING);
  }

  widen(): void {
    this.#set(this.#limit + Math.sqrt(this.#limit));
  }

  #remember(ms: number): void {
    this.#samples++;
    const weight = this.#samples <= WARM_UP ? 1 / this.#samples : 2 / (LONG_WINDOW + 1);
    this.#usualMs += (ms - this.#usualMs) * weight;
    // After a bad time the mean would take hundreds of samples to come down, and call everything quick meanwhile.
    if (this.#usualMs > 2 * ms) this.#usualMs *= 0.95;
  }

  #set(limit: number): void {
    this.#limit = Math.min(this.#o.most, Math.max(this.#o.least, limit));
  }
}

/** A limit that learns nothing: for work whose time says how large it is, and not how much else there is. */
export function fixedLimit(current: number): Limit {
  return { current, sample: () => undefined, widen: () => undefined };
}
