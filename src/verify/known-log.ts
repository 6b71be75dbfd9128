import { equalHashes, type Hash } from '../gomod/sumdb/hash.ts';
import { tileHashReader } from '../gomod/sumdb/tile-reader.ts';
import type { Tile } from '../gomod/sumdb/tile.ts';
import { hasRecord, storedHashIndex, subtreeIndexes, treeHash, type TreeHead } from '../gomod/sumdb/tree.ts';
import { type Ask, waitFor } from '../std/ask.ts';
import { AppError, isAppError } from '../std/errors.ts';
import { forkBetween, type ForkReports } from './fork-report.ts';
import { LargestFirst } from './largest-first.ts';
import { NOTHING_KNOWN, type SignedHead } from './signed-head.ts';
import { type FetchTile, fetchedOnce, TileReading } from './tile-reading.ts';
import { beginning, TILE_HEIGHT, type TileStore, widthAt } from './tile-store.ts';
import { isAhead, type Standing, type TreeHeads } from './tree-heads.ts';

/** So often a head may be adopted elsewhere while one is being proven here. */
const MAX_TRIES = 32;

export interface KnownLogParts {
  /** Name of the database. */
  readonly database: string;
  readonly heads: TreeHeads;
  readonly tiles: TileStore;
  readonly forks: ForkReports;
  /** Who sees to it that what the store does not take is written later. Whoever never fetches anything needs none. */
  readonly late?: LateListener;
}

interface LateListener {
  /** Something is to be written, by `save`. */
  onUnstored(): void;
  /** There was no room in memory for all that is to be written: of it only what leads to the head is left. */
  onShed(): void;
}

/** What becomes of the tiles that a merge read: durable, or held in memory until they are, or forgotten; `overtaken` when another head was adopted meanwhile. */
type Outcome = 'kept' | 'held' | 'forgotten' | 'overtaken';

/** Stored hashes that were proven to be in one tree, and the tiles that prove it. */
interface Proven {
  readonly hashes: ReadonlyMap<number, Hash>;
  readonly reading: TileReading;
}

/** What a lookup needs of a merge. */
export interface Merged {
  /** Of the record that was asked for; undefined when the tree has no such record. */
  readonly hash: Hash | undefined;
  readonly treeSize: number;
  /** Where all that proves it is: `kept` = in the store, so that it can be proven again without the database; `held` = in memory until it is there. */
  readonly proof: 'kept' | 'held' | 'forgotten';
}

/**
 * What is known of one log. There is one adopted head, and everything that a client needs in order to follow it is stored before it is adopted: the tiles
 * of its right edge, and those that prove that it contains the head before. So every tile on the way from a record that was ever proven to the adopted
 * head is stored, in the width it has there: each partial tile was at the right edge of some head, and the proof for the next head reads it again.
 *
 * While the store takes nothing the same holds of what is stored and what is held in memory together; `save` writes first the tiles, then the head.
 */
export class KnownLog {
  readonly #parts: KnownLogParts;
  #isLoaded = false;
  /** Those who came too late once. */
  readonly #late = new LargestFirst();
  /** The adoption that is being written. */
  #adopting: Promise<unknown> | undefined;

  constructor(parts: KnownLogParts) {
    this.#parts = parts;
  }

  get head(): SignedHead | undefined {
    return this.#parts.heads.standing.head;
  }

  /** Whether there is anything to `save`. */
  get isUnsaved(): boolean {
    return this.#parts.tiles.hasHeld || isAhead(this.#parts.heads.standing);
  }

  /** When the head was adopted, wall time in ms. */
  get headSeenAt(): number | undefined {
    return this.#parts.heads.standing.timeline.at(-1)?.seenAt;
  }

  /** Reads the stored head, once. Rejects with STORE_CORRUPT or STORE_UNAVAILABLE when that cannot be done: without it nothing new is believed. */
  async load(o: Ask): Promise<void> {
    if (this.#isLoaded) return;
    const standing = await this.#parts.heads.read(o);
    if (this.#isLoaded) return;
    this.#parts.heads.take(standing);
    this.#isLoaded = true;
  }

  /** Takes over what another process adopted, as far as stored tiles prove it to be of one history with ours. Rejects with SUMDB_INCONSISTENT for a fork. */
  async catchUp(o: Ask): Promise<void> {
    try {
      await this.#takeOver(this.#parts.heads.standing, undefined, o);
    } catch (error) {
      if (!isAppError(error, 'NOT_FOUND')) throw error;
    }
  }

  /**
   * Takes note of a head that the log signed: it is adopted if it is larger than ours. Returns the hash of the record `id` and the size of the tree
   * in which it was proven; no hash when the tree has no such record. Rejects with SUMDB_INCONSISTENT for a fork, which is reported, and for tiles that prove
   * nothing; and with what `fetch` rejects with.
   */
  async merge(received: SignedHead, id: number | undefined, fetch: FetchTile | undefined, o: Ask): Promise<Merged> {
    const once = fetch && fetchedOnce(fetch);
    const attempt = (): Promise<Merged | undefined> => this.#tryToMerge(received, id, once, o);
    return (await attempt()) ?? (await this.#late.run(received.size, () => this.#untilMerged(attempt), o));
  }

  /**
   * Writes what the store did not take: the tiles, then the head. Rejects with STORE_UNAVAILABLE while it takes nothing; with NOT_FOUND when another process
   * adopted a head meanwhile and tiles between that and ours are not here, and there is no `fetch`.
   */
  async save(fetch: FetchTile | undefined, o: Ask): Promise<void> {
    await this.#parts.tiles.writeHeld(o);
    while (this.#adopting !== undefined) await waitFor(this.#adopting, o.signal);
    await this.#alone(this.#saveHead(fetch, o));
  }

  async #saveHead(fetch: FetchTile | undefined, o: Ask): Promise<void> {
    const { heads, tiles } = this.#parts;
    await tiles.writeHeld(o);
    const from = heads.standing;
    if (from.head === undefined || !isAhead(from)) return;
    if (await heads.advance(from, from.head, o)) await tiles.dropGrown(from.stored?.size ?? 0, from.head.size, o);
    else if (heads.standing === from) await this.#takeOver(from, fetch, o);
  }

  /** Checks that the adopted head can be followed, reading again what is not stored. Rejects with SUMDB_INCONSISTENT when the tiles do not lead to it. */
  async check(fetch: FetchTile | undefined, o: Ask): Promise<void> {
    const { head } = this;
    if (head === undefined || head.size === 0) return;
    const { reading } = await this.#prove(head, subtreeIndexes(head.size), fetch, o);
    await this.#keep(reading, o);
  }

  /** The hash of record `id` in our tree; undefined when it has none. Without `fetch` it is read from what is stored, else NOT_FOUND. */
  async recordHash(id: number, fetch: FetchTile | undefined, o: Ask): Promise<Hash | undefined> {
    const { head } = this;
    if (head === undefined || !hasRecord(head, id)) return undefined;
    const index = storedHashIndex(0, id);
    const { hashes, reading } = await this.#prove(head, [index], fetch, o);
    await this.#keep(reading, o);
    return hashes.get(index);
  }

  /** A hash tile of our tree. Without `fetch` it is read from what is stored. NOT_FOUND when our tree does not reach so far. */
  async tile(tile: Tile & { readonly level: number }, fetch: FetchTile | undefined, o: Ask): Promise<Uint8Array> {
    const { level, index, width } = tile;
    const widest = widthAt(this.head?.size ?? 0, level, index);
    if (this.head === undefined || tile.height !== TILE_HEIGHT || width > widest)
      throw new AppError('NOT_FOUND', `read a tile of ${this.#parts.database}: it has no such tile`);
    const remembered = this.#parts.tiles.remembered(tile, widest);
    if (remembered !== undefined) return remembered;
    const whole = { ...tile, width: widest };
    const lastHash = storedHashIndex(level * TILE_HEIGHT, index * 2 ** TILE_HEIGHT + widest - 1);
    const { reading } = await this.#prove(this.head, [lastHash], fetch, o);
    await this.#keep(reading, o);
    return this.#parts.tiles.remembered(tile, widest) ?? beginning(reading.bytesOf(whole), width);
  }

  /** Undefined when another head was adopted meanwhile. */
  async #tryToMerge(
    received: SignedHead,
    id: number | undefined,
    fetch: FetchTile | undefined,
    o: Ask,
  ): Promise<Merged | undefined> {
    const from = this.#parts.heads.standing;
    const isGrowth = from.head === undefined || received.size > from.head.size;
    const newer = isGrowth ? received : from.head;
    const older = isGrowth ? from.head : received;
    const index = id !== undefined && hasRecord(newer, id) ? storedHashIndex(0, id) : undefined;
    const proven = await this.#requireInside(older, newer, index, fetch, o);
    const outcome = await this.#settle(proven, from, isGrowth ? received : undefined, fetch, o);
    if (outcome === 'overtaken') return undefined;
    const hash = index === undefined ? undefined : proven.hashes.get(index);
    return { hash, treeSize: newer.size, proof: outcome === 'kept' && this.isUnsaved ? 'held' : outcome };
  }

  async #untilMerged(attempt: () => Promise<Merged | undefined>): Promise<Merged> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const merged = await attempt();
      if (merged !== undefined) return merged;
    }
    throw new AppError('SUMDB_UNAVAILABLE', `follow ${this.#parts.database}: its head changed too often meanwhile`);
  }

  /** Proves that `older` is a beginning of `newer`, and what the hash at `index` is there. Whether it stays in mind is the caller's to say. */
  async #requireInside(
    older: SignedHead | undefined,
    newer: SignedHead,
    index: number | undefined,
    fetch: FetchTile | undefined,
    o: Ask,
  ): Promise<Proven> {
    const { size, hash } = older ?? NOTHING_KNOWN;
    const indexes = [...subtreeIndexes(size), ...(index === undefined ? [] : [index])];
    // Whatever is read, the right edge of the newer tree is read with it, so that it is stored before the head is adopted.
    const proven = await this.#prove(newer, indexes.length > 0 ? indexes : subtreeIndexes(newer.size), fetch, o);
    const inside = await treeHash(size, async (wanted) => wanted.map((one) => hashAt(proven, one)));
    if (older === undefined || equalHashes(inside, hash)) return proven;
    const fork = await forkBetween(older, newer, inside, tileHashReader(newer, proven.reading));
    throw await this.#parts.forks.file(fork, o);
  }

  /**
   * The hashes at `indexes` of `tree`, from what is here and what `fetch` gets. If what is here does not fit, everything is fetched: it may be damaged,
   * or `tree` may be of the other side of a fork, and then that must come out.
   */
  async #prove(tree: TreeHead, indexes: readonly number[], fetch: FetchTile | undefined, o: Ask): Promise<Proven> {
    const { tiles } = this.#parts;
    const own = new TileReading({ tiles, fetch, isFresh: false, ask: o });
    try {
      return await readHashes(tree, indexes, own);
    } catch (error) {
      if (!isAppError(error, 'SUMDB_INCONSISTENT') || !own.usedOwn || fetch === undefined) throw error;
      return await readHashes(tree, indexes, new TileReading({ tiles, fetch, isFresh: true, ask: o }));
    }
  }

  /**
   * Stores what was proven, and adopts `next` if there is one. `overtaken` when another head was adopted meanwhile; then that is ours. A store that takes
   * nothing does not make the proof less true: it is held in memory then. When there is no room for that (`forgotten`) the head is not adopted, for nobody
   * could follow it later.
   */
  async #settle(
    { reading }: Proven,
    from: Standing,
    next: SignedHead | undefined,
    fetch: FetchTile | undefined,
    o: Ask,
  ): Promise<Outcome> {
    if (next === undefined) return await this.#keep(reading, o);
    // One at a time: who would come too late has not yet written what only an adopted head needs.
    while (this.#adopting !== undefined) await waitFor(this.#adopting, o.signal);
    if (this.#parts.heads.standing !== from) return 'overtaken';
    return await this.#alone(this.#adopt(reading, from, next, fetch, o));
  }

  async #alone<T>(adoption: Promise<T>): Promise<T> {
    this.#adopting = adoption.catch(() => undefined).finally(() => (this.#adopting = undefined));
    return await adoption;
  }

  async #adopt(
    reading: TileReading,
    from: Standing,
    next: SignedHead,
    fetch: FetchTile | undefined,
    o: Ask,
  ): Promise<Outcome> {
    const { heads, tiles } = this.#parts;
    // What is held is written in one go by `save`: lookups do not wait for that.
    const isKept = !this.isUnsaved && (await keepIfPossible(reading, o));
    const isAdopted = isKept ? await unlessUnavailable(heads.advance(from, next, o)) : undefined;
    if (isAdopted === undefined) return await this.#adoptUnstored(reading, from, next, o);
    if (isAdopted) await tiles.dropGrown(from.head?.size ?? 0, next.size, o);
    else if (heads.standing === from) await this.#takeOver(from, fetch, o);
    return isAdopted ? 'kept' : 'overtaken';
  }

  /** Adopts `next` here alone: everybody who hears of it here can follow it here. */
  async #adoptUnstored(reading: TileReading, from: Standing, next: SignedHead, o: Ask): Promise<Outcome> {
    const { heads, tiles, late } = this.#parts;
    if (!reading.hold()) {
      await this.#shed(o);
      if (!reading.hold()) return 'forgotten';
    }
    late?.onUnstored();
    if (!heads.standBy(from, next)) return 'overtaken';
    tiles.forgetGrown(from.head?.size ?? 0, next.size);
    return 'held';
  }

  /** Forgets of what is held all but what proves that our head contains the stored one: the rest can be had again while the database is there. */
  async #shed(o: Ask): Promise<void> {
    const { heads, tiles, late } = this.#parts;
    const { head, stored } = heads.standing;
    const { reading } =
      head && isAhead(heads.standing) ? await this.#requireInside(stored, head, undefined, undefined, o) : {};
    tiles.holdOnly(reading?.provenTiles() ?? []);
    late?.onShed();
  }

  /** Makes the tiles of `reading` durable. When the store takes nothing they are held in memory, if there is room. */
  async #keep(reading: TileReading, o: Ask): Promise<'kept' | 'held' | 'forgotten'> {
    if (await keepIfPossible(reading, o)) return 'kept';
    if (!reading.hold()) return 'forgotten';
    this.#parts.late?.onUnstored();
    return 'held';
  }

  /** Another process adopted a head: it must be of one history with ours. Its tiles are stored already. */
  async #takeOver(from: Standing, fetch: FetchTile | undefined, o: Ask): Promise<void> {
    const theirs = await this.#parts.heads.read(o);
    if (theirs.head !== undefined && from.head !== undefined) {
      const isGrowth = theirs.head.size > from.head.size;
      const [older, newer] = isGrowth ? [from.head, theirs.head] : [theirs.head, from.head];
      const { reading } = await this.#requireInside(older, newer, undefined, fetch, o);
      await this.#keep(reading, o);
    }
    if (this.#parts.heads.standing === from) this.#parts.heads.take(theirs);
  }
}

/** Whether the tiles are durable now. What is not is not remembered either: it could end in an adopted head without being stored. */
async function keepIfPossible(reading: TileReading, o: Ask): Promise<boolean> {
  return (await unlessUnavailable(reading.keep(o).then(() => true))) ?? false;
}

/** What `storing` leads to, or undefined when the store cannot take anything now. */
async function unlessUnavailable<T>(storing: Promise<T>): Promise<T | undefined> {
  try {
    return await storing;
  } catch (error) {
    if (isAppError(error, 'STORE_UNAVAILABLE')) return undefined;
    throw error;
  }
}

async function readHashes(tree: TreeHead, indexes: readonly number[], reading: TileReading): Promise<Proven> {
  const wanted = [...new Set(indexes)];
  const found = wanted.length === 0 ? [] : await tileHashReader(tree, reading)(wanted);
  return { hashes: new Map(wanted.map((index, i) => [index, found[i] as Hash])), reading };
}

function hashAt({ hashes }: Proven, index: number): Hash {
  const hash = hashes.get(index);
  if (hash === undefined) throw new AppError('INTERNAL', `compare two trees: hash ${index} was not read`);
  return hash;
}
