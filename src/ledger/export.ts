/** The log as files that any static server can give out at https://NAME. */
import { escapePath, escapeVersion } from '../gomod/module.ts';
import type { SignerKey } from '../gomod/sumdb/note.ts';
import { formatRecord } from '../gomod/sumdb/text.ts';
import { newTiles, tilePath } from '../gomod/sumdb/tile.ts';
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
 * Every file, tiles first and `latest` last, so that a tree that is being renewed never promises what is not there yet. Full tiles, and the partial ones
 * that the head needs; every lookup with this head.
 */
export async function* exportedFiles({ view, head }: Log, signer: SignerKey, o: Ask): AsyncGenerator<ExportedFile> {
  const note = signHead(head, signer);
  for (const tile of newTiles(TILE_HEIGHT, 0, head.size))
    yield { path: tilePath(tile), bytes: await view.tile(tile, head.size, o), isLasting: true };
  for (let index = 0; index * TILE_RECORDS < head.size; index++) {
    const width = Math.min(TILE_RECORDS, head.size - index * TILE_RECORDS);
    const tile = { height: TILE_HEIGHT, level: 'data' as const, index, width };
    yield { path: tilePath(tile), bytes: await view.tile(tile, head.size, o), isLasting: true };
  }
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
