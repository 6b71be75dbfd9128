/**
 * The end of the log in memory: the records that are in no stored tile yet, and of each tile level the hashes behind the last stored tile.
 * Bounded: at most 255 hashes per level and 255 records, and what the last batches added. Everything left of it is in stored full tiles.
 */
import { type Hash, recordHash } from '../gomod/sumdb/hash.ts';
import { formatDataTile } from '../gomod/sumdb/data-tile.ts';
import { hashInTile, type Tile, tileForIndex, tileHash } from '../gomod/sumdb/tile.ts';
import { treeHash } from '../gomod/sumdb/tree.ts';
import { encodeUtf8 } from '../std/bytes.ts';
import { AppError } from '../std/errors.ts';
import { TILE_RECORDS } from './records.ts';

/** The height of the tiles that are stored, which is that of every checksum database. */
export const TILE_HEIGHT = 8;

/** Hashes of one tile level, from number `from` (a multiple of 256) to the end. */
export interface TailLevel {
  readonly from: number;
  readonly hashes: readonly Hash[];
}

interface TileBody {
  readonly tile: Tile;
  readonly bytes: Uint8Array;
}

/** Never changes: `append` and `settle` return a new one. */
export class Tail {
  /** Records before these are in stored tiles; a multiple of 256. */
  readonly settled: number;
  readonly texts: readonly string[];
  /** From the level of the records' hashes upwards. */
  readonly levels: readonly TailLevel[];

  constructor({ settled, texts, levels }: Pick<Tail, 'settled' | 'texts' | 'levels'>) {
    this.settled = settled;
    this.texts = texts;
    this.levels = levels;
  }

  /** Records of the whole log. */
  get size(): number {
    return this.settled + this.texts.length;
  }

  /** The log with `texts` behind it. */
  append(texts: readonly string[]): Tail {
    const levels = this.levels.map(({ from, hashes }) => ({ from, hashes: [...hashes] }));
    for (const text of texts) pushHash(levels, 0, recordHash(encodeUtf8(text)));
    return new Tail({ settled: this.settled, texts: [...this.texts, ...texts], levels });
  }

  /** The same log once all its full tiles are stored. */
  settle(): Tail {
    const settled = this.size - (this.size % TILE_RECORDS);
    const levels = this.levels.map(({ from, hashes }) => {
      const kept = hashes.length % TILE_RECORDS;
      return { from: from + hashes.length - kept, hashes: hashes.slice(hashes.length - kept) };
    });
    return new Tail({ settled, texts: this.texts.slice(settled - this.settled), levels });
  }

  /** The full tiles that settle() takes as stored, hashes and data. */
  fullTiles(): readonly TileBody[] {
    const dataLevel = { level: 'data' as const, from: this.settled, count: this.texts.length };
    const hashLevels = this.levels.map(({ from, hashes }, level) => ({ level, from, count: hashes.length }));
    return [dataLevel, ...hashLevels].flatMap(({ level, from, count }) =>
      Array.from({ length: Math.floor(count / TILE_RECORDS) }, (_, i) => {
        const tile = fullTile(level, from / TILE_RECORDS + i);
        return { tile, bytes: this.#require(tile) };
      }),
    );
  }

  /** The body of a tile of height 8, or undefined unless all of it is here. */
  tile({ level, index, width }: Tile): Uint8Array | undefined {
    const first = index * TILE_RECORDS;
    if (level === 'data') return bodyOf(slice(this.texts, first - this.settled, width), formatDataTile);
    const { from, hashes } = this.levels[level] ?? { from: 0, hashes: [] };
    return bodyOf(slice(hashes, first - from, width), (found) => Buffer.concat(found));
  }

  /** The text of a record, or undefined when it is not here. */
  record(number: number): string | undefined {
    return number < this.settled ? undefined : this.texts[number - this.settled];
  }

  /** The root hash of the log. All that it takes is at the right edge, and so is here. */
  async rootHash(): Promise<Hash> {
    return await treeHash(this.size, async (indexes) => indexes.map((index) => this.#hash(index)));
  }

  #hash(index: number): Hash {
    const tile = tileForIndex(TILE_HEIGHT, index);
    return hashInTile(tile, this.#require(tile), index);
  }

  #require(tile: Tile): Uint8Array {
    const bytes = this.tile(tile);
    if (bytes === undefined)
      throw new AppError('INTERNAL', `read the end of the ledger: no tile ${tile.level}/${tile.index}`);
    return bytes;
  }
}

function pushHash(levels: { readonly from: number; readonly hashes: Hash[] }[], level: number, hash: Hash): void {
  const { from, hashes } = (levels[level] ??= { from: 0, hashes: [] });
  hashes.push(hash);
  if (hashes.length % TILE_RECORDS !== 0) return;
  const tile = fullTile(level, (from + hashes.length) / TILE_RECORDS - 1);
  pushHash(levels, level + 1, tileHash(tile, Buffer.concat(hashes.slice(-TILE_RECORDS))));
}

/** A full tile of the height that is stored. */
export function fullTile(level: Tile['level'], index: number): Tile {
  return { height: TILE_HEIGHT, level, index, width: TILE_RECORDS };
}

/** `count` of `all` from `start`, or undefined unless they are all there. */
function slice<T>(all: readonly T[], start: number, count: number): readonly T[] | undefined {
  return start < 0 || start + count > all.length ? undefined : all.slice(start, start + count);
}

function bodyOf<T>(
  found: readonly T[] | undefined,
  format: (found: readonly T[]) => Uint8Array,
): Uint8Array | undefined {
  return found && format(found);
}
