import type { Clock } from '../std/clock.ts';
import { AppError } from '../std/errors.ts';
import type { PoolQuestion } from './asking.ts';
import { HedgeBudget, RetryBudget } from './budget.ts';
import { type CanarySide, type CanaryStep, slotOf } from './canary.ts';
import type { HealthChange } from './health.ts';
import { Member, type MemberListener } from './member.ts';
import type { MemberOutcome, UpstreamObserver } from './observer.ts';
import { inOrder, Rank } from './order.ts';
import { DEFAULT_ENGINE_LIMITS, type EngineLimits, type PoolSettings } from './settings.ts';

/** A member that may be asked a question, and as what. */
export interface Candidate {
  readonly member: Member;
  /** Whether it is only asked when those before it failed otherwise than by not having the thing. */
  readonly isReserve: boolean;
}

interface CoreParts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly observer: UpstreamObserver;
  /** Told whenever somebody may be asked who could not, or the other way round. Must not throw. */
  readonly onStir: () => void;
  /** Told of each step of a canary. Must not throw. */
  readonly onStep: (member: Member, step: CanaryStep) => void;
}

/** What all questions of one pool share: its members, their order, its budgets, and who is told what became of it. */
export class PoolCore implements MemberListener {
  readonly name: string;
  readonly members: readonly Member[];
  readonly limits: EngineLimits;
  readonly clock: Clock;
  readonly random: () => number;
  readonly retries: RetryBudget;
  readonly hedges: HedgeBudget;
  /** Turns that wait, each told when one may be asked who could not, or the other way round. */
  readonly queued = new Set<{ look(): void }>();
  readonly #observer: UpstreamObserver;
  readonly #onStir: () => void;
  readonly #onStep: CoreParts['onStep'];
  /** Those that have been canaries from the start; most pools have none. */
  readonly #canaries: readonly Member[];
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor({ name, members, limits = {} }: PoolSettings, { clock, random, observer, onStir, onStep }: CoreParts) {
    this.name = name;
    this.limits = { ...DEFAULT_ENGINE_LIMITS, ...limits };
    this.clock = clock;
    this.random = random;
    this.#observer = observer;
    this.#onStir = onStir;
    this.#onStep = onStep;
    this.retries = new RetryBudget(this.limits);
    this.hedges = new HedgeBudget(this.limits);
    this.members = members.map((one) => new Member(one, this.limits, random, this));
    this.#canaries = this.members.filter(({ canary }) => canary !== undefined);
  }

  /** Whether there is nobody who could be asked instead of another. */
  get isAlone(): boolean {
    return this.members.length === 1;
  }

  /** A question: counted for the budgets when it is a new one, and a sign that the pool is in use. */
  onQuestion<T>(now: number, { isRepeat = false }: PoolQuestion<T>): void {
    const wasIdle = !this.isInUse(now);
    this.#askedAt = now;
    if (!isRepeat) this.retries.onQuestion(now);
    if (!isRepeat) this.hedges.onQuestion();
    if (wasIdle) this.#onStir();
  }

  isInUse(now: number): boolean {
    return now - this.#askedAt < this.limits.inUseMs || this.#canaries.some(({ canary }) => canary?.isOnTrial);
  }

  // ------------------------------------------------------------------ choosing

  /** Who may be asked, in order. When nobody may, those whose turn for a trial it is. */
  candidates<T>(now: number, { kind, key }: PoolQuestion<T>): Candidate[] {
    const slot = this.#slotOf(key);
    const bids = this.members.map((member) => [member, member.bid(now, kind, slot)] as const);
    const ordered = inOrder(bids);
    const best = ordered[0]?.[1] ?? Rank.last;
    const trials =
      best < Rank.doubted ? [] : bids.filter(([member, { canary }]) => canary !== 'out' && member.mayTry(now));
    const tried = trials.sort(([, a], [, b]) => a.cost - b.cost).map(([member]) => ({ member, isReserve: false }));
    const isReserve = (rank: number): boolean => rank >= Rank.reserve && (rank > best || tried.length > 0);
    return [...tried, ...ordered.map(([member, rank]) => ({ member, isReserve: isReserve(rank) }))];
  }

  /** The members whose word is needed for "not here": all that are neither ejected nor want to be spared, but for canaries that are not this module's. */
  witnesses<T>({ key }: PoolQuestion<T>): readonly Member[] {
    const slot = this.#slotOf(key);
    const now = this.clock.monotonic();
    return this.members.filter((one) => one.isUsable(now) && one.canaryPlace(slot) !== 'passed');
  }

  /** Whether `member` is one that this question is for: no canary of other modules, and none that was rolled back. */
  isConcerned<T>({ key }: PoolQuestion<T>, member: Member): boolean {
    return ['none', 'chosen'].includes(member.canaryPlace(this.#slotOf(key)));
  }

  /** Whether the word of `member` counts for "not here". */
  isWitness<T>(question: PoolQuestion<T>, member: Member): boolean {
    return !member.isDoubted && this.isConcerned(question, member);
  }

  isUsable(now: number): boolean {
    return this.members.some((one) => one.isUsable(now));
  }

  /** Why nobody may be asked: those that could be are left alone, or have no turn soon. */
  unavailable(attempted: string): AppError {
    const now = this.clock.monotonic();
    const relied = this.members.filter(({ canary }) => canary?.isOut !== true);
    const away = relied.filter((one) => !one.isUsable(now));
    const waits = relied.map((one) => one.askableInMs(now));
    const seconds = Math.max(1, Math.ceil(Math.min(...waits, this.limits.strikeMs) / 1000));
    const failed = away.findLast(({ lastFailure }) => lastFailure !== undefined)?.lastFailure;
    const because = failed === undefined ? '' : `, because ${failed.message}`;
    const what =
      away.length > 0 ? `is left alone for ${seconds} s more${because}` : `has no turn under its rate for ${seconds} s`;
    return new AppError('UPSTREAM_UNAVAILABLE', `${attempted}: ${this.name} ${what}`, {
      ...(failed && { cause: failed }),
      detail: { retryAfterSeconds: seconds },
    });
  }

  #slotOf(key: string): number {
    return this.#canaries.length === 0 ? 0 : slotOf(key);
  }

  // ------------------------------------------------------------------ hearing

  /** `member` sent wrong bytes. The last one that may be asked stays so: what it sends is proven before it is used. */
  strike(now: number, member: Member, failure: AppError): void {
    this.#stepped(member, member.canary?.rollBack(now, 'integrity'));
    const isLast = !this.members.some((one) => one !== member && one.isUsable(now));
    if (!isLast) member.struck(now, failure);
  }

  /** An answer of `member`, for those who compare canaries with the others. */
  compare(now: number, member: Member, isFailure: boolean, latencyMs?: number): void {
    for (const one of this.#canaries) {
      const side = sideOf(one, member);
      if (side !== undefined) this.#stepped(one, one.canary?.heard(now, side, isFailure, latencyMs));
    }
  }

  /** A question to `member` was given up after `ms`. */
  compareOvertaken(now: number, member: Member, ms: number): void {
    for (const one of this.#canaries) {
      const side = sideOf(one, member);
      if (side !== undefined) this.#stepped(one, one.canary?.overtaken(now, side, ms));
    }
  }

  told(outcome: Omit<MemberOutcome, 'pool'>): void {
    this.#observer.onMemberOutcome({ pool: this.name, ...outcome });
  }

  onHealth(member: Member, change: HealthChange): void {
    this.#observer.onUpstreamEvent({ kind: 'state', pool: this.name, member: member.name, ...change });
    const now = this.clock.monotonic();
    // What has to be left alone while others do their work is no candidate.
    if (change.to === 'open' && member.canary?.isOnTrial && this.isUsable(now)) {
      this.#stepped(member, member.canary.rollBack(now, 'errors'));
    }
    this.#stirred();
  }

  onThrottled(member: Member, forMs: number): void {
    this.#observer.onUpstreamEvent({ kind: 'throttled', pool: this.name, member: member.name, forMs });
    this.#stirred();
  }

  onCanary(member: Member, step: CanaryStep): void {
    this.#observer.onUpstreamEvent({ kind: 'canary', pool: this.name, member: member.name, ...step });
    this.#onStep(member, step);
    this.#stirred();
  }

  #stirred(): void {
    for (const turn of this.queued) turn.look();
    this.#onStir();
  }

  #stepped(member: Member, step: CanaryStep | undefined): void {
    if (step !== undefined) this.onCanary(member, step);
  }
}

/** Which side of the comparison of `canary` an answer of `member` is on; undefined = neither, as it is a canary itself. */
function sideOf(canary: Member, member: Member): CanarySide | undefined {
  if (member === canary) return 'canary';
  return member.canary === undefined || member.canary.isThrough ? 'control' : undefined;
}
