import { AppError, toAppError } from '../std/errors.ts';
import { waitFor } from '../std/ask.ts';
import { verdictOf } from './classify.ts';
import type { PoolCore } from './core.ts';
import type { Member } from './member.ts';
import type { Probe } from './settings.ts';

/** Asks one member what it is known to answer, as often as there is need. One probe at a time. */
export class Prober {
  readonly #core: PoolCore;
  readonly #member: Member;
  readonly #probe: Probe;
  #cancelTimer = ignore;
  /** When the next probe is due, monotonic; undefined while it is stopped. */
  #dueAt: number | undefined;
  #lastAt = 0;
  /** Of the probe under way. */
  #under: AbortController | undefined;

  constructor(core: PoolCore, member: Member, probe: Probe) {
    this.#core = core;
    this.#member = member;
    this.#probe = probe;
  }

  start(): void {
    if (this.#dueAt !== undefined) return;
    this.#member.isProbed = true;
    this.#lastAt = this.#core.clock.monotonic();
    this.#schedule();
  }

  /** Aborts the probe under way. */
  stop(): void {
    this.#member.isProbed = false;
    this.#cancelTimer();
    this.#dueAt = undefined;
    this.#under?.abort(new AppError('ABORTED', 'probing has ended'));
    this.#under = undefined;
  }

  /** Something changed: the next probe may be due sooner. */
  nudge(): void {
    if (this.#dueAt === undefined) return;
    const isSoon = this.#dueAt - this.#core.clock.monotonic() <= this.#core.limits.probeMs;
    if (!isSoon || this.#hasToJudge) this.#schedule();
  }

  /** Whether it was left alone since the last probe. Only a probe that fails while the outage lasts makes later ones tell when it is over. */
  get #hasToJudge(): boolean {
    const { health } = this.#member;
    return health.isUnprobed && health.openedAt > this.#lastAt;
  }

  #schedule(): void {
    const { clock, random, limits } = this.#core;
    const now = clock.monotonic();
    const everyMs = this.#everyMs(now) * (1 - limits.probeJitter * random());
    this.#dueAt = Math.max(now, this.#lastAt + everyMs);
    this.#cancelTimer();
    this.#cancelTimer = clock.after(this.#dueAt - now, () => this.#run());
  }

  #everyMs(now: number): number {
    const { probeMs, idleProbeMs, tlsProbeMs, healthyMs } = this.#core.limits;
    const { health } = this.#member;
    if (health.state === 'open' && health.reason === 'tls') return tlsProbeMs;
    if (this.#hasToJudge) return 0;
    const isNews = health.isAway ? now - health.openedAt < healthyMs : health.failuresInARow > 0;
    return isNews || this.#core.isInUse(now) ? probeMs : idleProbeMs;
  }

  #run(): void {
    const now = this.#core.clock.monotonic();
    this.#lastAt = now;
    if (this.#isNeeded(now)) void this.#ask(now);
    this.#schedule();
  }

  /** Not where a probe could tell nothing, or nothing new: real answers tell more. */
  #isNeeded(now: number): boolean {
    const { health, throttle, canary, answeredAt } = this.#member;
    if (this.#under !== undefined || canary?.isOut || throttle.sparedForMs(now) > 0) return false;
    if (health.reason === 'integrity' && health.openForMs(now) > 0) return false;
    return health.isAway || health.failuresInARow > 0 || now - answeredAt >= this.#core.limits.probeMs;
  }

  async #ask(since: number): Promise<void> {
    const { clock, limits } = this.#core;
    const under = new AbortController();
    this.#under = under;
    const attempted = `probe ${this.#member.name}`;
    const late = (): void =>
      under.abort(new AppError('UPSTREAM_TIMEOUT', `${attempted}: nothing within ${limits.probeTimeoutMs} ms`));
    const cancelTimer = clock.after(limits.probeTimeoutMs, late);
    try {
      await waitFor(this.#put(under.signal), under.signal);
      this.#ended(under, since, undefined);
    } catch (error) {
      this.#ended(under, since, toAppError(error, attempted));
    } finally {
      cancelTimer();
    }
  }

  /** One that was stopped says nothing, though others may have begun since. */
  #ended(under: AbortController, since: number, failure: AppError | undefined): void {
    if (this.#under !== under) return;
    this.#under = undefined;
    this.#heard(since, failure);
  }

  async #put(signal: AbortSignal): Promise<void> {
    return this.#probe(this.#member.probed, { signal });
  }

  #heard(since: number, failure: AppError | undefined): void {
    const now = this.#core.clock.monotonic();
    const member = this.#member;
    const isThrottled = failure !== undefined && verdictOf(failure) === 'throttled';
    const result = failure === undefined ? 'good' : isThrottled ? 'throttled' : 'failed';
    this.#core.told({ member: member.name, why: 'probe', result });
    if (failure === undefined) member.probeAnswered(now, since);
    else if (isThrottled) member.probeThrottled(now, failure);
    else member.probeFailed(now, since, failure);
    this.nudge();
  }
}

function ignore(): void {}
