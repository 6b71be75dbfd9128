import type { QuestionKind } from './asking.ts';
import { Latency } from './latency.ts';
import type { EngineLimits } from './settings.ts';

/** Questions that take about as long as each other: of what is there or not; of what has to be looked up; of what is large. */
type LatencyClass = 'file' | 'lookup' | 'zip';

const CLASS_OF: Readonly<Record<QuestionKind, LatencyClass>> = {
  info: 'file',
  mod: 'file',
  zip: 'zip',
  list: 'lookup',
  latest: 'lookup',
  query: 'lookup',
};

/** What nothing was heard of yet is taken to need, ms: somewhat more than a good answer, so that what is known to be good is kept. */
const UNKNOWN_MS = 100;

/** How long one member takes for each kind of question, and what follows from that. */
export class Timing {
  readonly #limits: EngineLimits;
  readonly #latencies: Readonly<Record<LatencyClass, Latency>>;

  constructor(limits: EngineLimits, random: () => number) {
    this.#limits = limits;
    const latency = (): Latency => new Latency(limits, random);
    this.#latencies = { file: latency(), lookup: latency(), zip: latency() };
  }

  of(kind: QuestionKind): Latency {
    return this.#latencies[CLASS_OF[kind]];
  }

  /** Means and deviations begin anew. */
  restart(): void {
    for (const latency of Object.values(this.#latencies)) latency.restart();
  }

  /** Mean and deviation, ms; of files where nothing was heard of this kind. */
  usual(kind: QuestionKind): { readonly meanMs: number; readonly deviationMs: number } {
    const { mean, deviation } = this.of(kind).mean === undefined ? this.#latencies.file : this.of(kind);
    return { meanMs: mean ?? UNKNOWN_MS, deviationMs: deviation };
  }

  /** After how long a second member is asked beside it, ms. */
  hedgeAfterMs(kind: QuestionKind): number {
    const { hedgeMinMs, hedgeMaxMs } = this.#limits;
    return clamp(this.of(kind).percentile(0.95) ?? hedgeMaxMs, hedgeMinMs, hedgeMaxMs);
  }

  /** After how long without a first byte another is asked beside it, whatever the budget says, ms. */
  firstByteMs(kind: QuestionKind): number {
    const { firstByteFactor, firstByteMinMs, firstByteMaxMs } = this.#limits;
    const p99 = this.of(kind).percentile(0.99);
    return p99 === undefined ? firstByteMaxMs : clamp(firstByteFactor * p99, firstByteMinMs, firstByteMaxMs);
  }

  /** Above which age a question makes its member suspect, ms. */
  tooOldMs(kind: QuestionKind): number {
    const { suspectFloorMs, suspectFactor, hedgeMaxMs } = this.#limits;
    return Math.max(suspectFloorMs, suspectFactor * (this.of(kind).percentile(0.95) ?? hedgeMaxMs));
  }
}

function clamp(ms: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, ms));
}
