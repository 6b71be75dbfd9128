import type { Source } from '../sources/source.ts';
import type { Ask } from '../std/ask.ts';
import type { CanaryMemory } from './canary-memory.ts';

/**
 * Asks `source` something whose answer is known (`.info` of an old version) and rejects when it does not come, or is another one: a captive portal answers, too.
 * The source is the member's own, or where a drill leads its questions meanwhile.
 */
export type Probe = (source: Source, o: Ask) => Promise<void>;

/** One upstream of a pool. */
export interface MemberSettings {
  /** Its name is the member's. */
  readonly source: Source;
  /** How much of the questions it is meant to have, above 0; twice the weight halves its cost. 1 is usual. */
  readonly weight: number;
  /** What its distance multiplies its cost by: 1 in our region, more elsewhere. */
  readonly regionFactor: number;
  /** Questions at a time that it is meant for, at least 1. Beyond it others are asked first, but nobody is turned away: who asks bounds how many do. */
  readonly maxInFlight: number;
  /** Most questions per second; undefined = as many as there are. */
  readonly ratePerSecond?: number;
  /** Whether it has to prove itself first: it gets the questions of few modules, and of more as it does well. Starts when the pool is made. */
  readonly isCanary: boolean;
  /** Where its stage outlives this process. Then it starts when the pool does, from where it stood. */
  readonly canaryMemory?: CanaryMemory;
  /** Undefined = none: then it is real questions, one per second, that find out whether it is back. */
  readonly probe?: Probe;
}

/** The upstreams of one step of a plan. */
export interface PoolSettings {
  /** Short, without secrets. */
  readonly name: string;
  /** At least one; names differ. The order of the operator decides while nothing else does. */
  readonly members: readonly MemberSettings[];
  /** What differs from DEFAULT_ENGINE_LIMITS. */
  readonly limits?: Partial<EngineLimits>;
}

/** One stage of a canary. */
export interface CanaryStage {
  /** Of the modules, 1 to 99. */
  readonly percent: number;
  /** How long it lasts at least, ms. */
  readonly leastMs: number;
  /** How many questions the canary has answered in it at least. */
  readonly leastAnswers: number;
}

/** Every figure of the engine. Spec: "Upstream state and choice", "Deadlines, retries, hedges", "Canary and drills". */
export interface EngineLimits {
  /** Weight of the newest sample in the mean of the latency and its deviation. */
  readonly alpha: number;
  /** Latencies remembered per member and class, for the percentiles. */
  readonly reservoir: number;

  /** So many unanswered questions that are too old make a member suspect. */
  readonly suspectAfter: number;
  /** Too old: older than this, ms, and than `suspectFactor` times the 95th percentile. */
  readonly suspectFloorMs: number;
  readonly suspectFactor: number;

  /** Failures in a row that open. */
  readonly openAfterFailures: number;
  /** Share of failures that opens, of at least `ratioSamples` outcomes within `windowMs`. */
  readonly openAboveRatio: number;
  readonly ratioSamples: number;
  readonly windowMs: number;
  /** How long it is left alone at first, doubled each time it opens again, and at most; ms, varied by ±`openJitter`. Good probes bring a member back before: those that follow a failed one at once, others after `openMs`. */
  readonly openMs: number;
  readonly openMaxMs: number;
  readonly openJitter: number;
  /** So long without opening, and the doubling begins anew, ms. */
  readonly healthyMs: number;
  /** How long it is left alone after wrong bytes, and after a refused certificate where no probe tells that it is mended, ms. */
  readonly strikeMs: number;
  /** Good answers in a row that bring it back. */
  readonly goodProbes: number;
  /** After it is back its share grows from `slowStartShare` to 1 in this time, ms. */
  readonly slowStartMs: number;
  readonly slowStartShare: number;

  /** Between two probes of a member while its pool is in use, has a canary, or something is wrong; else `idleProbeMs`; after a refused certificate `tlsProbeMs`. All ms; less by a random share up to `probeJitter`, never more: three of them are how long an outage may go unseen. */
  readonly probeMs: number;
  readonly idleProbeMs: number;
  readonly tlsProbeMs: number;
  readonly probeJitter: number;
  /** A probe that takes longer has failed, ms. */
  readonly probeTimeoutMs: number;
  /** A pool counts as in use so long after a question, ms. */
  readonly inUseMs: number;
  /** While all are open, a member gets one question per this time, ms. */
  readonly trialEveryMs: number;

  /** Time to the first byte until another member is asked beside: `firstByteFactor` times the 99th percentile, within these bounds, ms. */
  readonly firstByteFactor: number;
  readonly firstByteMinMs: number;
  readonly firstByteMaxMs: number;

  /** A second member is asked beside the first after its 95th percentile, within these bounds, ms. */
  readonly hedgeMinMs: number;
  readonly hedgeMaxMs: number;
  /** Hedges per question, and how many may be saved up. */
  readonly hedgeShare: number;
  readonly hedgeBurst: number;
  /** No hedge goes to a member above this share of its `maxInFlight`, or so long after it throttled us, ms. */
  readonly hedgeBelowLoad: number;
  readonly hedgeQuietMs: number;

  /** Retries per question, and as many per second besides; what is not used expires. */
  readonly retryShare: number;
  readonly retriesPerSecond: number;
  readonly retryExpiryMs: number;
  /** Before a member is asked again a random time passes, up to `retryPauseMs`, doubled with each time, at most `retryPauseMaxMs`; ms. */
  readonly retryPauseMs: number;
  readonly retryPauseMaxMs: number;
  /** Times that one question is put to one member at most. */
  readonly attemptsPerMember: number;

  /** A Retry-After counts up to this, ms; a 429 without one is taken for `throttleMs`. */
  readonly retryAfterMaxMs: number;
  readonly throttleMs: number;
  /** After a 429: this share of the rate at which we asked; one question per second more every `throttleGrowMs`, until that rate is reached again. */
  readonly throttleFactor: number;
  readonly throttleGrowMs: number;
  /** Longest wait for a turn under a rate limit where nobody else can be asked, ms. */
  readonly turnWaitMs: number;

  /** How much longer the others have once one list has come, ms. */
  readonly listWaitMs: number;
  /** How long after the question "not here" waits for who is late, and may yet have it, ms. */
  readonly absenceWaitMs: number;

  /** Stages of a canary before it is one of all. */
  readonly canaryStages: readonly CanaryStage[];
  /** Rolled back when its share of failures within `canaryWindowMs` is above `canaryErrorFloor` and above `canaryFactor` times that of the others, of at least `canarySamples` outcomes. */
  readonly canaryErrorFloor: number;
  readonly canaryFactor: number;
  readonly canarySamples: number;
  readonly canaryWindowMs: number;
  /** Rolled back when its 99th percentile has been above `canaryFactor` times that of the others for so long, ms. */
  readonly canarySlowMs: number;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** The figures of the spec. */
export const DEFAULT_ENGINE_LIMITS: EngineLimits = {
  alpha: 0.1,
  reservoir: 200,

  suspectAfter: 2,
  suspectFloorMs: 250,
  suspectFactor: 2,

  openAfterFailures: 3,
  openAboveRatio: 0.5,
  ratioSamples: 10,
  windowMs: 10 * SECOND,
  openMs: 2 * SECOND,
  openMaxMs: 30 * SECOND,
  openJitter: 0.1,
  healthyMs: MINUTE,
  strikeMs: 10 * MINUTE,
  goodProbes: 2,
  slowStartMs: 10 * SECOND,
  slowStartShare: 0.1,

  probeMs: SECOND,
  idleProbeMs: 15 * SECOND,
  tlsProbeMs: 30 * SECOND,
  probeJitter: 0.1,
  probeTimeoutMs: 800,
  inUseMs: 15 * SECOND,
  trialEveryMs: SECOND,

  firstByteFactor: 4,
  firstByteMinMs: 500,
  firstByteMaxMs: 5 * SECOND,

  hedgeMinMs: 100,
  hedgeMaxMs: 2 * SECOND,
  hedgeShare: 0.1,
  hedgeBurst: 20,
  hedgeBelowLoad: 0.8,
  hedgeQuietMs: 10 * SECOND,

  retryShare: 0.2,
  retriesPerSecond: 10,
  retryExpiryMs: 10 * SECOND,
  retryPauseMs: 50,
  retryPauseMaxMs: SECOND,
  attemptsPerMember: 3,

  retryAfterMaxMs: MINUTE,
  throttleMs: SECOND,
  throttleFactor: 0.5,
  throttleGrowMs: 10 * SECOND,
  turnWaitMs: 15 * SECOND,

  listWaitMs: SECOND,
  absenceWaitMs: 12 * SECOND,

  canaryStages: [
    { percent: 5, leastMs: 5 * MINUTE, leastAnswers: 200 },
    { percent: 20, leastMs: 10 * MINUTE, leastAnswers: 200 },
  ],
  canaryErrorFloor: 0.02,
  canaryFactor: 2,
  canarySamples: 20,
  canaryWindowMs: 30 * SECOND,
  canarySlowMs: MINUTE,
};
