import { sha256Hex } from '../gomod/sha256.ts';
import { type Tile, tilePath } from '../gomod/sumdb/tile.ts';
import type { Ask } from '../std/ask.ts';
import { AppError, isAppError } from '../std/errors.ts';
import { memoryBody } from '../std/spooled.ts';
import { readWhole } from '../std/whole.ts';
import type { BlobStore } from '../storage/store.ts';
import { MAX_RECORD_BYTES, TILE_RECORDS } from './records.ts';

const FOLDER = 'ledger';
const MAX_TILE_BYTES = TILE_RECORDS * MAX_RECORD_BYTES;

/** The full tiles of the log as blobs `ledger/tile/8/...`. Each is written once; what is in it is determined by the log. */
export class StoredTiles {
  readonly #store: BlobStore;

  constructor(store: BlobStore) {
    this.#store = store;
  }

  /**
   * Makes the tile durable. One that is there already is looked at: STORE_CORRUPT when its bytes are others, for then two logs were written into one
   * folder, or the folder was damaged.
   */
  async keep(tile: Tile, bytes: Uint8Array, o: Ask): Promise<void> {
    const put = await this.#store.putIfAbsent(keyOf(tile), memoryBody(bytes, sha256Hex(bytes)), o);
    if (put === 'created') return;
    const found = await this.load(tile, o);
    if (Buffer.compare(found, bytes) !== 0) throw damaged(tile, 'it is there with other bytes than the log leads to');
  }

  /** The stored bytes, not yet known to be right. STORE_CORRUPT when the tile is missing, cut short or too large. */
  async load(tile: Tile, o: Ask): Promise<Uint8Array> {
    const blob = await this.#store.open(keyOf(tile), o);
    if (blob === undefined) throw damaged(tile, 'it is missing');
    try {
      return await readWhole(blob.reader, blob.info.sizeBytes, MAX_TILE_BYTES, o);
    } catch (error) {
      throw isAppError(error, 'STORE_CORRUPT') ? damaged(tile, error.message) : error;
    }
  }
}

/** STORE_CORRUPT for a tile of the ledger. */
export function damaged(tile: Tile, why: string): AppError {
  return new AppError('STORE_CORRUPT', `read ${keyOf(tile)}: ${why}; run: larder ledger verify`);
}

function keyOf(tile: Tile): string {
  return `${FOLDER}/${tilePath(tile)}`;
}
