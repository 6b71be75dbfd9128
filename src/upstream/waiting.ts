import { type Ask, abortedError, throwIfAborted } from '../std/ask.ts';
import type { AppError } from '../std/errors.ts';
import type { PoolCore } from './core.ts';

interface Waiter {
  readonly go: () => void;
  readonly stop: (error: AppError) => void;
}

/**
 * Those who wait until a pool may be asked again. When a member is back all of them go. Where no prober is at work it is one of them, once a second, whose question
 * finds out.
 */
export class Waiting {
  readonly #core: PoolCore;
  /** In order of arrival; as many as questions under way, which whoever asks bounds. */
  readonly #waiters = new Set<Waiter>();
  #cancelTimer = ignore;
  #releasedAt = Number.NEGATIVE_INFINITY;

  constructor(core: PoolCore) {
    this.#core = core;
  }

  /** Rejects with the signal's reason. */
  async join({ signal }: Ask): Promise<void> {
    throwIfAborted(signal);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { go: resolve, stop: reject };
    const leave = (): void => reject(abortedError(signal));
    signal.addEventListener('abort', leave, { once: true });
    this.#waiters.add(waiter);
    this.look();
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', leave);
      this.#waiters.delete(waiter);
      if (this.#waiters.size === 0) this.#cancelTimer();
    }
  }

  /** Something may have changed. */
  look(): void {
    if (this.#waiters.size === 0) return;
    const now = this.#core.clock.monotonic();
    if (this.#core.isUsable(now)) return this.#releaseAll();
    if (this.#trialInMs(now) === 0) this.#releaseOne(now);
    this.#rearm(now);
  }

  /** Nobody waits any more. */
  close(reason: AppError): void {
    for (const { stop } of this.#waiters) stop(reason);
    this.#waiters.clear();
    this.#cancelTimer();
  }

  #releaseAll(): void {
    for (const { go } of this.#waiters) go();
    this.#waiters.clear();
    this.#cancelTimer();
  }

  #releaseOne(now: number): void {
    const [first] = this.#waiters;
    if (first === undefined) return;
    this.#releasedAt = now;
    this.#waiters.delete(first);
    first.go();
  }

  #rearm(now: number): void {
    this.#cancelTimer();
    if (this.#waiters.size === 0) return;
    const spared = this.#core.members.map(({ health, throttle }) => (health.isAway ? 0 : throttle.sparedForMs(now)));
    const waits = [...spared, this.#trialInMs(now) ?? 0].filter((ms) => ms > 0);
    if (waits.length > 0) this.#cancelTimer = this.#core.clock.after(Math.min(...waits), () => this.look());
  }

  /** Until one may go and find out, ms; undefined while probers do that. */
  #trialInMs(now: number): number | undefined {
    const trials = this.#core.members
      .filter(({ isProbed, canary }) => !isProbed && canary?.isOut !== true)
      .map((member) => member.trialInMs(now))
      .filter((ms) => ms !== undefined);
    if (trials.length === 0) return undefined;
    return Math.max(Math.min(...trials), this.#releasedAt + this.#core.limits.trialEveryMs - now);
  }
}

function ignore(): void {}
