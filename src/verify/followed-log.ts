import type { VerifierKey } from '../gomod/sumdb/key.ts';
import { type Tile, tilePath } from '../gomod/sumdb/tile.ts';
import type { Ask } from '../std/ask.ts';
import type { Clock } from '../std/clock.ts';
import { AppError, isAppError } from '../std/errors.ts';
import type { DatabaseAsk } from './checksum-database.ts';
import type { ForkReports } from './fork-report.ts';
import type { KnownLog } from './known-log.ts';
import { MAX_LOOKUP_BYTES } from './lookup-store.ts';
import type { RecordTiles } from './record-tiles.ts';
import { SharedWork } from './shared-work.ts';
import { openHead, type SignedHead } from './signed-head.ts';
import type { Way, Ways } from './sumdb-remote.ts';
import { tilesFrom } from './tile-fetch.ts';
import type { FetchTile } from './tile-reading.ts';
import { TILE_HEIGHT, widthAt } from './tile-store.ts';

/** So long a tree head is given out before the database is asked for a newer one, ms; and so long that may take before the known one is good enough. */
const HEAD_FRESH_MS = 5000;
const HEAD_PATIENCE_MS = 2000;
/** So long after the newest head was asked for because of a tile beyond it, no other tile is worth asking again for, ms: whoever makes up numbers of tiles is no reason to ask. */
const BEYOND_MS = 1000;
/** Tiles that clients wait for and that must be fetched, at a time; the next is OVERLOADED. Lookups have the rest of what a way carries. */
const CONCURRENT_TILES = 128;

export interface FollowedLogParts {
  /** Name of the database. */
  readonly database: string;
  readonly key: VerifierKey;
  readonly ways: Ways;
  readonly log: KnownLog;
  readonly recordTiles: RecordTiles;
  readonly forks: ForkReports;
  readonly clock: Clock;
}

/** A log that is known, and the ways to know more of it. Rejects as the port ChecksumDatabase says. */
export class FollowedLog {
  readonly #parts: FollowedLogParts;
  readonly #following = new SharedWork<void>(1);
  readonly #fetching = new SharedWork<Uint8Array>(CONCURRENT_TILES);
  #isChecked = false;
  #freshUntil = Number.NEGATIVE_INFINITY;
  #beyondUntil = Number.NEGATIVE_INFINITY;

  constructor(parts: FollowedLogParts) {
    this.#parts = parts;
  }

  get head(): SignedHead | undefined {
    return this.#parts.log.head;
  }

  /** The answer that `run` gets by one of the ways. Nothing new is taken from a log that was forked, and nothing before our own head was found to be sound. */
  async ask<T>(attempted: string, run: (way: Way, fetch: FetchTile, o: Ask) => Promise<T>, o: Ask): Promise<T> {
    await this.#parts.log.load(o);
    await this.#parts.forks.requireNone(o);
    return await this.#parts.ways.ask(
      `${attempted} in ${this.#parts.database}`,
      async (way, asked) => {
        const fetch = tilesFrom(way);
        await this.#checkOwnHead(fetch, asked);
        return await run(way, fetch, asked);
      },
      o,
    );
  }

  /** Writes what the store did not take. Rejects with STORE_UNAVAILABLE while it takes nothing, and as `ask` does. */
  async save(o: Ask): Promise<void> {
    try {
      await this.#parts.log.save(undefined, o);
    } catch (error) {
      if (!isAppError(error, 'NOT_FOUND')) throw error;
      await this.ask('store the tree head', (_way, fetch, asked) => this.#parts.log.save(fetch, asked), o);
    }
  }

  async #checkOwnHead(fetch: FetchTile, o: Ask): Promise<void> {
    if (this.#isChecked) return;
    try {
      await this.#parts.log.check(fetch, o);
      this.#isChecked = true;
    } catch (error) {
      if (!isAppError(error)) throw error;
      const message = `check the stored head of ${this.head?.size ?? 0} records: ${error.message}`;
      throw new AppError(error.code, message, { cause: error, detail: error.detail });
    }
  }

  /** A tile of hashes or records. If our head does not reach so far, another process's may, or a newer one that is asked for. */
  async tile(tile: Tile, o: DatabaseAsk): Promise<Uint8Array> {
    await this.#parts.log.load(o);
    const level = tile.level === 'data' ? 0 : tile.level;
    const isBeyond = (): boolean => tile.width > this.#widthAt(level, tile.index);
    if (tile.height === TILE_HEIGHT && isBeyond()) await this.#parts.log.catchUp(o);
    if (tile.height === TILE_HEIGHT && isBeyond() && o.mayFetch !== 'no') await this.#followFurther(o);
    const widest = this.#widthAt(level, tile.index);
    if (tile.height !== TILE_HEIGHT || tile.width > widest)
      throw new AppError('NOT_FOUND', `read ${tilePath(tile)} in ${this.#parts.database}: no such tile`);
    if (tile.level !== 'data') return await this.#hashTile({ ...tile, level }, o);
    const hashes = await this.#hashTile({ ...tile, level, width: widest }, o);
    const whole = { ...tile, width: widest };
    return await this.#ownFirst(
      tile,
      (fetch, asked) => this.#parts.recordTiles.read(tile, whole, hashes, fetch, asked),
      o,
    );
  }

  /** Asks for a newer head, unless that was done a moment ago. A known head is good enough when a newer one cannot be had soon. */
  async refresh(o: Ask): Promise<void> {
    const { clock } = this.#parts;
    if (clock.monotonic() < this.#freshUntil) return;
    const late = new AbortController();
    const cancel = clock.after(HEAD_PATIENCE_MS, () => late.abort(new AppError('UPSTREAM_TIMEOUT', 'no head in time')));
    const isKnown = this.head !== undefined;
    try {
      await this.#follow(isKnown ? { signal: AbortSignal.any([o.signal, late.signal]) } : o);
    } catch (error) {
      if (!isKnown || o.signal.aborted) throw error;
    } finally {
      cancel();
    }
    this.#freshUntil = clock.monotonic() + HEAD_FRESH_MS;
  }

  async #followFurther(o: Ask): Promise<void> {
    const { clock } = this.#parts;
    const untilThen = this.#beyondUntil - clock.monotonic();
    if (untilThen > 0 && !this.#parts.log.isUnsaved) return;
    // While the store takes nothing another process has given out a head that cannot be read there: it is worth the wait.
    if (untilThen > 0) await clock.sleep(untilThen, o);
    await this.#follow(o);
    this.#beyondUntil = clock.monotonic() + BEYOND_MS;
  }

  /** Asks for the newest head, and adopts it. */
  async #follow(o: Ask): Promise<void> {
    await this.#following.join('', (asked) => this.#readHead(asked), o);
  }

  async #readHead(o: Ask): Promise<void> {
    try {
      await this.ask(
        'read the tree head',
        async (way, fetch, asked) => {
          const note = await way.read('latest', '/latest', { ...asked, maxBytes: MAX_LOOKUP_BYTES });
          await this.#parts.log.merge(openHead(note, this.#parts.key), undefined, fetch, asked);
        },
        o,
      );
    } catch (error) {
      if (!isAppError(error, 'NOT_FOUND')) throw error;
      throw new AppError('SUMDB_UNAVAILABLE', error.message, { cause: error });
    }
  }

  #widthAt(level: number, index: number): number {
    return widthAt(this.head?.size ?? 0, level, index);
  }

  async #hashTile(tile: Tile & { readonly level: number }, o: DatabaseAsk): Promise<Uint8Array> {
    return await this.#ownFirst(tile, (fetch, asked) => this.#parts.log.tile(tile, fetch, asked), o);
  }

  /** What `read` finds here, or what it fetches when what is here is missing or damaged. */
  async #ownFirst(
    tile: Tile,
    read: (fetch: FetchTile | undefined, o: Ask) => Promise<Uint8Array>,
    o: DatabaseAsk,
  ): Promise<Uint8Array> {
    try {
      return await read(undefined, o);
    } catch (error) {
      if (o.mayFetch === 'no' || !isAppError(error, 'NOT_FOUND', 'SUMDB_INCONSISTENT')) throw error;
    }
    const path = tilePath(tile);
    const fetchTile = (asked: Ask): Promise<Uint8Array> =>
      this.ask(`read ${path}`, (_way, fetch, one) => read(fetch, one), asked);
    return await this.#fetching.join(path, fetchTile, o);
  }
}
