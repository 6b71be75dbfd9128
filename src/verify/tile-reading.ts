import { type Tile, tilePath } from '../gomod/sumdb/tile.ts';
import type { TileSource } from '../gomod/sumdb/tile-reader.ts';
import type { Ask } from '../std/ask.ts';
import { AppError } from '../std/errors.ts';
import { TILE_HEIGHT, type TileStore } from './tile-store.ts';

/** Gets a tile, of exactly its width, from where it is not yet proven. */
export type FetchTile = (tile: Tile, o: Ask) => Promise<Uint8Array>;

/** `fetch` for several attempts at one thing: what it got is not fetched again, and proven anew each time. */
export function fetchedOnce(fetch: FetchTile): FetchTile {
  const fetched = new Map<string, Promise<Uint8Array>>();
  return async (tile, o) => {
    const path = tilePath(tile);
    const known = fetched.get(path);
    if (known !== undefined) return await known;
    const fetching = fetch(tile, o);
    fetched.set(path, fetching);
    fetching.catch(() => fetched.delete(path));
    return await fetching;
  };
}

export interface TileReadingParts {
  readonly tiles: TileStore;
  /** Absent = only what is here may be used; a tile that is not rejects with NOT_FOUND. */
  readonly fetch?: FetchTile | undefined;
  /** Whether to pass by what is here: it may be damaged, or of the other side of a fork. */
  readonly isFresh: boolean;
  readonly ask: Ask;
}

/**
 * Where the tiles of one authenticated read come from: memory, the store, then afar, all at the same time. What it read counts for others only once
 * `keep` was called, which is when the tree it was proven to be in was proven to be ours.
 */
export class TileReading implements TileSource {
  readonly height = TILE_HEIGHT;
  readonly #parts: TileReadingParts;
  /** What is not known to be stored: it came from afar, or the store did not take it before. */
  readonly #unstored = new Set<string>();
  readonly #proven = new Map<string, { readonly tile: Tile; readonly bytes: Uint8Array }>();
  #usedOwn = false;

  constructor(parts: TileReadingParts) {
    this.#parts = parts;
  }

  /** Whether any tile was here already. */
  get usedOwn(): boolean {
    return this.#usedOwn;
  }

  async tiles(wanted: readonly Tile[]): Promise<readonly Uint8Array[]> {
    return await Promise.all(wanted.map((tile) => this.#find(tile)));
  }

  saved(tiles: readonly Tile[], bytes: readonly Uint8Array[]): void {
    for (const [i, tile] of tiles.entries()) this.#proven.set(tilePath(tile), { tile, bytes: bytes[i] as Uint8Array });
  }

  /** The proven bytes of a tile that was read. */
  bytesOf(tile: Tile): Uint8Array {
    const proven = this.#proven.get(tilePath(tile));
    if (proven === undefined) throw new AppError('INTERNAL', `read ${tilePath(tile)}: it was not authenticated`);
    return proven.bytes;
  }

  /** Makes what came from afar durable, then lets everybody use what was read. */
  async keep(o: Ask): Promise<void> {
    const { tiles } = this.#parts;
    await Promise.all(this.#toBeStored().map(([tile, bytes]) => tiles.keep(tile, bytes, o)));
    this.#remember();
  }

  /** When the store does not take what came from afar: keeps it in memory until it does, then lets everybody use what was read. False, and nothing is changed, when there is no room for that. */
  hold(): boolean {
    if (!this.#parts.tiles.hold(this.#toBeStored())) return false;
    this.#remember();
    return true;
  }

  /** The tiles that were read and proven. */
  provenTiles(): readonly Tile[] {
    return Array.from(this.#proven.values(), ({ tile }) => tile);
  }

  #toBeStored(): readonly (readonly [Tile, Uint8Array])[] {
    const unstored = [...this.#proven].filter(([path]) => this.#unstored.has(path));
    return unstored.map(([, { tile, bytes }]) => [tile, bytes]);
  }

  #remember(): void {
    for (const { tile, bytes } of this.#proven.values()) this.#parts.tiles.remember(tile, bytes);
  }

  async #find(tile: Tile): Promise<Uint8Array> {
    const { tiles, fetch, isFresh, ask } = this.#parts;
    // Before it may be forgotten, while this goes on.
    if (tiles.isHeld(tile)) this.#unstored.add(tilePath(tile));
    const own = isFresh ? undefined : (tiles.remembered(tile) ?? (await tiles.stored(tile, ask)));
    if (own !== undefined) {
      this.#usedOwn = true;
      return own;
    }
    if (fetch === undefined) throw new AppError('NOT_FOUND', `read ${tilePath(tile)}: it is not stored`);
    this.#unstored.add(tilePath(tile));
    return await fetch(tile, ask);
  }
}
