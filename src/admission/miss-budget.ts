import type { LRUCache } from 'lru-cache';
import type { Clock } from '../std/clock.ts';
import { recentEntries } from '../std/recent.ts';

export interface MissBudgetLimits {
  /** Questions a second of one client that may lead nowhere. */
  readonly perSecond: number;
  /** How many at once, after a pause. */
  readonly burst: number;
  /** Clients that are remembered; the least recently charged are forgotten first. */
  readonly clients: number;
}

interface Account {
  readonly tokens: number;
  /** Monotonic ms. */
  readonly at: number;
}

/**
 * How many questions that lead nowhere each client has left. Only they are charged, so whoever asks for things that exist never has less, however much; a client
 * that was never charged takes no room.
 */
export class MissBudget {
  readonly #clock: Clock;
  readonly #limits: MissBudgetLimits;
  readonly #accounts: LRUCache<string, Account>;

  constructor(clock: Clock, limits: MissBudgetLimits) {
    this.#clock = clock;
    this.#limits = limits;
    this.#accounts = recentEntries(limits.clients);
  }

  /** Whether `client` has nothing left. */
  isSpent(client: string): boolean {
    return this.#tokens(client) < 1;
  }

  /** Takes one away, as far as there is one. */
  charge(client: string): void {
    this.#set(client, Math.max(0, this.#tokens(client) - 1));
  }

  /** Gives one back that was taken in advance. */
  refund(client: string): void {
    this.#set(client, this.#tokens(client) + 1);
  }

  #set(client: string, tokens: number): void {
    if (tokens >= this.#limits.burst) this.#accounts.delete(client);
    else this.#accounts.set(client, { tokens, at: this.#clock.monotonic() });
  }

  #tokens(client: string): number {
    const { perSecond, burst } = this.#limits;
    const account = this.#accounts.get(client);
    if (account === undefined) return burst;
    return Math.min(burst, account.tokens + ((this.#clock.monotonic() - account.at) / 1000) * perSecond);
  }
}
