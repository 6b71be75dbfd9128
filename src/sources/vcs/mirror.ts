import { AppError, isAppError, toAppError } from '../../std/errors.ts';
import { type Ask, throwIfAborted, waitFor } from '../../std/ask.ts';
import type { Clock } from '../../std/clock.ts';
import { badRepository, DamagedMirror } from './git-failure.ts';
import type { GitNetwork, GitRemote } from './git-network.ts';
import type { Git } from './git.ts';
import { fetchMirror } from './mirror-fetch.ts';
import { dropMirror, mirrorBytes, readNote, tidyPacks, touchMirror, writeNote } from './mirror-folder.ts';
import type { MirrorLimits, MirrorObserver } from './mirror-limits.ts';
import { NO_REFS, readRefs, type MirrorRefs } from './mirror-refs.ts';
import { MirrorSnapshot } from './mirror-snapshot.ts';
import { keepUp } from './mirror-upkeep.ts';
import { ObjectReader } from './object-reader.ts';
import type { GitSnapshot } from './snapshot.ts';
import type { Turns } from './turns.ts';

/** What all mirrors of a process share. */
export interface MirrorWorld {
  readonly git: Git;
  readonly network: GitNetwork;
  readonly clock: Clock;
  readonly limits: MirrorLimits;
  readonly observer: MirrorObserver;
  /** Per host. */
  readonly turns: Turns;
  /** Fires when the process stops. */
  readonly life: AbortSignal;
  /** A mirror has grown. */
  readonly grown: () => void;
}

/** Which repository, and where its mirror is. */
export interface MirrorPlace {
  /** As everybody calls it. */
  readonly url: string;
  /** Where it is fetched from, after rewriting. */
  readonly remote: URL;
  readonly path: string;
}

interface Held {
  readonly snapshot: MirrorSnapshot;
  readonly refs: MirrorRefs;
  /** Monotonic ms: when the remote was asked. */
  readonly asOf: number;
}

/** How often in ms it is written down that a mirror is used. */
const TOUCH_EVERY_MS = 30_000;
/** How long a repository that is too large is not fetched again. */
const TOO_LARGE_MS = 600_000;

/** The persistent bare copy of one repository: all branches and tags with their whole history, and nothing else that is ever believed. */
export class Mirror {
  readonly url: string;
  readonly path: string;
  readonly git: Git;
  readonly reader: ObjectReader;
  readonly limits: MirrorLimits;
  readonly #remote: URL;
  readonly #world: MirrorWorld;
  #held: Held | undefined;
  #flight: Promise<Held> | undefined;
  #restoring: Promise<void> | undefined;
  #healing: Promise<void> | undefined;
  #upkeep: Promise<void> = Promise.resolve();
  #refusal: { readonly error: AppError; readonly until: number } | undefined;
  /** Counts the folders that were made for it. */
  #generation = 0;
  #uses = 0;
  #touchedAt = Number.NEGATIVE_INFINITY;
  #looseRefs = 0;

  constructor({ url, remote, path }: MirrorPlace, world: MirrorWorld) {
    this.url = url;
    this.path = path;
    this.git = world.git;
    this.limits = world.limits;
    this.#remote = remote;
    this.#world = world;
    const limits = {
      wallMs: Number.POSITIVE_INFINITY,
      idleMs: Number.POSITIVE_INFINITY,
      outputBytes: Number.POSITIVE_INFINITY,
    };
    const ask = { repository: path, limits, signal: world.life };
    this.reader = new ObjectReader(() => world.git.converse(['cat-file', '--batch'], ask), world.clock);
  }

  /** Whether somebody reads or fetches just now. */
  get isInUse(): boolean {
    return this.#uses > 0 || this.#flight !== undefined || this.#healing !== undefined;
  }

  /**
   * The repository as it was at most `maxAgeMs` ago; the remote is asked when what is known is older. All who ask meanwhile share that, and it goes on when they leave. The snapshot
   * stays what it is while the mirror moves on. Rejects with NOT_FOUND, AUTH_REQUIRED, UPSTREAM_UNAVAILABLE, UPSTREAM_TIMEOUT, UPSTREAM_BAD_RESPONSE, TOO_LARGE, POLICY_DENIED,
   * STORE_UNAVAILABLE, OVERLOADED, ABORTED.
   */
  async snapshot(o: Ask & { readonly maxAgeMs: number }): Promise<GitSnapshot> {
    throwIfAborted(o.signal);
    if (this.#held === undefined && o.maxAgeMs > 0) await waitFor(this.#restore(o.maxAgeMs), o.signal);
    const held = this.#held;
    if (held !== undefined && this.#world.clock.monotonic() - held.asOf <= o.maxAgeMs && o.maxAgeMs > 0)
      return held.snapshot;
    return (await waitFor(this.#fly(), o.signal)).snapshot;
  }

  /** `read` on files that stay meanwhile; once again after the mirror was made anew when they were damaged. */
  async use<T>(read: () => Promise<T>, o: Ask): Promise<T> {
    const release = this.hold();
    const generation = this.#generation;
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof DamagedMirror)) throw error;
      await this.heal(generation, error, o);
      return await this.#useAgain(read);
    } finally {
      release();
    }
  }

  /** Keeps the mirror from being evicted until the function returned is called. */
  hold(): () => void {
    this.#uses++;
    const now = this.#world.clock.monotonic();
    if (now - this.#touchedAt > TOUCH_EVERY_MS) {
      this.#touchedAt = now;
      void touchMirror(this.path, this.#world.clock.now());
    }
    return () => void this.#uses--;
  }

  get generation(): number {
    return this.#generation;
  }

  /** Makes the mirror anew unless that was done since `generation`. Rejects as `snapshot` does. */
  async heal(generation: number, why: DamagedMirror, o: Ask): Promise<void> {
    if (generation !== this.#generation) return;
    this.#healing ??= this.#makeAnew(why).finally(() => {
      this.#healing = undefined;
    });
    await waitFor(this.#healing, o.signal);
  }

  /** Takes its files away. What reads them meanwhile finds them damaged, and makes them anew. */
  async drop(): Promise<void> {
    this.#generation++;
    this.#held = undefined;
    this.reader.close();
    await dropMirror(this.path);
  }

  /** Resolves when nothing is under way any more. Never rejects. */
  async settled(): Promise<void> {
    await Promise.allSettled([this.#flight, this.#restoring, this.#healing]);
    await this.#upkeep;
  }

  async #useAgain<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof DamagedMirror)) throw error;
      throw new AppError('UPSTREAM_BAD_RESPONSE', `read ${this.url}: ${error.message}`, { cause: error });
    }
  }

  async #makeAnew(why: DamagedMirror): Promise<void> {
    await this.#flight?.catch(() => undefined);
    this.#world.observer.damaged({ url: this.url, why: why.message });
    await this.drop();
    await this.#fly();
  }

  /** What an earlier run of this program, or another process, left here. */
  async #restore(maxAgeMs: number): Promise<void> {
    this.#restoring ??= this.#readBack(maxAgeMs).finally(() => {
      this.#restoring = undefined;
    });
    await this.#restoring;
  }

  async #readBack(maxAgeMs: number): Promise<void> {
    const { clock, life } = this.#world;
    const note = await readNote(this.path);
    const ageMs = note?.url === this.url ? clock.now() - note.refreshedAt : -1;
    if (ageMs < 0 || ageMs > maxAgeMs) return;
    try {
      this.#hold(await this.#readRefs({ signal: life }), clock.monotonic() - ageMs);
    } catch (error) {
      if (!(error instanceof DamagedMirror)) throw error;
      await this.drop();
    }
  }

  #fly(): Promise<Held> {
    this.#flight ??= this.#refresh().finally(() => {
      this.#flight = undefined;
    });
    return this.#flight;
  }

  async #refresh(): Promise<Held> {
    const { clock, life, limits, turns, observer } = this.#world;
    if (this.#refusal !== undefined && clock.monotonic() < this.#refusal.until) throw this.#refusal.error;
    const endTurn = await turns.take(this.#remote.host, { signal: life });
    const stop = new AbortController();
    const late = new AppError('UPSTREAM_TIMEOUT', `${this.#attempted}: not done within ${limits.fetchMs} ms`);
    const cancel = clock.after(limits.fetchMs, () => stop.abort(late));
    const asOf = clock.monotonic();
    try {
      await this.#upkeep;
      const held = await this.#fetchAndHold({ signal: AbortSignal.any([life, stop.signal]) });
      observer.refreshed({ url: this.url, tookMs: clock.monotonic() - asOf });
      return held;
    } catch (error) {
      throw this.#refused(toAppError(error, this.#attempted), asOf);
    } finally {
      cancel();
      endTurn();
    }
  }

  #refused(error: AppError, asOf: number): AppError {
    const { clock, observer } = this.#world;
    if (error.code === 'TOO_LARGE') this.#refusal = { error, until: clock.monotonic() + TOO_LARGE_MS };
    observer.refreshed({ url: this.url, tookMs: clock.monotonic() - asOf, failure: error });
    return error;
  }

  async #fetchAndHold(o: Ask): Promise<Held> {
    const asOf = this.#world.clock.monotonic();
    const refreshedAt = this.#world.clock.now();
    const refs = await this.#fetchOrMakeAnew(o);
    const before = this.#held?.refs;
    const held = this.#hold(refs, asOf);
    if (refs === NO_REFS) return held;
    this.#upkeep = this.#keepUp({ before, refs, refreshedAt });
    return held;
  }

  async #fetchOrMakeAnew(o: Ask): Promise<MirrorRefs> {
    try {
      return await this.#fetch(o);
    } catch (error) {
      if (!(error instanceof DamagedMirror)) throw error;
      this.#world.observer.damaged({ url: this.url, why: error.message });
      await this.drop();
      return await this.#fetch(o).catch((again: unknown) => {
        throw again instanceof DamagedMirror ? badRepository(this.#attempted, again.exit) : again;
      });
    }
  }

  async #fetch(o: Ask): Promise<MirrorRefs> {
    const { git, clock, limits } = this.#world;
    const { path } = this;
    const maxBytes = Math.min(limits.repositoryBytes, limits.spaceBytes);
    const times = { wallMs: limits.fetchMs, idleMs: limits.idleMs };
    const connect = (ask: Ask): Promise<GitRemote> =>
      this.#world.network.open(this.#remote, { ...ask, attempt: this.#attempted });
    try {
      const hasRefs = await fetchMirror({
        git,
        clock,
        path,
        maxBytes,
        ...times,
        connect,
        attempted: this.#attempted,
        ...o,
      });
      return hasRefs ? await this.#readRefs(o) : NO_REFS;
    } catch (error) {
      if (isAppError(error)) await tidyPacks(path, clock.now());
      throw error;
    }
  }

  async #readRefs(o: Ask): Promise<MirrorRefs> {
    return await readRefs(this.git, this.reader, {
      repository: this.path,
      wallMs: this.limits.fetchMs,
      signal: o.signal,
    });
  }

  /** The snapshot of refs that are the same stays the same: it remembers what was asked. */
  #hold(refs: MirrorRefs, asOf: number): Held {
    const isSame = this.#held?.refs.listing === refs.listing;
    const snapshot = isSame && this.#held !== undefined ? this.#held.snapshot : new MirrorSnapshot(this, refs);
    this.#held = { snapshot, refs: snapshot.refs, asOf };
    return this.#held;
  }

  async #keepUp(after: {
    readonly before: MirrorRefs | undefined;
    readonly refs: MirrorRefs;
    readonly refreshedAt: number;
  }): Promise<void> {
    const { life, grown } = this.#world;
    const { before, refs, refreshedAt } = after;
    const isSame = before?.listing === refs.listing;
    try {
      if (!isSame) {
        const known = new Set(before?.listing.split('\n'));
        this.#looseRefs += refs.listing.split('\n').filter((line) => !known.has(line)).length;
        const { git, path, limits } = this;
        this.#looseRefs = await keepUp({ git, path, looseRefs: this.#looseRefs, wallMs: limits.fetchMs, signal: life });
      }
      await writeNote(this.path, { url: this.url, refreshedAt, bytes: await mirrorBytes(this.path) });
      if (!isSame) grown();
    } catch {
      // It can wait: a mirror is none the worse for it.
    }
  }

  get #attempted(): string {
    const { protocol, host, pathname } = this.#remote;
    return `fetch ${protocol}//${host}${pathname}`;
  }
}
