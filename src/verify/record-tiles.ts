import { formatDataTile, parseDataTile } from '../gomod/sumdb/data-tile.ts';
import { recordHash } from '../gomod/sumdb/hash.ts';
import { type Tile, tilePath } from '../gomod/sumdb/tile.ts';
import type { Ask } from '../std/ask.ts';
import { encodeUtf8 } from '../std/bytes.ts';
import { AppError, isAppError } from '../std/errors.ts';
import type { BlobStore } from '../storage/store.ts';
import type { DatabasePlace } from './database-place.ts';
import { keepProof, readProof } from './proof-blobs.ts';
import type { ProofMemory } from './proof-memory.ts';
import type { FetchTile } from './tile-reading.ts';

/** Largest body of a data tile, bytes. Real ones have 60 KB; and many may be under way at a time. */
export const MAX_DATA_TILE_BYTES = 1024 * 1024;
const FULL_WIDTH = 256;

export interface RecordTilesParts {
  readonly store: BlobStore;
  readonly place: DatabasePlace;
  readonly memory: ProofMemory;
}

/** The records of a log in tiles of 256. Clients do not need them; whoever audits the log does. Full ones are kept for ever once they were asked for. */
export class RecordTiles {
  readonly #parts: RecordTilesParts;

  constructor(parts: RecordTilesParts) {
    this.#parts = parts;
  }

  /**
   * The data tile `tile`. `hashes` are the proven hashes of the records of `whole`, the same tile in the width that it has in our tree: every record is held
   * against its own. Rejects with SUMDB_INCONSISTENT when one differs, NOT_FOUND when it is not here and there is no `fetch`.
   */
  async read(tile: Tile, whole: Tile, hashes: Uint8Array, fetch: FetchTile | undefined, o: Ask): Promise<Uint8Array> {
    const { memory, place } = this.#parts;
    const remembered = memory.get(place.tile(tile));
    if (remembered !== undefined) return remembered;
    const texts = await this.#texts(whole, hashes, fetch, o);
    // Whoever asks for one width may ask for every other: all of them come from the widest.
    if (!memory.has(place.tile(whole))) memory.set(place.tile(whole), formatDataTile(texts));
    return memory.keep(place.tile(tile), formatDataTile(texts.slice(0, tile.width)));
  }

  async #texts(whole: Tile, hashes: Uint8Array, fetch: FetchTile | undefined, o: Ask): Promise<readonly string[]> {
    const { store, place, memory } = this.#parts;
    const here = memory.get(place.tile(whole)) ?? (await readProof(store, place.tile(whole), MAX_DATA_TILE_BYTES, o));
    const own = here && provenTexts(here, hashes);
    if (own !== undefined) return own;
    if (fetch === undefined) throw new AppError('NOT_FOUND', `read ${tilePath(whole)}: it is not stored`);
    const texts = provenTexts(await fetch(whole, o), hashes);
    if (texts === undefined)
      throw new AppError('SUMDB_INCONSISTENT', `read ${tilePath(whole)}: a record is not the one in the log`);
    if (whole.width === FULL_WIDTH) await this.#keep(whole, formatDataTile(texts), o);
    return texts;
  }

  async #keep(tile: Tile, bytes: Uint8Array, o: Ask): Promise<void> {
    try {
      await keepProof(this.#parts.store, this.#parts.place.tile(tile), bytes, o);
    } catch (error) {
      if (!isAppError(error, 'STORE_UNAVAILABLE')) throw error;
    }
  }
}

/** The texts in `bytes`, as many as there are `hashes` and each with its hash; else undefined. More of them than that are left out. */
function provenTexts(bytes: Uint8Array, hashes: Uint8Array): readonly string[] | undefined {
  const texts = parseDataTile(bytes)?.slice(0, hashes.length / 32);
  const found = Buffer.concat(texts?.map((text) => recordHash(encodeUtf8(text))) ?? []);
  return found.equals(hashes) ? texts : undefined;
}
