import type { Tile } from '../gomod/sumdb/tile.ts';
import type { Ask } from '../std/ask.ts';
import type { BlobStore } from '../storage/store.ts';
import type { DatabasePlace } from './database-place.ts';
import { keepProof, readProof } from './proof-blobs.ts';
import { mostUnwritten, type ProofMemory } from './proof-memory.ts';
import { Unwritten } from './unwritten.ts';

/** The height of the tiles of checksum databases. */
export const TILE_HEIGHT = 8;
const FULL_WIDTH = 2 ** TILE_HEIGHT;
const HASH_BYTES = 32;
/** Largest body of a hash tile. */
export const MAX_TILE_BYTES = FULL_WIDTH * HASH_BYTES;

export interface TileStoreParts {
  readonly store: BlobStore;
  readonly place: DatabasePlace;
  /** Shared with the other stores of the database. */
  readonly memory: ProofMemory;
}

/** How many hashes of the tile at `level` and `index` the log has at `size` records: 0 to 256. */
export function widthAt(size: number, level: number, index: number): number {
  const hashes = Math.floor(size / FULL_WIDTH ** level);
  return Math.min(Math.max(hashes - index * FULL_WIDTH, 0), FULL_WIDTH);
}

/** The first `width` hashes of a hash tile, as bytes of their own: what a cache counts is then what it holds. */
export function beginning(tile: Uint8Array, width: number): Uint8Array {
  return tile.slice(0, width * HASH_BYTES);
}

/**
 * The hash tiles of one log: in memory the proven ones, as blobs the full ones for ever and the partial ones of the right edge until they have grown. What the
 * store does not take is held in memory until it does.
 */
export class TileStore {
  readonly #parts: TileStoreParts;
  readonly #held: Unwritten;

  constructor(parts: TileStoreParts) {
    this.#parts = parts;
    this.#held = new Unwritten(mostUnwritten(parts.memory));
  }

  /** Whether there are tiles that the store did not take. */
  get hasHeld(): boolean {
    return !this.#held.isEmpty;
  }

  /** The proven bytes of `tile`, of exactly its width, if they are in memory or the beginning of a tile that is: the full one, or the one of `widest`. */
  remembered(tile: Tile, widest = FULL_WIDTH): Uint8Array | undefined {
    const { memory, place } = this.#parts;
    const key = place.tile(tile);
    const found = this.#inMemory(key);
    if (found !== undefined || widest <= tile.width) return found;
    const wider = this.#inMemory(place.tile({ ...tile, width: widest }));
    if (wider === undefined) return undefined;
    return memory.keep(key, beginning(wider, tile.width));
  }

  /** Whether `tile` is in memory and the store did not take it. */
  isHeld(tile: Tile): boolean {
    return this.#held.get(this.#parts.place.tile(tile)) !== undefined;
  }

  /** The stored bytes of `tile`, of exactly its width, not yet known to be right. A wider tile has them too. */
  async stored(tile: Tile, o: Ask): Promise<Uint8Array | undefined> {
    const exact = await this.#load(tile, tile.width, o);
    if (exact !== undefined || tile.width === FULL_WIDTH) return exact;
    const full = await this.#load({ ...tile, width: FULL_WIDTH }, tile.width, o);
    return full ?? this.#widerHeld(tile) ?? (await this.#widerPartial(tile, o));
  }

  /** From now on `bytes`, which were proven, are in memory. */
  remember(tile: Tile, bytes: Uint8Array): void {
    if (!this.isHeld(tile)) this.#parts.memory.set(this.#parts.place.tile(tile), bytes);
  }

  /** From now on all of `tiles`, which were proven and which the store does not take, are in memory until it does; false, and none is, when there is no room. */
  hold(tiles: readonly (readonly [tile: Tile, bytes: Uint8Array])[]): boolean {
    return this.#held.add(tiles.map(([tile, bytes]) => [this.#parts.place.tile(tile), bytes]));
  }

  /** Makes all tiles durable that are held. Rejects with STORE_UNAVAILABLE while the store takes nothing. */
  async writeHeld(o: Ask): Promise<void> {
    await this.#held.write(this.#parts.store, (key, bytes) => void this.#parts.memory.set(key, bytes), o);
  }

  /** Forgets what is held, but for `tiles`. */
  holdOnly(tiles: readonly Tile[]): void {
    this.#held.dropOthers(new Set(tiles.map((tile) => this.#parts.place.tile(tile))));
  }

  /** Forgets what is held of the right edge at `older` records and has grown at `newer`: it need not be written any more. */
  forgetGrown(older: number, newer: number): void {
    this.#held.drop(grownEdge(older, newer).map((tile) => this.#parts.place.tile(tile)));
  }

  /** Makes `bytes`, which were proven, durable. */
  async keep(tile: Tile, bytes: Uint8Array, o: Ask): Promise<void> {
    await keepProof(this.#parts.store, this.#parts.place.tile(tile), bytes, o);
  }

  /** Deletes the partial tiles of the right edge at `older` records that have grown at `newer`. What cannot be deleted now stays, and does no harm. */
  async dropGrown(older: number, newer: number, o: Ask): Promise<void> {
    const { store, place } = this.#parts;
    await Promise.allSettled(grownEdge(older, newer).map((tile) => store.delete(place.tile(tile), o)));
  }

  #inMemory(key: string): Uint8Array | undefined {
    return this.#held.get(key) ?? this.#parts.memory.get(key);
  }

  #widerHeld(tile: Tile): Uint8Array | undefined {
    for (let width = tile.width + 1; this.hasHeld && width < FULL_WIDTH; width++) {
      const held = this.#held.get(this.#parts.place.tile({ ...tile, width }));
      if (held !== undefined) return beginning(held, tile.width);
    }
    return undefined;
  }

  /** Another process may have seen the log grow, and dropped the width that is wanted here. */
  async #widerPartial(tile: Tile, o: Ask): Promise<Uint8Array | undefined> {
    const prefix = this.#parts.place.widthsOf(tile);
    for await (const { key } of this.#parts.store.list(prefix, o)) {
      const width = Number(key.slice(prefix.length));
      if (width > tile.width) return await this.#load({ ...tile, width }, tile.width, o);
    }
    return undefined;
  }

  /** The first `width` hashes of the stored tile, unless its length is wrong. */
  async #load(tile: Tile, width: number, o: Ask): Promise<Uint8Array | undefined> {
    const bytes = await readProof(this.#parts.store, this.#parts.place.tile(tile), MAX_TILE_BYTES, o);
    if (bytes?.length !== tile.width * HASH_BYTES) return undefined;
    return width === tile.width ? bytes : beginning(bytes, width);
  }
}

/** The partial tiles of the right edge at `older` records that have grown at `newer`. */
function grownEdge(older: number, newer: number): readonly Tile[] {
  const edge: Tile[] = [];
  for (let level = 0, hashes = older; hashes > 0; level++, hashes = Math.floor(hashes / FULL_WIDTH)) {
    const index = Math.floor(hashes / FULL_WIDTH);
    const width = hashes % FULL_WIDTH;
    if (width > 0 && widthAt(newer, level, index) > width) edge.push({ height: TILE_HEIGHT, level, index, width });
  }
  return edge;
}
