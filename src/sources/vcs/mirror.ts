import { type Ask, throwIfAborted, waitFor } from '../../std/ask.ts';
import { AppError } from '../../std/errors.ts';
import { DamagedMirror, runFailure } from './git-failure.ts';
import type { Git } from './git.ts';
import { dropMirror, readNote, touchMirror } from './mirror-folder.ts';
import { MirrorRefresh, type Refreshed } from './mirror-refresh.ts';
import { listRefs, refsIn } from './mirror-refs.ts';
import { MirrorSnapshot } from './mirror-snapshot.ts';
import type { MirrorLimits } from './mirror-limits.ts';
import type { MirrorPlace, MirrorWorld } from './mirror-world.ts';
import { ObjectReader } from './object-reader.ts';
import type { GitSnapshot } from './snapshot.ts';

interface Held {
  readonly snapshot: MirrorSnapshot;
  /** Monotonic ms: when the remote was asked. */
  readonly asOf: number;
}

/** How often in ms it is written down that a mirror is used. */
const TOUCH_EVERY_MS = 30_000;
const UNBOUNDED = {
  wallMs: Number.POSITIVE_INFINITY,
  idleMs: Number.POSITIVE_INFINITY,
  outputBytes: Number.POSITIVE_INFINITY,
};

/** The persistent bare copy of one repository: all branches and tags with their whole history, and nothing else that is ever believed. */
export class Mirror {
  readonly url: string;
  readonly path: string;
  readonly git: Git;
  readonly reader: ObjectReader;
  readonly limits: MirrorLimits;
  readonly #world: MirrorWorld;
  readonly #refresh: MirrorRefresh;
  #held: Held | undefined;
  #flight: Promise<Held> | undefined;
  #restoring: Promise<void> | undefined;
  #healing: Promise<void> | undefined;
  /** Counts the folders that were made for it. */
  #generation = 0;
  #uses = 0;
  #touchedAt = Number.NEGATIVE_INFINITY;

  constructor(place: MirrorPlace, world: MirrorWorld) {
    this.url = place.url;
    this.path = place.path;
    this.git = world.git;
    this.limits = world.limits;
    this.#world = world;
    const ask = { repository: place.path, limits: UNBOUNDED, signal: world.life };
    this.reader = new ObjectReader(() => world.git.converse(['cat-file', '--batch'], ask), world.clock);
    this.#refresh = new MirrorRefresh(place, world, this);
  }

  /** How long the list of branches and tags is that it holds in memory. */
  get listedBytes(): number {
    return this.#held?.snapshot.refs.listing.length ?? 0;
  }

  /** Whether somebody reads or fetches just now. */
  get isInUse(): boolean {
    return this.#uses > 0 || this.#flight !== undefined || this.#healing !== undefined;
  }

  /**
   * The repository as it was at most `maxAgeMs` before `at`, or before now; the remote is asked when what is known is older. All who ask meanwhile share that, and it goes on when they leave. The snapshot
   * stays what it is while the mirror moves on. Rejects with NOT_FOUND, AUTH_REQUIRED, UPSTREAM_UNAVAILABLE, UPSTREAM_TIMEOUT, UPSTREAM_BAD_RESPONSE, TOO_LARGE, POLICY_DENIED,
   * STORE_UNAVAILABLE, OVERLOADED, ABORTED.
   */
  async snapshot(o: Ask & { readonly maxAgeMs: number; readonly at?: number }): Promise<GitSnapshot> {
    throwIfAborted(o.signal);
    const since = (o.at ?? this.#world.clock.monotonic()) - o.maxAgeMs;
    if (this.#held === undefined && o.maxAgeMs > 0) await waitFor(this.#restore(o.maxAgeMs), o.signal);
    let held = this.#held;
    // A refresh that was under way may have asked too early: the next one has not.
    while (held === undefined || held.asOf < since) held = await waitFor(this.#fly(), o.signal);
    return held.snapshot;
  }

  /** `read` on files that stay meanwhile; once again when git was killed, and after the mirror was made anew when they were damaged. */
  async use<T>(read: () => Promise<T>, o: Ask): Promise<T> {
    const release = this.hold();
    const generation = this.#generation;
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof DamagedMirror)) throw runFailure(`read ${this.url}`, error);
      if (!error.wasKilled) await this.heal(generation, error, o);
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
    await this.#refresh.upkeep;
  }

  async #useAgain<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof DamagedMirror)) throw runFailure(`read ${this.url}`, error);
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
      const listing = await listRefs(this.git, { repository: this.path, wallMs: this.limits.fetchMs, signal: life });
      const refs = await refsIn(listing, this.reader, { signal: life });
      this.#keep({ refs, asOf: clock.monotonic() - ageMs });
    } catch (error) {
      if (!(error instanceof DamagedMirror)) throw runFailure(`read ${this.url}`, error);
      await this.drop();
    }
  }

  #fly(): Promise<Held> {
    this.#flight ??= this.#refreshed().finally(() => {
      this.#flight = undefined;
    });
    return this.#flight;
  }

  async #refreshed(): Promise<Held> {
    return this.#keep(await this.#refresh.run());
  }

  /** The snapshot of refs that are the same stays the same: it remembers what was asked. */
  #keep({ refs, asOf }: Refreshed): Held {
    const known = this.#held?.snapshot;
    const snapshot = known?.refs.listing === refs.listing ? known : new MirrorSnapshot(this, refs);
    this.#held = { snapshot, asOf };
    return this.#held;
  }
}
