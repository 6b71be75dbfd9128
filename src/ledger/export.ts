/** The log as files that any static server can give out at https://NAME. */
import { escapePath, escapeVersion } from '../gomod/module.ts';
import type { SignerKey } from '../gomod/sumdb/key.ts';
import { formatRecord } from '../gomod/sumdb/text.ts';
import { newTiles, type Tile, tilePath } from '../gomod/sumdb/tile.ts';
import { type Ask, throwIfAborted } from '../std/ask.ts';
import { signHead } from './head-copy.ts';
import type { Log } from './log.ts';
import { moduleOf, TILE_RECORDS } from './records.ts';
import { TILE_HEIGHT } from './tail.ts';

/** One file of the tree: a relative path with `/`, and what is in it. */
export interface ExportedFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** It can never be another: a tile. The others carry the head, and change with it. */
  readonly isLasting: boolean;
}

/**
 * Every file, tiles first and `latest` last, so that a tree that is being renewed never promises what is not there yet. Each tile that is not full is there at
 * every width: a client that remembers an older head asks for the tiles of that one. Every lookup has this head.
 */
export async function* exportedFiles({ view, head }: Log, signer: SignerKey, o: Ask): AsyncGenerator<ExportedFile> {
  const note = signHead(head, signer);
  for (const tile of tilesOf(head.size))
    yield { path: tilePath(tile), bytes: await view.tile(tile, head.size, o), isLasting: true };
  for (let number = 0; number < head.size; number++) {
    throwIfAborted(o.signal);
    const text = await view.record(number, o);
    const module = moduleOf(text);
    if (module === undefined) continue;
    const path = `lookup/${escapePath(module.path)}@${escapeVersion(module.version)}`;
    yield { path, bytes: Buffer.concat([formatRecord(number, text), note]), isLasting: false };
  }
  yield { path: 'latest', bytes: note, isLasting: false };
}

/** The tiles of a log of `size` records, hashes and records. */
function* tilesOf(size: number): Generator<Tile> {
  const hashes = newTiles(TILE_HEIGHT, 0, size);
  const records = hashes.filter(({ level }) => level === 0).map((tile): Tile => ({ ...tile, level: 'data' }));
  for (const tile of [...hashes, ...records]) {
    const narrowest = tile.width === TILE_RECORDS ? tile.width : 1;
    for (let width = narrowest; width <= tile.width; width++) yield { ...tile, width };
  }
}
