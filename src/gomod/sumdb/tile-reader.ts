/** Reading the hashes of a signed tree from tiles that somebody else sent: nothing is used before all of it is proven. */
import { AppError } from '../../std/errors.ts';
import { equalHashes, HASH_BYTES, type Hash } from './hash.ts';
import { hashInTile, type Tile, tileForIndex, tileHash, tilePath } from './tile.ts';
import { foldSubtrees, type HashReader, storedHashIndex, subtreeIndexes, type TreeHead } from './tree.ts';

/** Where tiles come from. */
export interface TileSource {
  /** Of every tile; 1 to 30. */
  readonly height: number;
  /** The bodies of `wanted`, in their order, each of exactly its width. Untrusted. */
  tiles(wanted: readonly Tile[]): Promise<readonly Uint8Array[]>;
  /** Told of the tiles once each of them is proven. */
  saved(tiles: readonly Tile[], bodies: readonly Uint8Array[]): void;
}

/**
 * A reader of the stored hashes of the tree with `head`, whose signature the caller has verified. Rejects with SUMDB_INCONSISTENT when a tile is not of that
 * tree, with INTERNAL for a hash that the tree does not have, and with whatever the source rejects with.
 */
export function tileHashReader(head: TreeHead, source: TileSource): HashReader {
  return async (indexes) => {
    if (indexes.length === 0) return [];
    const plan = planReading(head.size, source.height, indexes);
    const bodies = await source.tiles(plan.tiles);
    plan.tiles.forEach((tile, i) => requireLength(tile, bodies[i]));
    proveRoots(head, plan, bodies);
    proveBelow(head.size, plan, bodies);
    source.saved(plan.tiles, bodies);
    return indexes.map((index, i) => hashInPlan(plan, bodies, plan.ofIndex[i], index));
  };
}

/** The tiles to be read, each once. */
interface Plan {
  readonly tiles: readonly Tile[];
  /** The first of `tiles`: those that together give the hash of the tree. Every other one stands after its parent. */
  readonly rootTiles: number;
  readonly at: ReadonlyMap<string, number>;
  readonly roots: readonly number[];
  /** Which tile each root, and each wanted hash, is in. */
  readonly ofRoot: readonly number[];
  readonly ofIndex: readonly number[];
}

/**
 * The tiles of the tree's own subtree roots first; then, for each wanted hash, its tile and the tiles above it up to one that is planned already. All at the
 * width that they have in this tree.
 */
function planReading(size: number, height: number, indexes: readonly number[]): Plan {
  const tiles: Tile[] = [];
  const at = new Map<string, number>();
  const add = (tile: Tile): number => {
    const path = tilePath(tile);
    const known = at.get(path);
    if (known !== undefined) return known;
    at.set(path, tiles.length);
    return tiles.push(tile) - 1;
  };
  const roots = subtreeIndexes(size);
  const ofRoot = roots.map((index) => add(inTree(tileForIndex(height, index), 0, size)));
  const rootTiles = tiles.length;
  const ofIndex = indexes.map((index) => {
    if (size === 0 || index >= storedHashIndex(0, size))
      throw new AppError('INTERNAL', `read hash ${index} of a tree of ${size} records: it has none such`);
    return addBelowKnown(tileForIndex(height, index), size, { at, add });
  });
  return { tiles, rootTiles, at, roots, ofRoot, ofIndex };
}

/** Adds `tile` and what is missing above it, from the top down. Ends because the top of the tree is a root tile. */
function addBelowKnown(
  tile: Tile,
  size: number,
  { at, add }: { readonly at: ReadonlyMap<string, number>; readonly add: (tile: Tile) => number },
): number {
  const missing: Tile[] = [];
  for (let up = 0; ; up++) {
    const above = inTree(tile, up, size);
    if (at.has(tilePath(above))) break;
    missing.push(above);
  }
  for (const one of missing.toReversed()) add(one);
  return add(inTree(tile, 0, size));
}

/** The tile `up` levels above `tile`, at the width that it has in a tree of `size` records. */
function inTree({ height, level, index }: Tile, up: number, size: number): Tile {
  const full = 2 ** height;
  const aboveLevel = Number(level) + up;
  const aboveIndex = Math.floor(index / full ** up);
  const hashes = Math.floor(size / full ** aboveLevel);
  const width = Math.min(full, hashes - aboveIndex * full);
  if (width < 1)
    throw new AppError('INTERNAL', `read tiles of a tree of ${size} records: it has no level ${aboveLevel}`);
  return { height, level: aboveLevel, index: aboveIndex, width };
}

function requireLength(tile: Tile, body: Uint8Array | undefined): void {
  if (body?.length !== tile.width * HASH_BYTES) throw inconsistent(tile, `${body?.length ?? 0} bytes`);
}

function proveRoots(head: TreeHead, plan: Plan, bodies: readonly Uint8Array[]): void {
  const hashes = plan.roots.map((index, i) => hashInPlan(plan, bodies, plan.ofRoot[i], index));
  if (hashes.length === 0 || !equalHashes(foldSubtrees(hashes), head.hash))
    throw new AppError(
      'SUMDB_INCONSISTENT',
      `read tiles: they do not give the hash of the tree of ${head.size} records`,
    );
}

/**
 * Every tile that did not take part in the hash of the tree must be what its parent says. From the first tile after the root tiles on, and not after as many as
 * there are roots: several roots share a tile.
 */
function proveBelow(size: number, plan: Plan, bodies: readonly Uint8Array[]): void {
  for (let i = plan.rootTiles; i < plan.tiles.length; i++) {
    const tile = plan.tiles[i] as Tile;
    const parent = inTree(tile, 1, size);
    const index = storedHashIndex(parent.height * Number(parent.level), tile.index);
    const expected = hashInPlan(plan, bodies, plan.at.get(tilePath(parent)), index);
    if (!equalHashes(expected, tileHash(tile, bodies[i] as Uint8Array)))
      throw inconsistent(tile, 'not what its parent says');
  }
}

function hashInPlan(plan: Plan, bodies: readonly Uint8Array[], at: number | undefined, index: number): Hash {
  const tile = plan.tiles[at ?? -1];
  const body = bodies[at ?? -1];
  if (tile === undefined || body === undefined) throw new AppError('INTERNAL', 'read tiles: the plan has a gap');
  return hashInTile(tile, body, index);
}

function inconsistent(tile: Tile, why: string): AppError {
  return new AppError('SUMDB_INCONSISTENT', `read ${tilePath(tile)}: ${why}`);
}
