import type { CanaryRecord } from './canary-memory.ts';
import { Latency } from './latency.ts';
import type { UpstreamEvent } from './observer.ts';
import type { EngineLimits } from './settings.ts';
import { OutcomeWindow } from './window.ts';

export type CanaryLimits = Pick<
  EngineLimits,
  | 'canaryStages'
  | 'canaryErrorFloor'
  | 'canaryFactor'
  | 'canarySamples'
  | 'canaryWindowMs'
  | 'canarySlowMs'
  | 'alpha'
  | 'reservoir'
>;

export type CanaryWhy = Extract<UpstreamEvent, { kind: 'canary' }>['why'];

/** A change of the share of a canary. */
export interface CanaryStep {
  readonly from: number;
  readonly to: number;
  readonly why: CanaryWhy;
}

/** Which answers are compared: the canary's, and those of the members that it is to equal. */
export type CanarySide = 'canary' | 'control';

/**
 * The stages of one canary. It gets the modules of its slots, first few, then more, as long as it does well; the first sign that it does not takes all of them
 * away in one step, until an operator starts it again. Through the last stage it is one of all.
 *
 * Every operation returns the step that it made, if any.
 */
export class Canary {
  readonly #limits: CanaryLimits;
  readonly #random: () => number;
  /** Index of the stage; -1 = rolled back, the number of stages = through. */
  #stage = -1;
  #stageSince = 0;
  #answers = 0;
  #slowSince: number | undefined;
  #hasLied = false;
  #isNew = true;
  #sides: Record<CanarySide, Side>;

  constructor(limits: CanaryLimits, random: () => number) {
    this.#limits = limits;
    this.#random = random;
    this.#sides = this.#newSides();
  }

  /** Of the modules, 0 to 100. */
  get percent(): number {
    if (this.#stage < 0) return 0;
    return this.#limits.canaryStages[this.#stage]?.percent ?? 100;
  }

  /** Whether it has come through all stages, and is asked as any other. */
  get isThrough(): boolean {
    return this.#stage === this.#limits.canaryStages.length;
  }

  /** Whether it was rolled back: it is asked when nobody else can answer. */
  get isOut(): boolean {
    return this.#stage < 0;
  }

  /** Whether it sent wrong bytes since it was started: it is not asked at all. */
  get hasLied(): boolean {
    return this.#hasLied;
  }

  /** Whether it still has to prove itself. */
  get isOnTrial(): boolean {
    return !this.isOut && !this.isThrough;
  }

  /** Whether nothing has been done with it yet. */
  get isNew(): boolean {
    return this.#isNew;
  }

  /** When it came to where it is, monotonic ms. */
  get since(): number {
    return this.#stageSince;
  }

  /** To where it has stood for `agoMs` elsewhere; to the first stage where that was less than the stages begin with now. */
  restore(now: number, { percent, hasLied }: Omit<CanaryRecord, 'since'>, agoMs: number): CanaryStep {
    const step = this.#enter(this.#stageOf(percent), now, 'remembered');
    this.#hasLied = hasLied && this.isOut;
    this.#stageSince = now - agoMs;
    return step;
  }

  /** From the first stage on. */
  start(now: number): CanaryStep | undefined {
    this.#hasLied = false;
    return this.#stage === 0 ? undefined : this.#enter(0, now, 'started');
  }

  /** On to the next stage by word of an operator. */
  promote(now: number): CanaryStep | undefined {
    return this.isThrough ? undefined : this.#enter(this.#stage + 1, now, 'operator');
  }

  rollBack(now: number, why: CanaryWhy): CanaryStep | undefined {
    if (why === 'integrity') this.#hasLied = true;
    return this.isOut ? undefined : this.#enter(-1, now, why);
  }

  /** An answer of one side: whether it was a failure, and how long it took where that says something. */
  heard(now: number, side: CanarySide, isFailure: boolean, latencyMs?: number): CanaryStep | undefined {
    if (!this.isOnTrial) return undefined;
    const { outcomes, latency } = this.#sides[side];
    outcomes.add(now, isFailure);
    if (latencyMs !== undefined) latency.answered(latencyMs);
    if (side === 'canary' && !isFailure) this.#answers++;
    return this.tick(now);
  }

  /** A question of one side was given up after `ms` because another member had answered it: it would have taken longer. */
  overtaken(now: number, side: CanarySide, ms: number): CanaryStep | undefined {
    if (!this.isOnTrial) return undefined;
    this.#sides[side].latency.answered(ms);
    return this.tick(now);
  }

  /** What time alone may bring. */
  tick(now: number): CanaryStep | undefined {
    if (!this.isOnTrial) return undefined;
    if (this.#failsTooOften(now)) return this.rollBack(now, 'errors');
    if (this.#isTooSlow(now)) return this.rollBack(now, 'latency');
    return this.#isProven(now) ? this.#enter(this.#stage + 1, now, 'good') : undefined;
  }

  #stageOf(percent: number): number {
    const { canaryStages } = this.#limits;
    if (percent === 0) return -1;
    if (percent >= 100) return canaryStages.length;
    const reached = canaryStages.findLastIndex((one) => one.percent <= percent);
    return Math.max(0, reached);
  }

  #failsTooOften(now: number): boolean {
    const { canarySamples, canaryErrorFloor, canaryFactor } = this.#limits;
    const { canary, control } = this.#sides;
    if (canary.outcomes.count(now) < canarySamples) return false;
    const tolerated = Math.max(canaryErrorFloor, canaryFactor * (control.outcomes.ratio(now) ?? 0));
    return (canary.outcomes.ratio(now) ?? 0) > tolerated;
  }

  #isTooSlow(now: number): boolean {
    const [canary, control] = [
      this.#sides.canary.latency.percentile(0.99),
      this.#sides.control.latency.percentile(0.99),
    ];
    const isSlow = canary !== undefined && control !== undefined && canary > this.#limits.canaryFactor * control;
    if (!isSlow) {
      this.#slowSince = undefined;
      return false;
    }
    this.#slowSince ??= now;
    return now - this.#slowSince >= this.#limits.canarySlowMs;
  }

  #isProven(now: number): boolean {
    const stage = this.#limits.canaryStages[this.#stage];
    if (stage === undefined || this.#slowSince !== undefined) return false;
    return now - this.#stageSince >= stage.leastMs && this.#answers >= stage.leastAnswers;
  }

  #enter(stage: number, now: number, why: CanaryWhy): CanaryStep {
    const from = this.percent;
    this.#isNew = false;
    this.#stage = stage;
    this.#stageSince = now;
    this.#answers = 0;
    this.#slowSince = undefined;
    this.#sides = this.#newSides();
    return { from, to: this.percent, why };
  }

  #newSides(): Record<CanarySide, Side> {
    return { canary: this.#newSide(), control: this.#newSide() };
  }

  #newSide(): Side {
    return {
      outcomes: new OutcomeWindow(this.#limits.canaryWindowMs),
      latency: new Latency(this.#limits, this.#random),
    };
  }
}

interface Side {
  readonly outcomes: OutcomeWindow;
  readonly latency: Latency;
}

const SLOTS = 100;

/** Which of the hundred slots a module is in: always the same one, in every process. */
export function slotOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  // FNV leaves the low bits of similar names alike.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % SLOTS;
}
