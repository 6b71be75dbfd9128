/** `up` · `suspect` asked after those that are up and have a turn, because questions grow old there · `open` left alone: asked by the prober, on trial while nobody else may be asked, or as a last resort where it sent wrong bytes · `half-open` has given its first good answer since, or its time is over. */
export type HealthState = 'up' | 'suspect' | 'open' | 'half-open';

/** Why a member is not asked. `integrity` = it sent bytes that are not the proven ones. */
export type OpenReason = 'failures' | 'ratio' | 'tls' | 'integrity' | 'probe';

/** How one member stands now, for the page of the state, metrics and the report of a drill. */
export interface MemberStanding {
  readonly name: string;
  readonly state: HealthState;
  /** Given while it is open. */
  readonly reason?: OpenReason;
  /** What is wrong with its certificate, or with the handshake, while it is open for that: one of a few fixed texts. */
  readonly fault?: string;
  /** Exponentially weighted mean of the time to the first byte, and its deviation, ms; undefined until something was measured. */
  readonly latencyMs?: number;
  readonly deviationMs?: number;
  readonly inFlight: number;
  /** Failures in a row. */
  readonly consecutiveFailures: number;
  /** Of the questions of the last ten seconds, 0 to 1; undefined without any. */
  readonly errorRatio?: number;
  /** What it is asked for now, of what its weight would give it: 0 to 1 in the slow start. */
  readonly share: number;
  /** Percent of the modules that go to it first, while it is a canary. */
  readonly canaryPercent?: number;
  /** Until when its Retry-After holds, ms from now; undefined when it holds no more. */
  readonly throttledForMs?: number;
  /** Whether a drill leads its questions elsewhere. */
  readonly isDetoured: boolean;
}

/** How one pool stands now. */
export interface PoolStanding {
  readonly name: string;
  readonly isUsable: boolean;
  readonly members: readonly MemberStanding[];
}
