import type { Source } from '../sources/source.ts';
import type { AppError } from '../std/errors.ts';
import type { PoolQuestion, QuestionKind } from './asking.ts';
import { Canary, type CanaryStep } from './canary.ts';
import { mayBeOfModule, retryAfterMsOf, type Verdict, verdictOf } from './classify.ts';
import { Culprit } from './culprit.ts';
import { Health, type HealthChange } from './health.ts';
import { type Bid, type CanaryPlace, costOf } from './order.ts';
import type { EngineLimits, MemberSettings } from './settings.ts';
import { SlowStart } from './slow-start.ts';
import type { MemberStanding } from './standing.ts';
import { Throttle } from './throttle.ts';
import { Timing } from './timing.ts';
import { AllUnderway, type Underway } from './underway.ts';

/** What a member tells of itself. */
export interface MemberListener {
  onHealth(member: Member, change: HealthChange): void;
  onThrottled(member: Member, forMs: number): void;
  onCanary(member: Member, step: CanaryStep): void;
}

/** What is known of one upstream, and how it is to be treated. Heard of by the driver, without clock or timers of its own. */
export class Member {
  readonly settings: MemberSettings;
  readonly health: Health;
  readonly throttle: Throttle;
  /** Undefined for ordinary members. */
  readonly canary: Canary | undefined;
  /** Whether a prober is at work, which finds out when it is back. */
  isProbed = false;
  readonly #limits: EngineLimits;
  readonly #listener: MemberListener;
  readonly #timing: Timing;
  readonly #slowStart = new SlowStart();
  /** Which module met a 503 with Retry-After. */
  readonly #unavailable: Culprit;
  readonly #underway: AllUnderway;
  #detour: Source | undefined;
  #probesDetour: Source | undefined;
  #triedAt = Number.NEGATIVE_INFINITY;
  #answeredAt = Number.NEGATIVE_INFINITY;
  /** What it failed with last. */
  #lastFailure: AppError | undefined;

  constructor(settings: MemberSettings, limits: EngineLimits, random: () => number, listener: MemberListener) {
    this.settings = settings;
    this.#limits = limits;
    this.#listener = listener;
    this.health = new Health(limits, random);
    this.throttle = new Throttle(limits, settings.ratePerSecond);
    this.#unavailable = new Culprit(limits.windowMs);
    this.canary = settings.isCanary ? new Canary(limits, random) : undefined;
    this.#timing = new Timing(limits, random);
    this.#underway = new AllUnderway(limits);
  }

  get name(): string {
    return this.settings.source.name;
  }

  /** Where its questions go: elsewhere while a drill leads them there. */
  get source(): Source {
    return this.#detour ?? this.settings.source;
  }

  get lastFailure(): AppError | undefined {
    return this.#lastFailure;
  }

  get inFlight(): number {
    return this.#underway.count;
  }

  /** When it last answered a question; before all time when it never did. */
  get answeredAt(): number {
    return this.#answeredAt;
  }

  /** Where its probes go. */
  get probed(): Source {
    return this.#probesDetour ?? this.settings.source;
  }

  detour(source: Source | undefined, probes = source): void {
    this.#detour = source;
    this.#probesDetour = probes;
  }

  // ------------------------------------------------------------------ choosing

  /** Brings its state up to now: what age and the end of its time make of it. */
  tick(now: number): void {
    this.#changed(this.health.aged(this.#underway.tooOld(now, this.#timing)));
    if (!this.isProbed) this.#changed(this.health.timeOver(now));
    this.#stepped(this.canary?.tick(now));
  }

  /** How it stands to a question of `kind` about the module in `slot`. Ticks. */
  bid(now: number, kind: QuestionKind, slot: number): Bid {
    this.tick(now);
    return {
      state: this.health.state,
      isSpared: this.throttle.sparedForMs(now) > 0,
      isBusy: this.inFlight >= this.settings.maxInFlight,
      turnInMs: this.throttle.turnInMs(now),
      isEasedIn: !this.#slowStart.hasTurn(this.health.share(now)),
      isOnTrial: this.health.state === 'half-open' && !this.isProbed && kind !== 'zip' && this.mayTry(now),
      isDoubted: this.isDoubted && (kind === 'info' || kind === 'mod' || kind === 'zip'),
      canary: this.canaryPlace(slot),
      cost: this.#cost(kind),
    };
  }

  canaryPlace(slot: number): CanaryPlace {
    if (this.canary === undefined || this.canary.isThrough) return 'none';
    if (this.canary.isOut) return this.canary.hasLied ? 'out' : 'last';
    return slot < this.canary.percent ? 'chosen' : 'passed';
  }

  /** Whether it is left alone because it sent wrong bytes. */
  get isDoubted(): boolean {
    return this.health.state === 'open' && this.health.reason === 'integrity';
  }

  /** Whether it may be asked other than on trial, and not as a last resort alone. */
  isUsable(now: number): boolean {
    return this.canary?.isOut !== true && !this.health.isAway && this.throttle.sparedForMs(now) === 0;
  }

  /** Whether a question may be put to it now, on trial or for want of a better one, too. */
  mayBeAsked(now: number): boolean {
    if (this.throttle.sparedForMs(now) > 0 || this.canaryPlace(0) === 'out') return false;
    return !this.health.isAway || this.isDoubted || this.mayTry(now);
  }

  /** Whether one question may be put to it although it is away. Who sent wrong bytes is not tried before its time. */
  mayTry(now: number): boolean {
    const { state, reason } = this.health;
    const isAway = state === 'half-open' || (state === 'open' && reason !== 'integrity');
    return isAway && now - this.#triedAt >= this.#limits.trialEveryMs && this.throttle.sparedForMs(now) === 0;
  }

  /** When `mayTry` will say yes if nothing else happens, ms from now; undefined = not by time alone. */
  trialInMs(now: number): number | undefined {
    if (!this.health.isAway) return undefined;
    const openMs = this.health.reason === 'integrity' ? this.health.openForMs(now) : 0;
    const sinceTrialMs = this.#triedAt + this.#limits.trialEveryMs - now;
    return Math.max(0, openMs, sinceTrialMs, this.throttle.sparedForMs(now));
  }

  /** When it may be asked again other than on trial, ms from now: 0 = it may now. */
  askableInMs(now: number): number {
    const { health, throttle } = this;
    return this.isUsable(now) ? throttle.turnInMs(now) : Math.max(health.openForMs(now), throttle.sparedForMs(now));
  }

  /** After how long a second member is asked beside it, ms. */
  hedgeAfterMs(kind: QuestionKind): number {
    return this.#timing.hedgeAfterMs(kind);
  }

  /** After how long without a first byte another is asked beside it, whatever the budget says, ms. */
  firstByteMs(kind: QuestionKind): number {
    return this.#timing.firstByteMs(kind);
  }

  /** Whether it may be asked something that it could be spared. */
  mayBeHedgedTo(now: number): boolean {
    const { hedgeBelowLoad, hedgeQuietMs } = this.#limits;
    const isQuiet =
      this.throttle.toldAgoMs(now) >= hedgeQuietMs && this.throttle.turnInMs(now) === 0 && this.isUsable(now);
    return isQuiet && this.inFlight < hedgeBelowLoad * this.settings.maxInFlight;
  }

  // ------------------------------------------------------------------ hearing

  /** It is asked now. */
  asked(now: number, question: Pick<PoolQuestion<unknown>, 'kind' | 'key'>): Underway {
    if (this.health.isAway) this.#triedAt = now;
    return this.#underway.begin(now, question);
  }

  /** What its time is measured for is here. */
  began(now: number, one: Underway): void {
    if (one.hasBegun) return;
    one.hasBegun = true;
    this.#timing.of(one.kind).answered(now - one.since);
  }

  /** A good answer. */
  answered(now: number, one: Underway): void {
    this.began(now, one);
    this.#heardWell(now, one);
  }

  /** It does not have it. How soon it says so is no merit, and not counted. */
  saidAbsent(now: number, one: Underway): void {
    this.#heardWell(now, one);
  }

  /** Its time to the first byte has passed. It goes on, but has failed as far as its health goes. */
  late(now: number, one: Underway, failure: AppError): void {
    one.isLate = true;
    this.#failed(now, one, 'failures', failure);
  }

  failed(now: number, one: Underway, reason: 'failures' | 'tls', failure: AppError): void {
    this.#underway.end(one);
    if (!one.isLate) this.#failed(now, one, reason, failure);
  }

  /**
   * What a failure of the module at `key` says. A 503 with Retry-After may be about the module alone, as a proxy behind which there is another one tells of it; that the member itself
   * is asked too much is believed once two modules met it.
   */
  verdictOn(now: number, key: string, failure: AppError): Verdict {
    const verdict = verdictOf(failure);
    const isOfModule =
      verdict === 'throttled' && failure.detail['status'] === 503 && !this.#unavailable.isShared(now, key);
    return isOfModule ? 'failed' : verdict;
  }

  /** It says that it is asked too much. */
  throttled(now: number, one: Underway, failure: AppError): void {
    this.#underway.end(one);
    this.#lastFailure = failure;
    this.#listener.onThrottled(this, this.throttle.told(now, retryAfterMsOf(failure)));
  }

  /** It sent wrong bytes. */
  struck(now: number, failure: AppError): void {
    this.#lastFailure = failure;
    this.#changed(this.health.struck(now, 'integrity', failure.message));
  }

  /** What it heard of late was not its own doing. */
  pardoned(now: number): void {
    this.health.pardoned(now);
    this.throttle.pardoned(now);
  }

  /** Another answered first, and it was told to stop. */
  overtaken(now: number, one: Underway): void {
    this.#underway.end(one);
    if (!one.hasBegun) this.#timing.of(one.kind).gaveUp(now - one.since);
  }

  /** It ended in a way that says nothing of it: whoever asked has left, or it may not answer this. */
  left(one: Underway): void {
    this.#underway.end(one);
  }

  probeAnswered(now: number, since: number): void {
    this.#changed(this.health.probeAnswered({ now, since }));
    this.#timing.of('info').probed(now - since);
  }

  probeFailed(now: number, since: number, failure: AppError): void {
    this.#lastFailure = failure;
    const isTls = verdictOf(failure) === 'tls' && !this.health.isAway;
    const { health } = this;
    this.#changed(
      isTls ? health.struck(now, 'tls', failure.message) : health.probeFailed({ now, since }, failure.message),
    );
  }

  probeThrottled(now: number, failure: AppError): void {
    this.#listener.onThrottled(this, this.throttle.told(now, retryAfterMsOf(failure)));
  }

  // ------------------------------------------------------------------ telling

  standing(now: number): MemberStanding {
    this.tick(now);
    const { health, throttle } = this;
    const { mean, deviation } = this.#timing.of('info');
    const sparedMs = throttle.sparedForMs(now);
    const errorRatio = health.errorRatio(now);
    const fault = health.reason === 'tls' ? this.#lastFailure?.detail['tls'] : undefined;
    return {
      name: this.name,
      state: health.state,
      inFlight: this.inFlight,
      consecutiveFailures: health.failuresInARow,
      share: health.share(now),
      isDetoured: this.#detour !== undefined,
      ...(health.state === 'open' && health.reason !== undefined && { reason: health.reason }),
      ...(typeof fault === 'string' && { fault }),
      ...(mean !== undefined && { latencyMs: mean, deviationMs: deviation }),
      ...(errorRatio !== undefined && { errorRatio }),
      ...(this.canary && { canaryPercent: this.canary.percent }),
      ...(sparedMs > 0 && { throttledForMs: sparedMs }),
    };
  }

  #heardWell(now: number, one: Underway): void {
    this.#underway.end(one);
    this.#answeredAt = now;
    this.#changed(this.health.answered({ now, since: one.since }));
  }

  #failed(now: number, { since, key }: Underway, reason: 'failures' | 'tls', failure: AppError): void {
    this.#lastFailure = failure;
    const heard = { now, since, ...(reason === 'failures' && mayBeOfModule(failure) && { culprit: key }) };
    this.#changed(this.health.failed(heard, reason, failure.message));
  }

  #cost(kind: QuestionKind): number {
    const { weight, regionFactor, maxInFlight } = this.settings;
    const load = this.inFlight / maxInFlight;
    return costOf({ ...this.#timing.usual(kind), load, regionFactor, weight });
  }

  #changed(change: HealthChange | undefined): void {
    if (change === undefined) return;
    if (change.to === 'up' && change.from !== 'suspect') this.#isBack();
    this.#listener.onHealth(this, change);
  }

  /** What it took while it was failing says nothing of what it takes now: held against it, it would not be asked for long after it is well. */
  #isBack(): void {
    this.#slowStart.begin();
    this.#timing.restart();
  }

  #stepped(step: CanaryStep | undefined): void {
    if (step !== undefined) this.#listener.onCanary(this, step);
  }
}
