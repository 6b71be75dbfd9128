import type { EngineLimits } from './settings.ts';
import { WindowSum } from './window.ts';

/** How many retries may be made: a share of the questions of the last while, and a few per second besides so that a quiet pool may retry, too. */
export class RetryBudget {
  readonly #share: number;
  /** What the time alone gives within the window. */
  readonly #reserve: number;
  readonly #questions: WindowSum;
  readonly #spent: WindowSum;

  constructor(o: Pick<EngineLimits, 'retryShare' | 'retriesPerSecond' | 'retryExpiryMs'>) {
    this.#share = o.retryShare;
    this.#reserve = (o.retriesPerSecond * o.retryExpiryMs) / 1000;
    this.#questions = new WindowSum(o.retryExpiryMs);
    this.#spent = new WindowSum(o.retryExpiryMs);
  }

  onQuestion(now: number): void {
    this.#questions.add(now);
  }

  /** Whether one may be made now; counts it then. */
  take(now: number): boolean {
    const left = this.#reserve + this.#share * this.#questions.sum(now) - this.#spent.sum(now);
    if (left < 1) return false;
    this.#spent.add(now);
    return true;
  }
}

/** How many hedges may be made: a share of the questions, of which some may be saved up. Full at the start. */
export class HedgeBudget {
  readonly #share: number;
  readonly #burst: number;
  #tokens: number;

  constructor({ hedgeShare, hedgeBurst }: Pick<EngineLimits, 'hedgeShare' | 'hedgeBurst'>) {
    this.#share = hedgeShare;
    this.#burst = hedgeBurst;
    this.#tokens = hedgeBurst;
  }

  onQuestion(): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + this.#share);
  }

  /** Whether one may be made now; counts it then. */
  take(): boolean {
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
