import { equalHashes, type Hash, HASH_BYTES, recordHash } from '../gomod/sumdb/hash.ts';
import { formatDataTile, parseDataTile } from '../gomod/sumdb/data-tile.ts';
import { hashInTile, type Tile, tileBytes, tileForIndex, tileHash, tilePath } from '../gomod/sumdb/tile.ts';
import { treeHash } from '../gomod/sumdb/tree.ts';
import type { Ask } from '../std/ask.ts';
import type { ByteCache } from '../std/byte-cache.ts';
import { encodeUtf8 } from '../std/bytes.ts';
import { AppError } from '../std/errors.ts';
import { TILE_RECORDS } from './records.ts';
import { damaged, type StoredTiles } from './stored-tiles.ts';
import { fullTile, type Tail, TILE_HEIGHT } from './tail.ts';

/** Highest tiles that are made for who asks: 1,024 records or hashes. */
const MAX_HEIGHT = 10;
/** Tiles read at once. */
const READ_AT_ONCE = 16;

interface LogViewParts {
  readonly tail: Tail;
  readonly stored: StoredTiles;
  /** Bodies of tiles by path, shared by all views of one log: what is in a tile of a given width never changes. */
  readonly memory: ByteCache;
}

/**
 * The log as it is at one size: any hash, tile and record of it. What comes from the store is checked against the hash above it before it is used,
 * up to the end of the log, which was checked against the root hash; so damage is STORE_CORRUPT and never an answer.
 */
export class LogView {
  readonly tail: Tail;
  readonly #stored: StoredTiles;
  readonly #memory: ByteCache;

  constructor({ tail, stored, memory }: LogViewParts) {
    this.tail = tail;
    this.#stored = stored;
    this.#memory = memory;
  }

  get size(): number {
    return this.tail.size;
  }

  /** The text of record `number`, which must be below the size. */
  async record(number: number, o: Ask): Promise<string> {
    const text =
      this.tail.record(number) ??
      (await this.#storedTexts(Math.floor(number / TILE_RECORDS), o))[number % TILE_RECORDS];
    if (text === undefined) throw new AppError('INTERNAL', `read record ${number} of the ledger: it has ${this.size}`);
    return text;
  }

  /** The texts of records `from` up to, not including, `end`. */
  async records(from: number, end: number, o: Ask): Promise<readonly string[]> {
    const texts: string[] = [];
    for (let at = from; at < end; ) {
      const isStored = at < this.tail.settled;
      const chunk = isStored ? await this.#storedTexts(Math.floor(at / TILE_RECORDS), o) : this.tail.texts;
      const first = isStored ? at - (at % TILE_RECORDS) : this.tail.settled;
      const taken = chunk.slice(at - first, end - first);
      texts.push(...taken);
      at += taken.length;
    }
    return texts;
  }

  /** The root hash of the log's first `size` records. */
  async rootHash(size: number, o: Ask): Promise<Hash> {
    return await treeHash(size, (indexes) => this.hashes(indexes, o));
  }

  /** Hashes by stored-hash index. */
  async hashes(indexes: readonly number[], o: Ask): Promise<readonly Hash[]> {
    const found: Hash[] = [];
    for (let at = 0; at < indexes.length; at += READ_AT_ONCE)
      found.push(...(await Promise.all(indexes.slice(at, at + READ_AT_ONCE).map((index) => this.#hash(index, o)))));
    return found;
  }

  /** The body of a tile of any height up to 10 and any width, as of a log of `size` records (at most this one's); NOT_FOUND beyond it. */
  async tile(tile: Tile, size: number, o: Ask): Promise<Uint8Array> {
    if (!isWithin(tile, size)) throw new AppError('NOT_FOUND', `read ${tilePath(tile)}: the log has ${size} records`);
    const path = tilePath(tile);
    return this.#memory.get(path) ?? this.#memory.keep(path, await this.#make(tile, o));
  }

  async #make(tile: Tile, o: Ask): Promise<Uint8Array> {
    const { height, level, index, width } = tile;
    if (level === 'data') {
      const first = index * 2 ** height;
      return formatDataTile(await this.records(first, first + width, o));
    }
    if (height === TILE_HEIGHT) return this.tail.tile(tile) ?? firstOf(await this.#fullTile(tile, o), width);
    return await tileBytes(tile, (indexes) => this.hashes(indexes, o));
  }

  async #hash(index: number, o: Ask): Promise<Hash> {
    const tile = tileForIndex(TILE_HEIGHT, index);
    return hashInTile(tile, this.tail.tile(tile) ?? (await this.#fullTile(tile, o)), index);
  }

  /** A full tile of hashes from the store, checked. `tile` may be narrower. */
  async #fullTile({ level, index }: Tile, o: Ask): Promise<Uint8Array> {
    const tile = fullTile(level, index);
    const path = tilePath(tile);
    const inMemory = this.#memory.get(path);
    if (inMemory !== undefined || level === 'data') return inMemory ?? (await this.#stored.load(tile, o));
    const bytes = await this.#stored.load(tile, o);
    const root = bytes.length === TILE_RECORDS * HASH_BYTES ? tileHash(tile, bytes) : undefined;
    const above = await this.#entry(level + 1, index, o);
    if (root === undefined || !equalHashes(root, above)) throw damaged(tile, 'it does not fit the tile above it');
    this.#memory.set(path, bytes);
    return bytes;
  }

  /** Hash `number` of a tile level. */
  async #entry(level: number, number: number, o: Ask): Promise<Hash> {
    const tile: Tile = {
      height: TILE_HEIGHT,
      level,
      index: Math.floor(number / TILE_RECORDS),
      width: (number % TILE_RECORDS) + 1,
    };
    const bytes = this.tail.tile(tile) ?? (await this.#fullTile(tile, o));
    return bytes.subarray((tile.width - 1) * HASH_BYTES, tile.width * HASH_BYTES);
  }

  /** The records of a full data tile from the store, checked. */
  async #storedTexts(index: number, o: Ask): Promise<readonly string[]> {
    const tile = fullTile('data', index);
    const path = tilePath(tile);
    const inMemory = this.#memory.get(path);
    const bytes = inMemory ?? (await this.#stored.load(tile, o));
    const texts = parseDataTile(bytes) ?? [];
    if (inMemory !== undefined) return texts;
    const hashes = hashesIn(await this.#fullTile({ ...tile, level: 0 }, o));
    const isRight =
      texts.length === TILE_RECORDS &&
      texts.every((text, i) => equalHashes(recordHash(encodeUtf8(text)), hashes[i] as Hash));
    if (!isRight) throw damaged(tile, 'its records do not have the hashes of the log');
    this.#memory.set(path, bytes);
    return texts;
  }
}

/** The first `width` hashes, in memory of their own unless they are all. */
function firstOf(bytes: Uint8Array, width: number): Uint8Array {
  return width === TILE_RECORDS ? bytes : Uint8Array.from(bytes.subarray(0, width * HASH_BYTES));
}

function hashesIn(bytes: Uint8Array): Hash[] {
  return Array.from({ length: Math.floor(bytes.length / HASH_BYTES) }, (_, i) =>
    bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES),
  );
}

/** Whether a log of `size` records has all of `tile`, of a height that is given out. */
export function isWithin({ height, level, index, width }: Tile, size: number): boolean {
  const entries = level === 'data' ? size : Math.floor(size / 2 ** (height * level));
  return height <= MAX_HEIGHT && index * 2 ** height + width <= entries;
}
