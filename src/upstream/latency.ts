import type { EngineLimits } from './settings.ts';

/** With fewer samples a percentile is not told. */
const LEAST_SAMPLES = 10;

/**
 * How long one member takes for one class of questions: an exponentially weighted mean and deviation, and percentiles out of a bounded set of samples, in
 * which a new one takes the place of a random old one.
 */
export class Latency {
  readonly #alpha: number;
  readonly #samples: Float64Array;
  readonly #random: () => number;
  #count = 0;
  #mean: number | undefined;
  #deviation = 0;
  /** Sorted samples as they were some samples ago: sorting for every question would be most of what a question costs. */
  #sorted = new Float64Array(0);
  #sinceSorted = 0;

  constructor({ alpha, reservoir }: Pick<EngineLimits, 'alpha' | 'reservoir'>, random: () => number) {
    this.#alpha = alpha;
    this.#samples = new Float64Array(reservoir);
    this.#random = random;
  }

  /** An answer to a question took `ms`. */
  answered(ms: number): void {
    this.#weigh(ms);
    const { length } = this.#samples;
    const at = this.#count < length ? this.#count : Math.floor(this.#random() * length);
    this.#samples[at] = ms;
    this.#count = Math.min(this.#count + 1, length);
    this.#sinceSorted++;
  }

  /** An answer to a probe took `ms`: it moves the mean, but probes are too easy to be counted among the samples. */
  probed(ms: number): void {
    this.#weigh(ms);
  }

  /** A question was given up after `ms`. It would have taken longer, nobody knows how long: it moves the mean up, never down, and is no sample. */
  gaveUp(ms: number): void {
    if (this.#mean === undefined || ms > this.#mean) this.#weigh(ms);
  }

  /** The mean and the deviation begin anew; the samples stay. */
  restart(): void {
    this.#mean = undefined;
    this.#deviation = 0;
  }

  /** Mean, ms; undefined until something was heard. */
  get mean(): number | undefined {
    return this.#mean;
  }

  /** Mean distance from the mean, ms. */
  get deviation(): number {
    return this.#deviation;
  }

  /** What `share` of the answers were no slower than, ms; undefined with fewer than ten answers. May lag behind by some samples. */
  percentile(share: number): number | undefined {
    if (this.#count < LEAST_SAMPLES) return undefined;
    if (this.#sinceSorted > this.#count >> 4) this.#sort();
    return this.#sorted[Math.min(this.#sorted.length - 1, Math.ceil(share * this.#sorted.length) - 1)];
  }

  #weigh(ms: number): void {
    if (this.#mean === undefined) {
      this.#mean = ms;
      this.#deviation = ms / 2;
      return;
    }
    this.#deviation += this.#alpha * (Math.abs(ms - this.#mean) - this.#deviation);
    this.#mean += this.#alpha * (ms - this.#mean);
  }

  #sort(): void {
    this.#sorted = this.#samples.slice(0, this.#count).sort();
    this.#sinceSorted = 0;
  }
}
