import { HASH_BYTES } from '../gomod/sumdb/hash.ts';
import { type Tile, tilePath } from '../gomod/sumdb/tile.ts';
import type { Ask } from '../std/ask.ts';
import { AppError, isAppError } from '../std/errors.ts';
import { MAX_DATA_TILE_BYTES } from './record-tiles.ts';
import type { Way } from './sumdb-remote.ts';
import type { FetchTile } from './tile-reading.ts';
import { beginning, MAX_TILE_BYTES } from './tile-store.ts';

/**
 * Reads tiles by `way`: of hashes in exactly their width; of records at least in theirs. Where a partial tile is gone the full one has its beginning. A tile that
 * is not there rejects with UPSTREAM_BAD_RESPONSE: the log signed a tree that has it, so this is no answer to the question whether a record exists.
 */
export function tilesFrom(way: Way): FetchTile {
  return async (tile, o) => {
    const read = (wanted: Tile): Promise<Uint8Array> => readTile(way, wanted, o);
    try {
      return await read(tile).catch(async (error: unknown) => {
        if (tile.width === 2 ** tile.height || !isAppError(error, 'NOT_FOUND', 'GONE')) throw error;
        const full = await read({ ...tile, width: 2 ** tile.height });
        return tile.level === 'data' ? full : beginning(full, tile.width);
      });
    } catch (error) {
      if (!isAppError(error, 'NOT_FOUND', 'GONE')) throw error;
      const why = 'it is not there, though the log signed a tree that has it';
      throw new AppError('UPSTREAM_BAD_RESPONSE', `read ${tilePath(tile)} from ${way.host}: ${why}`, { cause: error });
    }
  };
}

async function readTile(way: Way, tile: Tile, o: Ask): Promise<Uint8Array> {
  const maxBytes = tile.level === 'data' ? MAX_DATA_TILE_BYTES : MAX_TILE_BYTES;
  const bytes = await way.read('tile', `/${tilePath(tile)}`, { ...o, maxBytes });
  if (tile.level === 'data' || bytes.length === tile.width * HASH_BYTES) return bytes;
  const why = `${bytes.length} bytes, not ${tile.width * HASH_BYTES}`;
  throw new AppError('UPSTREAM_BAD_RESPONSE', `read ${tilePath(tile)} from ${way.host}: ${why}`);
}
