import { type Ask, throwIfAborted } from '../std/ask.ts';
import type { Clock } from '../std/clock.ts';
import { AppError } from '../std/errors.ts';
import { checkKey } from '../std/key.ts';
import { recentEntries } from '../std/recent.ts';
import type { Holder, Lease, LeaseBoard, Leases, Place, Sighting } from './lease.ts';

/** How leases keep time. */
export interface LeaseTimes {
  readonly clock: Clock;
  /** How long a holder may be silent, ms. A holder speaks every third of it, and relies on its lease for two thirds after it last spoke. */
  readonly ttlMs: number;
}

/** Default of `ttlMs`. */
export const LEASE_TTL_MS = 10_000;
/** Names that are watched at most; one that is forgotten is watched from anew, which only takes longer. */
const MAX_WATCHED = 10_000;
/** How often the board is looked at again because somebody else was first: each time that one holds it, so twice is rare. */
const MAX_TRIES = 20;
/** What is told of progress goes out at most this often, ms. */
const PROGRESS_EVERY_MS = 200;
const SWEEP_EVERY_MS = 10 * 60_000;

/** When a sign was seen first, by our clock. */
interface Watched {
  readonly mark: string;
  readonly since: number;
}

/** Leases on a board, judged by this process's own monotonic clock. */
export class TimedLeases implements Leases {
  readonly #board: LeaseBoard;
  readonly #times: LeaseTimes;
  readonly #watched = recentEntries<string, Watched>(MAX_WATCHED);
  readonly #held = new Set<TimedLease>();
  #cancelSweep: () => void = () => undefined;
  #isClosed = false;

  /** Begins to sweep the board. */
  constructor(board: LeaseBoard, times: LeaseTimes) {
    this.#board = board;
    this.#times = times;
    void this.#sweep();
  }

  async tryHold(name: string, o: Ask): Promise<Lease | Holder> {
    checkKey(name, 'hold lease');
    for (let i = 0; i < MAX_TRIES; i++) {
      throwIfAborted(o.signal);
      const seen = await this.#board.look(name, o);
      const silentMs = this.#silence(name, seen);
      if (seen !== undefined && !seen.isGone && silentMs < this.#times.ttlMs) return { share: seen.share, silentMs };
      const askedAt = this.#times.clock.monotonic();
      const place = await this.#board.claim(name, seen, o);
      if (place !== undefined) return await this.#hold(name, place, askedAt);
    }
    throw new AppError('STORE_UNAVAILABLE', `hold lease ${name}: its holders change too fast`);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelSweep();
    await Promise.all([...this.#held].map((lease) => lease.release()));
  }

  async #hold(name: string, place: Place, askedAt: number): Promise<Lease> {
    this.#watched.delete(name);
    const lease = new TimedLease(place, { ...this.#times, askedAt, onEnd: () => this.#held.delete(lease) });
    this.#held.add(lease);
    if (this.#isClosed) await lease.release();
    return lease;
  }

  /** How long nothing has changed for our own eyes; 0 when nobody is there, or somebody who was not when we last looked. */
  #silence(name: string, seen: Sighting | undefined): number {
    const now = this.#times.clock.monotonic();
    if (seen === undefined) {
      this.#watched.delete(name);
      return 0;
    }
    const mark = `${seen.fence} ${seen.sign}`;
    const before = this.#watched.get(name);
    if (before?.mark === mark) return now - before.since;
    this.#watched.set(name, { mark, since: now });
    return 0;
  }

  async #sweep(): Promise<void> {
    await this.#board.sweep();
    if (!this.#isClosed) this.#cancelSweep = this.#times.clock.after(SWEEP_EVERY_MS, () => void this.#sweep());
  }
}

interface HeldTimes extends LeaseTimes {
  /** When its place was asked for: others may have begun to count from then on. */
  readonly askedAt: number;
  readonly onEnd: () => void;
}

class TimedLease implements Lease {
  readonly #place: Place;
  readonly #times: HeldTimes;
  readonly #lost = new AbortController();
  /** When the last sign of life was begun that came through. */
  #spokeAt: number;
  #share = 0;
  #toldShare = 0;
  #isSpeaking = false;
  #isReleased = false;
  #cancelBeat: () => void = () => undefined;
  #cancelFence: () => void = () => undefined;

  constructor(place: Place, times: HeldTimes) {
    this.#place = place;
    this.#times = times;
    this.#spokeAt = times.askedAt;
    this.#beatAfter(times.ttlMs / 3);
    this.#fenceSelf();
  }

  get fence(): number {
    return this.#place.fence;
  }

  get lost(): AbortSignal {
    this.#lookAtClock();
    return this.#lost.signal;
  }

  progress(share: number): void {
    this.#share = Math.max(this.#share, Math.min(1, share));
    if (this.#isSpeaking || this.#share === this.#toldShare) return;
    if (this.#times.clock.monotonic() - this.#spokeAt >= PROGRESS_EVERY_MS) void this.#speak();
  }

  async release(): Promise<void> {
    if (this.#isReleased) return;
    this.#end();
    // Left too long in place it costs the next one a wait, and nothing else.
    await this.#place.leave().catch(() => undefined);
  }

  #beatAfter(ms: number): void {
    this.#cancelBeat();
    this.#cancelBeat = this.#times.clock.after(ms, () => void this.#speak());
  }

  async #speak(): Promise<void> {
    if (this.#isSpeaking || this.#isReleased || this.lost.aborted) return;
    this.#isSpeaking = true;
    const begun = this.#times.clock.monotonic();
    const share = this.#share;
    const isHeard = await this.#place.beat(share).catch(() => undefined);
    this.#isSpeaking = false;
    if (this.#isReleased) return;
    if (isHeard === false) return this.#lose('another process has come after this one');
    if (isHeard === true) {
      this.#spokeAt = begun;
      this.#toldShare = share;
    }
    // Sooner after a failure: there is time for a few more.
    this.#beatAfter(this.#times.ttlMs / (isHeard === true ? 3 : 12));
  }

  /** The timer that fires `lost` for those who only listen. */
  #fenceSelf(): void {
    this.#cancelFence = this.#times.clock.after(Math.max(0, this.#endsAt() - this.#times.clock.monotonic()), () => {
      this.#lookAtClock();
      if (!this.#lost.signal.aborted && !this.#isReleased) this.#fenceSelf();
    });
  }

  #endsAt(): number {
    return this.#spokeAt + (this.#times.ttlMs * 2) / 3;
  }

  #lookAtClock(): void {
    if (this.#isReleased || this.#times.clock.monotonic() < this.#endsAt()) return;
    this.#lose('it could not be said in time that this process lives');
  }

  #lose(why: string): void {
    if (!this.#lost.signal.aborted) this.#lost.abort(new AppError('CONFLICT', `hold a lease: ${why}`));
    this.#stopTimers();
  }

  #end(): void {
    this.#isReleased = true;
    this.#stopTimers();
    this.#times.onEnd();
  }

  #stopTimers(): void {
    this.#cancelBeat();
    this.#cancelFence();
  }
}
