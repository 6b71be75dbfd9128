import { AppError } from '../../std/errors.ts';
import { shown } from '../shown.ts';
import { HASH_BYTES, type Hash, hashOver } from './hash.ts';
import { type HashReader, splitStoredHashIndex, storedHashIndex } from './tree.ts';

/** A piece of a log's tree: `width` hashes at tree level `height * level` beginning with number `index << height`; or, at level `data`, the records themselves. */
export interface Tile {
  /** 1 to 30; checksum databases use 8. */
  readonly height: number;
  /** 0 or more, or `data`. Levels that no tree can have are well-formed all the same. */
  readonly level: number | 'data';
  readonly index: number;
  /** 1 to 2**height; less than that = partial. */
  readonly width: number;
}

/** `tile/8/0/x001/234.p/5`. */
export function tilePath({ height, level, index, width }: Tile): string {
  let groups = String(index % 1000).padStart(3, '0');
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000))
    groups = `x${String(rest % 1000).padStart(3, '0')}/${groups}`;
  const partial = width === 2 ** height ? '' : `.p/${width}`;
  return `tile/${height}/${level}/${groups}${partial}`;
}

const TILE_PATH = /^tile\/(\d{1,2})\/(\d{1,15}|data)\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d{1,10}))?$/;

/** The inverse of tilePath. Throws NOT_FOUND for what is not exactly the path of a tile. */
export function parseTilePath(path: string): Tile {
  const [, height = '', level = '', groups = '', width] = TILE_PATH.exec(path) ?? [];
  const tile: Tile = {
    height: Number(height),
    level: level === 'data' ? 'data' : Number(level),
    index: Number(groups.replaceAll(/[x/]/g, '')),
    width: width === undefined ? 2 ** Number(height) : Number(width),
  };
  if (groups === '' || !isTile(tile) || tilePath(tile) !== path)
    throw new AppError('NOT_FOUND', `parse tile path ${shown(path)}: no such tile`);
  return tile;
}

function isTile({ height, index, width }: Tile): boolean {
  return height >= 1 && height <= 30 && Number.isSafeInteger(index) && width >= 1 && width <= 2 ** height;
}

// ------------------------------------------------------------------ hashes in tiles

/** The smallest tile of `height` that has the stored hash with number `index`. */
export function tileForIndex(height: number, index: number): Tile {
  return placeOf(height, index).tile;
}

/** The tile, and which of its hashes make up the stored one: `width` of them from `start` on. */
function placeOf(
  height: number,
  index: number,
): { readonly tile: Tile; readonly start: number; readonly width: number } {
  const { level: treeLevel, n } = splitStoredHashIndex(index);
  const level = Math.floor(treeLevel / height);
  const width = 2 ** (treeLevel - level * height);
  const perTile = 2 ** height / width;
  const tileIndex = Math.floor(n / perTile);
  const start = (n - tileIndex * perTile) * width;
  return { tile: { height, level, index: tileIndex, width: start + width }, start, width };
}

/** The stored hash with number `index` as `bytes`, the body of `tile`, give it. Throws SUMDB_INCONSISTENT when the tile does not have it or the body is too short. */
export function hashInTile(tile: Tile, bytes: Uint8Array, index: number): Hash {
  const place = placeOf(tile.height, index);
  const isThere = place.tile.level === tile.level && place.tile.index === tile.index && place.tile.width <= tile.width;
  if (!isThere || bytes.length < tile.width * HASH_BYTES)
    throw new AppError('SUMDB_INCONSISTENT', `read ${tilePath(tile)}: it does not hold hash ${index}`);
  return hashOver(bytes.subarray(place.start * HASH_BYTES, (place.start + place.width) * HASH_BYTES));
}

/** The hash over a whole tile: what its parent has in its place. For full tiles. */
export function tileHash(tile: Tile, bytes: Uint8Array): Hash {
  if (bytes.length !== tile.width * HASH_BYTES || tile.width !== 2 ** tile.height)
    throw new AppError('SUMDB_INCONSISTENT', `read ${tilePath(tile)}: not a full tile`);
  return hashOver(bytes);
}

/** The hash tiles of `height` that a log has to publish when it grows from `oldSize` to `newSize` records. */
export function newTiles(height: number, oldSize: number, newSize: number): readonly Tile[] {
  const tiles: Tile[] = [];
  const full = 2 ** height;
  for (let level = 0; ; level++) {
    const perHash = full ** level;
    const oldHashes = Math.floor(oldSize / perHash);
    const newHashes = Math.floor(newSize / perHash);
    if (newHashes === 0) return tiles;
    if (oldHashes === newHashes) continue;
    for (let index = Math.floor(oldHashes / full); index * full < newHashes; index++)
      tiles.push({ height, level, index, width: Math.min(full, newHashes - index * full) });
  }
}

/** The body of a hash tile, from stored hashes. */
export async function tileBytes({ height, level, index, width }: Tile, read: HashReader): Promise<Uint8Array> {
  if (level === 'data') throw new AppError('INTERNAL', 'make a tile: the records are not among the hashes');
  const first = index * 2 ** height;
  const indexes = Array.from({ length: width }, (_, i) => storedHashIndex(height * level, first + i));
  return Buffer.concat(await read(indexes));
}
