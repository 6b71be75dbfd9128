/** Keeps the index of the records abreast of the log. */
import { equalHashes, parseHashBase64 } from '../gomod/sumdb/hash.ts';
import type { TreeHead } from '../gomod/sumdb/tree.ts';
import { type Ask, throwIfAborted } from '../std/ask.ts';
import { AppError } from '../std/errors.ts';
import type { Log } from './log.ts';
import type { LogView } from './log-view.ts';
import { moduleOf, TILE_RECORDS } from './records.ts';
import type { IndexEntry, RecordIndex } from './record-index.ts';

/** Records added as one change. */
const AT_ONCE = 16 * TILE_RECORDS;

/** Called with how many records the index has, of how many. */
export type OnCovering = (covered: number, size: number) => void;

/** Makes the index that of `log`: empties it when it belongs to another log or to another past of this one, and adds what is missing. */
export async function fitIndex(
  index: RecordIndex,
  log: Log,
  o: Ask & { readonly onCovering?: OnCovering },
): Promise<void> {
  if (!(await isOf(index, log, o))) index.clear();
  await catchUp(index, log, o);
}

/** Adds the records that the index does not have yet. */
export async function catchUp(
  index: RecordIndex,
  { key, view, head }: Pick<Log, 'key' | 'view' | 'head'>,
  o: Ask & { readonly onCovering?: OnCovering },
): Promise<void> {
  for (let from = index.covered().size; from < view.size; ) {
    throwIfAborted(o.signal);
    const end = Math.min(view.size, from - (from % TILE_RECORDS) + AT_ONCE);
    index.add(await entries(view, from, end, o), { log: key.text, from, head: await headAt(end, view, head, o) });
    from = end;
    o.onCovering?.(from, view.size);
  }
}

async function isOf(index: RecordIndex, { key, view, head }: Log, o: Ask): Promise<boolean> {
  const { log, size, root } = index.covered();
  if (size === 0) return true;
  const hash = parseHashBase64(root);
  if (log !== key.text || size > view.size || hash === undefined || index.count() !== size) return false;
  return equalHashes((await headAt(size, view, head, o)).hash, hash);
}

async function headAt(size: number, view: LogView, head: TreeHead, o: Ask): Promise<TreeHead> {
  return size === head.size ? head : { size, hash: await view.rootHash(size, o) };
}

async function entries(view: LogView, from: number, end: number, o: Ask): Promise<IndexEntry[]> {
  const texts = await view.records(from, end, o);
  return texts.map((text, i) => {
    const module = moduleOf(text);
    if (module === undefined)
      throw new AppError('STORE_CORRUPT', `index the ledger: record ${from + i} names no module`);
    return { module, number: from + i };
  });
}
