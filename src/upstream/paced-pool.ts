import { type Ask, abortedError } from '../std/ask.ts';
import type { Clock } from '../std/clock.ts';
import { AppError } from '../std/errors.ts';
import type { Pool } from './asking.ts';

/** How many questions may be put, and what is said of those for which there is no turn. */
export interface PaceSettings {
  /** Of the route, for messages. */
  readonly name: string;
  readonly ratePerSecond: number;
  /** How many may go at once after a pause; at least 1. */
  readonly burst: number;
  /** Longest wait for a turn, ms. */
  readonly waitMs: number;
  /** QUOTA_EXCEEDED where it is known whose quota it is. */
  readonly code: 'OVERLOADED' | 'QUOTA_EXCEEDED';
}

/** A bucket of turns that all pools of a route share. Turns come in the order in which they were asked for; whoever would wait too long is refused at once. */
export class Pace {
  readonly #settings: PaceSettings;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  /** When the bucket is full again, monotonic ms. */
  #fullAt = Number.NEGATIVE_INFINITY;

  constructor(settings: PaceSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
    this.#intervalMs = 1000 / settings.ratePerSecond;
  }

  /** Resolves when it is the caller's turn. Rejects with the code of the settings, with `detail.retryAfterSeconds`, or with ABORTED. */
  async turn(attempted: string, { signal }: Ask): Promise<void> {
    const { burst, waitMs, code, name } = this.#settings;
    const now = this.#clock.monotonic();
    const begin = Math.max(this.#fullAt, now);
    const wait = begin + this.#intervalMs - now - burst * this.#intervalMs;
    if (wait > waitMs) {
      const detail = { retryAfterSeconds: Math.max(1, Math.ceil((wait - waitMs) / 1000)) };
      throw new AppError(code, `${attempted}: too many questions on the route ${name}`, { detail });
    }
    this.#fullAt = begin + this.#intervalMs;
    if (wait > 0) await this.#wait(wait, signal);
  }

  async #wait(ms: number, signal: AbortSignal): Promise<void> {
    try {
      await this.#clock.sleep(ms, { signal });
    } catch (error) {
      // The turn goes to those who still wait for one.
      this.#fullAt -= this.#intervalMs;
      throw signal.aborted ? abortedError(signal) : error;
    }
  }
}

/** `pool`, whose questions wait for their turn first. */
export function paced(pool: Pool, pace: Pace): Pool {
  return {
    name: pool.name,
    async first(question, o) {
      await pace.turn(question.attempted, o);
      return await pool.first(question, o);
    },
    async all(question, o) {
      await pace.turn(question.attempted, o);
      return await pool.all(question, o);
    },
    get isUsable() {
      return pool.isUsable;
    },
    isWatched: pool.isWatched,
    usable: (o) => pool.usable(o),
    again: (o) => pool.again(o),
  };
}
