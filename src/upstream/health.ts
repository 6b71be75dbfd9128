import { Culprit } from './culprit.ts';
import type { EngineLimits } from './settings.ts';
import { slowStartShare } from './slow-start.ts';
import type { HealthState, OpenReason } from './standing.ts';
import { OutcomeWindow } from './window.ts';

export type HealthLimits = Pick<
  EngineLimits,
  | 'suspectAfter'
  | 'openAfterFailures'
  | 'openAboveRatio'
  | 'ratioSamples'
  | 'windowMs'
  | 'openMs'
  | 'openMaxMs'
  | 'openJitter'
  | 'healthyMs'
  | 'strikeMs'
  | 'goodProbes'
  | 'slowStartMs'
  | 'slowStartShare'
>;

/** A step from one state to another. */
export interface HealthChange {
  readonly from: HealthState;
  readonly to: HealthState;
  readonly reason?: OpenReason;
  readonly message?: string;
}

/** Something heard of a member. Times are monotonic, ms. */
export interface Heard {
  readonly now: number;
  /** When the question or probe was put that tells us this. */
  readonly since: number;
  /** The module that was asked for, where it may be to blame for a failure. */
  readonly culprit?: string;
}

/**
 * Whether a member is asked, by what really happened to its questions and probes. Open is left in two ways. Good answers in a row bring it back at once, when they say
 * something about what it was opened for: real answers do, and probes do where probes failed, too. Where they never did they cannot judge the fault, and count only once
 * the time is over that doubles with each opening. Without a probe that time leads to half-open, in which single questions are put to it on trial.
 *
 * Every operation returns the change that it made, if any. What was asked before the member came back does not count against it, nor does more than one failure of one module that may itself be
 * to blame: see culprit.ts.
 */
export class Health {
  readonly #limits: HealthLimits;
  readonly #random: () => number;
  readonly #outcomes: OutcomeWindow;
  readonly #culpritInARow = new Culprit();
  readonly #culpritInWindow: Culprit;
  #state: HealthState = 'up';
  #reason: OpenReason | undefined;
  #failures = 0;
  #probeFailures = 0;
  #goods = 0;
  /** How often it opened without a healthy minute between. */
  #openings = 0;
  #openedAt = Number.NEGATIVE_INFINITY;
  #openUntil = 0;
  /** When it last came back; before all time when it never was away. */
  #upSince = Number.NEGATIVE_INFINITY;
  #hasProbeFailed = false;

  constructor(limits: HealthLimits, random: () => number) {
    this.#limits = limits;
    this.#random = random;
    this.#outcomes = new OutcomeWindow(limits.windowMs);
    this.#culpritInWindow = new Culprit(limits.windowMs);
  }

  get state(): HealthState {
    return this.#state;
  }

  /** Why it is not asked; undefined while it is. */
  get reason(): OpenReason | undefined {
    return this.isAway ? this.#reason : undefined;
  }

  /** Whether it is open or half-open: asked on trial at most. */
  get isAway(): boolean {
    return this.#state === 'open' || this.#state === 'half-open';
  }

  /** Failures in a row, of questions or of probes, whichever are more. */
  get failuresInARow(): number {
    return Math.max(this.#failures, this.#probeFailures);
  }

  /** Whether it is away for what probes have not seen so far. */
  get isUnprobed(): boolean {
    return (this.reason === 'failures' || this.reason === 'ratio') && !this.#hasProbeFailed;
  }

  /** When it was opened; before all time when it never was. */
  get openedAt(): number {
    return this.#openedAt;
  }

  /** How long it is left alone unless probes say otherwise, ms. */
  openForMs(now: number): number {
    return this.#state === 'open' ? Math.max(0, this.#openUntil - now) : 0;
  }

  /** Share of failures of the last ten seconds; undefined when nothing was heard. */
  errorRatio(now: number): number | undefined {
    return this.#outcomes.ratio(now);
  }

  /** What share of its questions it gets: less than 1 for some time after it came back. */
  share(now: number): number {
    return slowStartShare(now - this.#upSince, this.#limits);
  }

  /** It answered a question. */
  answered({ now, since }: Heard): HealthChange | undefined {
    this.#probeFailures = 0;
    if (since < this.#upSince) return undefined;
    this.#outcomes.add(now, false);
    this.#failures = 0;
    if (!this.isAway) this.#culpritInARow.forget();
    return this.isAway && !this.#isUnderProof(now) ? this.#good(now) : undefined;
  }

  /** It failed a question; `reason` is `tls` when its certificate is why. */
  failed({ now, since, culprit }: Heard, reason: 'failures' | 'tls', message: string): HealthChange | undefined {
    if (since < this.#upSince) return undefined;
    if (this.#culpritInWindow.counts(now, culprit)) this.#outcomes.add(now, true);
    if (!this.#culpritInARow.counts(now, culprit)) return undefined;
    this.#failures++;
    if (this.isAway) return this.#bad(now, message);
    if (reason === 'tls') return this.#open(now, 'tls', message);
    if (this.#failures >= this.#limits.openAfterFailures) return this.#open(now, 'failures', message);
    return this.#isMostlyFailing(now) ? this.#open(now, 'ratio', message) : undefined;
  }

  /** A probe was answered as it has to be. */
  probeAnswered({ now }: Heard): HealthChange | undefined {
    this.#probeFailures = 0;
    if (!this.isAway || this.#isUnderProof(now)) return undefined;
    const judgedFrom = Math.min(this.#openUntil, this.#openedAt + this.#limits.openMs);
    const mayJudge = this.#hasProbeFailed || this.#reason === 'tls' || now >= judgedFrom;
    if (mayJudge) return this.#good(now);
    // It saw nothing of what the questions met: it counts, but does not bring back so soon.
    this.#goods = Math.min(this.#goods + 1, this.#limits.goodProbes - 1);
    return undefined;
  }

  probeFailed({ now, since }: Heard, message: string): HealthChange | undefined {
    if (since < this.#upSince) return undefined;
    this.#probeFailures++;
    if (this.isAway) {
      this.#hasProbeFailed = true;
      return this.#bad(now, message);
    }
    return this.#probeFailures >= this.#limits.openAfterFailures ? this.#open(now, 'probe', message) : undefined;
  }

  /** There is proof against it, which no good answer takes away before its time. */
  struck(now: number, reason: 'integrity' | 'tls', message: string): HealthChange | undefined {
    if (this.#state === 'open' && this.#reason === reason) {
      this.#openUntil = now + this.#limits.strikeMs;
      return undefined;
    }
    return this.#open(now, reason, message);
  }

  /** `aged` of its questions are too old by now. */
  aged(aged: number): HealthChange | undefined {
    const isTooMany = aged >= this.#limits.suspectAfter;
    if (this.#state === 'up' && isTooMany) return this.#turn('suspect', {});
    if (this.#state === 'suspect' && !isTooMany) return this.#turn('up', {});
    return undefined;
  }

  /** What it was left alone for was not its doing: good answers bring it back as soon as any, whatever the reason was. */
  pardoned(now: number): void {
    this.#beginAnew();
    this.#openings = 0;
    if (!this.isAway) return;
    this.#reason = 'failures';
    this.#openUntil = now;
  }

  /** For a member without probes: whether its time is over, so that it may be tried. */
  timeOver(now: number): HealthChange | undefined {
    return this.#state === 'open' && now >= this.#openUntil ? this.#halfOpen() : undefined;
  }

  /** Whether it sent wrong bytes, and the time for that is not over. */
  #isUnderProof(now: number): boolean {
    return this.#reason === 'integrity' && now < this.#openUntil;
  }

  #isMostlyFailing(now: number): boolean {
    const { ratioSamples, openAboveRatio } = this.#limits;
    return this.#outcomes.count(now) >= ratioSamples && (this.#outcomes.ratio(now) ?? 0) > openAboveRatio;
  }

  #good(now: number): HealthChange | undefined {
    this.#goods++;
    if (this.#goods >= this.#limits.goodProbes) return this.#comeBack(now);
    return this.#state === 'open' ? this.#halfOpen() : undefined;
  }

  #bad(now: number, message: string): HealthChange | undefined {
    this.#goods = 0;
    if (this.#state !== 'half-open') return undefined;
    // The time for wrong bytes is over: what is bad now is no proof.
    const reason = this.#reason === 'integrity' ? 'failures' : this.#reason;
    return this.#open(now, reason ?? 'failures', message);
  }

  #comeBack(now: number): HealthChange {
    this.#upSince = now;
    this.#beginAnew();
    return this.#turn('up', {});
  }

  #beginAnew(): void {
    this.#failures = 0;
    this.#probeFailures = 0;
    this.#outcomes.clear();
    this.#culpritInARow.forget();
    this.#culpritInWindow.forget();
  }

  #halfOpen(): HealthChange {
    return this.#turn('half-open', this.#reason === undefined ? {} : { reason: this.#reason });
  }

  #open(now: number, reason: OpenReason, message: string): HealthChange {
    const { openMs, openMaxMs, openJitter, healthyMs, strikeMs } = this.#limits;
    if (!this.isAway) {
      this.#hasProbeFailed = reason === 'probe';
      if (now - Math.max(this.#upSince, this.#openedAt) >= healthyMs) this.#openings = 0;
    }
    const ms = Math.min(openMaxMs, openMs * 2 ** this.#openings) * (1 + openJitter * (2 * this.#random() - 1));
    this.#openings = Math.min(this.#openings + 1, MOST_DOUBLINGS);
    this.#openedAt = now;
    this.#openUntil = now + (reason === 'integrity' || reason === 'tls' ? strikeMs : ms);
    this.#goods = 0;
    this.#reason = reason;
    return this.#turn('open', { reason, message });
  }

  #turn(to: HealthState, more: Pick<HealthChange, 'reason' | 'message'>): HealthChange {
    const from = this.#state;
    this.#state = to;
    return { from, to, ...more };
  }
}

/** Past this the longest time is reached with any figures that make sense. */
const MOST_DOUBLINGS = 30;
