import { basename } from 'node:path';
import type { Ask } from '../../std/ask.ts';
import { AppError, isAppError, toAppError } from '../../std/errors.ts';
import { badRepository, DamagedMirror, remoteFailure, runFailure } from './git-failure.ts';
import type { GitRemote, OpenAsk } from './git-network.ts';
import { fetchMirror } from './mirror-fetch.ts';
import { mirrorBytes, tidyPacks, writeNote } from './mirror-folder.ts';
import { listRefsAgain } from './known-refs.ts';
import { type MirrorRefs, NO_REFS, refsIn } from './mirror-refs.ts';
import { keepUp } from './mirror-upkeep.ts';
import type { MirrorPlace, MirrorWorld } from './mirror-world.ts';
import type { ObjectReader } from './object-reader.ts';

/** What the remote says, and since when. */
export interface Refreshed {
  readonly refs: MirrorRefs;
  /** Monotonic ms: when it was asked. */
  readonly asOf: number;
}

/** What a refresh needs of its mirror. */
export interface RefreshedMirror {
  readonly reader: ObjectReader;
  drop(): Promise<void>;
}

/** How long what nobody waits for is put off. */
const QUIET_MS = 150;
/** How long a repository that is too large is not fetched again. */
const TOO_LARGE_MS = 600_000;

/** Brings one mirror to what its remote says, one refresh at a time: in turn with others of its host, within the limits, anew when the mirror is damaged. */
export class MirrorRefresh {
  readonly #place: MirrorPlace;
  readonly #world: MirrorWorld;
  readonly #mirror: RefreshedMirror;
  readonly #attempted: string;
  #refusal: { readonly error: AppError; readonly until: number } | undefined;
  #upkeep: Promise<void> = Promise.resolve();
  #looseRefs = 0;
  #listing = '';
  /** What git listed last: of objects that it names, all is known. */
  #known = '';
  #hurry: () => void = () => undefined;
  #bytes = 0;

  constructor(place: MirrorPlace, world: MirrorWorld, mirror: RefreshedMirror) {
    this.#place = place;
    this.#world = world;
    this.#mirror = mirror;
    const { protocol, host, pathname } = place.remote;
    this.#attempted = `fetch ${protocol}//${host}${pathname}`;
  }

  /** What comes after a refresh and nobody waits for: begun at once when it is asked for. Never rejects. */
  get upkeep(): Promise<void> {
    this.#hurry();
    return this.#upkeep;
  }

  /** Asks the remote. Rejects as `Mirror.snapshot` does. */
  async run(): Promise<Refreshed> {
    const { alone, clock, life, turns } = this.#world;
    if (this.#refusal !== undefined && clock.monotonic() < this.#refusal.until) throw this.#refusal.error;
    const letOthers = await alone(basename(this.#place.path), { signal: life });
    try {
      const endTurn = await turns.take(this.#place.remote.host, { signal: life });
      try {
        await this.upkeep;
        return await this.#runInTurn();
      } finally {
        endTurn();
      }
    } finally {
      letOthers();
    }
  }

  async #runInTurn(): Promise<Refreshed> {
    const { clock, life, limits, observer } = this.#world;
    const { url } = this.#place;
    const stop = new AbortController();
    const late = new AppError('UPSTREAM_TIMEOUT', `${this.#attempted}: not done within ${limits.fetchMs} ms`);
    const cancel = clock.after(limits.fetchMs, () => stop.abort(late));
    const asOf = clock.monotonic();
    const refreshedAt = clock.now();
    try {
      const refs = await this.#fetchOrMakeAnew({ signal: AbortSignal.any([life, stop.signal]) });
      observer.refreshed({ url, tookMs: clock.monotonic() - asOf });
      if (refs !== NO_REFS) this.#upkeep = this.#keepUp(refs, refreshedAt);
      return { refs, asOf };
    } catch (error) {
      const failure = toAppError(runFailure(this.#attempted, error), this.#attempted);
      if (failure.code === 'TOO_LARGE') this.#refusal = { error: failure, until: clock.monotonic() + TOO_LARGE_MS };
      observer.refreshed({ url, tookMs: clock.monotonic() - asOf, failure });
      throw failure;
    } finally {
      cancel();
    }
  }

  async #fetchOrMakeAnew(o: Ask): Promise<MirrorRefs> {
    try {
      return await this.#fetch(o);
    } catch (error) {
      if (!(error instanceof DamagedMirror)) throw error;
      if (error.wasKilled) throw remoteFailure(this.#attempted, error.exit) ?? error;
      this.#world.observer.damaged({ url: this.#place.url, why: error.message });
      await this.#mirror.drop();
      return await this.#fetch(o).catch((again: unknown) => {
        throw again instanceof DamagedMirror ? badRepository(this.#attempted, again.exit) : again;
      });
    }
  }

  async #fetch(o: Ask): Promise<MirrorRefs> {
    const { git, clock, limits, network } = this.#world;
    const { path, remote } = this.#place;
    const attempted = this.#attempted;
    const maxBytes = Math.min(limits.repositoryBytes, limits.spaceBytes);
    const bounds = { wallMs: limits.fetchMs, idleMs: limits.idleMs, maxBytes };
    const connect = (ask: Ask & Pick<OpenAsk, 'isFresh'>): Promise<GitRemote> =>
      network.open(remote, { ...ask, attempt: attempted });
    const { reader } = this.#mirror;
    const list = (ask: Ask): Promise<Buffer> =>
      listRefsAgain({ git, reader, repository: path, known: this.#known, wallMs: limits.fetchMs }, ask);
    try {
      const listing = await fetchMirror({ git, clock, path, ...bounds, connect, list, attempted, ...o });
      this.#known = listing?.toString('latin1') ?? '';
      return listing === undefined ? NO_REFS : await refsIn(listing, reader, o);
    } catch (error) {
      if (isAppError(error)) await tidyPacks(path, clock.now());
      throw error;
    }
  }

  /** Not at once: whoever waited for the refresh goes first. Nor later than the next refresh. */
  async #quiet(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#world.clock.after(QUIET_MS, resolve);
    this.#hurry = resolve;
    await promise;
    cancel();
  }

  async #keepUp(refs: MirrorRefs, refreshedAt: number): Promise<void> {
    await this.#quiet();
    const { git, limits, life, grown } = this.#world;
    const { url, path } = this.#place;
    const isSame = this.#listing === refs.listing;
    try {
      if (!isSame) {
        const known = new Set(this.#listing.split('\n'));
        this.#listing = refs.listing;
        this.#looseRefs += refs.listing.split('\n').filter((line) => !known.has(line)).length;
        this.#looseRefs = await keepUp({ git, path, looseRefs: this.#looseRefs, wallMs: limits.fetchMs, signal: life });
      }
      const bytes = await mirrorBytes(path);
      await writeNote(path, { url, refreshedAt, bytes });
      if (bytes !== this.#bytes) grown();
      this.#bytes = bytes;
    } catch {
      // It can wait: a mirror is none the worse for it.
    }
  }
}
