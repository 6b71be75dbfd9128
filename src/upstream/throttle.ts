import type { EngineLimits } from './settings.ts';
import { WindowSum } from './window.ts';

type ThrottleLimits = Pick<
  EngineLimits,
  'retryAfterMaxMs' | 'throttleMs' | 'throttleFactor' | 'throttleGrowMs' | 'windowMs'
>;

/** What was halved when a member last said that we ask too much. */
interface Lowered {
  readonly at: number;
  /** Questions per second then, and what is left of them. */
  readonly from: number;
  readonly to: number;
}

/**
 * How much of one member may be asked of: its configured rate, and what it told us itself. After a 429 it is left alone until its Retry-After is over, then asked
 * at half the rate at which it complained, and at one question per second more every ten seconds until that rate is reached again.
 */
export class Throttle {
  readonly #limits: ThrottleLimits;
  /** Questions per second; undefined = unlimited. */
  readonly #configured: number | undefined;
  readonly #asked: WindowSum;
  #tokens: number;
  #filledAt = 0;
  #sparedUntil = 0;
  #lowered: Lowered | undefined;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(limits: ThrottleLimits, ratePerSecond: number | undefined) {
    this.#limits = limits;
    this.#configured = ratePerSecond;
    this.#asked = new WindowSum(limits.windowMs);
    this.#tokens = Math.max(1, ratePerSecond ?? 1);
  }

  /** It said that we ask too much. Returns how long it is spared, ms. */
  told(now: number, retryAfterMs: number | undefined): number {
    const { retryAfterMaxMs, throttleMs, throttleFactor, windowMs } = this.#limits;
    const forMs = Math.min(retryAfterMaxMs, retryAfterMs ?? throttleMs);
    // Questions that were under way complain together: that is one complaint.
    if (now >= this.#sparedUntil) {
      const from = this.#rate(now) ?? (this.#asked.sum(now) * 1000) / windowMs;
      this.#lowered = { at: now, from, to: Math.max(1, from * throttleFactor) };
      this.#tokens = 1;
      this.#filledAt = now;
    }
    this.#toldAt = now;
    this.#sparedUntil = Math.max(this.#sparedUntil, now + forMs);
    return forMs;
  }

  /** It was not the member that said so. */
  pardoned(now: number): void {
    this.#sparedUntil = now;
    this.#lowered = undefined;
    this.#toldAt = Number.NEGATIVE_INFINITY;
  }

  /** How long its Retry-After still holds, ms; 0 = not. It must not be asked in this time. */
  sparedForMs(now: number): number {
    return Math.max(0, this.#sparedUntil - now);
  }

  /** How long whoever asks next has to wait for a turn, ms; 0 = not at all. */
  turnInMs(now: number): number {
    const rate = this.#rate(now);
    if (rate === undefined) return 0;
    this.#fill(now, rate);
    return this.#tokens >= 1 ? 0 : ((1 - this.#tokens) * 1000) / rate;
  }

  /** Takes the next turn, and returns in how many ms it is. */
  take(now: number): number {
    const waitMs = this.turnInMs(now);
    this.#tokens--;
    this.#asked.add(now);
    return waitMs;
  }

  /** A turn that was taken is not used. */
  giveBack(now: number): void {
    this.#tokens++;
    this.#asked.add(now, -1);
  }

  /** How long ago it last said that we ask too much, ms. */
  toldAgoMs(now: number): number {
    return now - this.#toldAt;
  }

  #fill(now: number, rate: number): void {
    const grown = ((now - this.#filledAt) * rate) / 1000;
    this.#tokens = Math.min(Math.max(1, rate), this.#tokens + grown);
    this.#filledAt = now;
  }

  #rate(now: number): number | undefined {
    if (this.#lowered === undefined) return this.#configured;
    const { at, from, to } = this.#lowered;
    const rate = to + Math.floor((now - at) / this.#limits.throttleGrowMs);
    if (rate < from) return Math.min(rate, this.#configured ?? rate);
    this.#lowered = undefined;
    if (this.#configured === undefined) this.#tokens = 1;
    return this.#configured;
  }
}
