/** Every bound and every duration of the resolver, in one place. All of them can be overridden by configuration. */
export interface ResolverLimits {
  /** Whole time for one `.info`, `.mod`, list, latest or query over all sources of the plan, ms. */
  readonly metadataDeadlineMs: number;
  /** How long a question that nobody can answer waits for an upstream to come back, ms since it began. */
  readonly patienceMs: number;
  /** How much longer a `.mod` may take, for its proof, ms. */
  readonly proofMs: number;
  /** Hard cap of one zip fill, ms. Progress rules belong to the source. */
  readonly zipDeadlineMs: number;

  /** Zips announced as larger are sent while they come in, but for their end; the others when they are stored. Bytes. */
  readonly streamAboveBytes: number;

  /** Remembered answers that are read from the store at once, and that may wait for it; one more is OVERLOADED. */
  readonly concurrentLoads: number;
  readonly queuedLoads: number;
  /** Longest wait for a turn, ms; then OVERLOADED. */
  readonly queueWaitMs: number;
  /** How long a flight goes on when nobody waits for it any more and it is not past half, ms. */
  readonly lingerMs: number;
  /** How long a failure is repeated to new callers without a new attempt, ms. */
  readonly errorMemoMs: number;

  /** How long list, latest and query answers are used without asking, ms, before jitter. */
  readonly freshMs: number;
  /** After that: answered at once while a refresh goes on behind, ms. */
  readonly staleWhileRevalidateMs: number;
  /** After that: asked first, the old answer used when no new one can be had, ms since it was confirmed. */
  readonly staleIfErrorMs: number;
  /** Longest wait for a source while an old answer is at hand, ms. */
  readonly staleWaitMs: number;
  /** After a failed attempt: how long the old answer is given without another attempt, ms. */
  readonly staleRetryMs: number;
  /** Least time between two refreshes of one answer, ms. */
  readonly refreshEveryMs: number;
  /** Refreshes started per second, over all modules, and how many may start at once after a pause. */
  readonly refreshesPerSecond: number;
  readonly refreshBurst: number;
  /** Refreshes running at once, and as many writes of remembered answers. */
  readonly concurrentBackground: number;
  /** Writes of remembered answers that may wait for their turn; more are left out until the next refresh. */
  readonly queuedWrites: number;
  /** Longest time the store may take over what is only remembered, ms; then the question goes on without it. */
  readonly storeDeadlineMs: number;
  /** Mutable answers kept in memory, by number and by bytes of their bodies. */
  readonly mutableEntries: number;
  readonly mutableBytes: number;
  /** Least time between two writes of an answer whose content did not change, ms. */
  readonly persistEveryMs: number;
  /** Extra wait for the other mirrors of a `|` group after the first list came, ms. */
  readonly mirrorWaitMs: number;

  /** How long "not here" is remembered: of a version or revision; of a version newer than all known; of a module, ms, before jitter. */
  readonly negativeVersionMs: number;
  readonly negativeNewVersionMs: number;
  readonly negativeModuleMs: number;
  readonly negativeEntries: number;

  /** Share by which fresh and negative times vary, so that they do not end together: 0.2 = from 80 % to 120 %. */
  readonly jitter: number;

  /** Verified bodies that could not be stored: how many bytes may be held in all, and how long each, ms. */
  readonly unstoredBytes: number;
  readonly unstoredMs: number;
}

/** Longest wait for the first byte of a zip where a `|` step follows, ms. */
export const ZIP_FIRST_BYTE_MS = 8000;

/** The same where only rungs of the ladder follow: they are not asked before it is hopeless, but within the patience of a reverse proxy. */
export const PATIENT_ZIP_FIRST_BYTE_MS = 40_000;

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;
const MIB = 1024 * 1024;

/** The figures of the reliability rules; what differs from them is said in the configuration reference. */
export const DEFAULT_LIMITS: ResolverLimits = {
  metadataDeadlineMs: 30 * SECOND,
  patienceMs: 15 * SECOND,
  proofMs: 20 * SECOND,
  zipDeadlineMs: 10 * MINUTE,

  streamAboveBytes: 32 * MIB,

  concurrentLoads: 16,
  queuedLoads: 10_000,
  queueWaitMs: 15 * SECOND,
  lingerMs: 2 * SECOND,
  errorMemoMs: SECOND,

  freshMs: MINUTE,
  staleWhileRevalidateMs: 10 * MINUTE,
  staleIfErrorMs: 30 * DAY,
  staleWaitMs: 2 * SECOND,
  staleRetryMs: 5 * SECOND,
  refreshEveryMs: MINUTE,
  refreshesPerSecond: 50,
  refreshBurst: 50,
  concurrentBackground: 32,
  queuedWrites: 10_000,
  storeDeadlineMs: 5 * SECOND,
  mutableEntries: 20_000,
  mutableBytes: 64 * MIB,
  persistEveryMs: 5 * MINUTE,
  mirrorWaitMs: SECOND,

  negativeVersionMs: 30 * SECOND,
  negativeNewVersionMs: 5 * SECOND,
  negativeModuleMs: 5 * MINUTE,
  negativeEntries: 100_000,

  jitter: 0.2,

  unstoredBytes: 1024 * MIB,
  unstoredMs: MINUTE,
};

/** `ms` varied by ±`share`, with `random` in [0, 1). */
export function jittered(ms: number, share: number, random: () => number): number {
  return ms * (1 + share * (2 * random() - 1));
}
