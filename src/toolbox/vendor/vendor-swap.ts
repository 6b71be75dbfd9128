/** How a tree takes the place of another in a project, and what becomes of that when it was killed. */
import { lstat, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isAbsence } from '../../io/disk-failure.ts';
import { syncFolder } from '../../io/durable-file.ts';
import type { Leftover, Turn } from '../turn.ts';
import { SUM_FILE, type VendoredFile } from './vendor-sum.ts';
import { isFolder, type Progress, stateOf } from './vendor-tree.ts';

/** The folder that the go command reads, and the copy of it that was whole. */
export const VENDOR = 'vendor';
export const OFFLINE = 'vendor.offline';

type Place = typeof VENDOR | typeof OFFLINE;

/** Where the tree that comes, and the one that goes, stand meanwhile. */
interface Passing {
  readonly coming: string;
  readonly going: string;
}

/** Takes back what was done. */
type Undo = () => Promise<void>;

/**
 * Has `fill` make the new tree for `to` aside, and `commit` what must stand before it comes in and goes when it cannot; then it takes the place of `to`: readers see the old tree, for a moment none, or the new one,
 * never a part.
 */
export async function replaceTree<T>(
  { project, to, turn }: { readonly project: string; readonly to: Place; readonly turn: Turn },
  fill: (folder: string) => Promise<T>,
  commit: (filled: T) => Promise<Undo> = async () => async () => {},
): Promise<T> {
  const passing = passingOf(to, (kind) => turn.passing(kind));
  try {
    const filled = await fill(passing.coming);
    const undo = await commit(filled);
    await swap(join(project, to), passing).catch(async (error: unknown) => {
      await undo();
      throw error;
    });
    await syncFolder(project);
    return filled;
  } finally {
    await clear(passing);
  }
}

/** Puts `bytes` in the place of vendor.sum in one step. Returns how the old one comes back. */
export async function replaceSum(project: string, bytes: Uint8Array, turn: Turn): Promise<Undo> {
  const place = join(project, SUM_FILE);
  const old = await readFile(place).catch(() => undefined);
  await putSum(project, bytes, turn);
  return async () => await (old === undefined ? rm(place) : putSum(project, old, turn));
}

async function putSum(project: string, bytes: Uint8Array, turn: Turn): Promise<void> {
  const coming = turn.passing(SUM_FILE);
  try {
    await writeFile(coming, bytes, { mode: 0o644, flush: true });
    await rename(coming, join(project, SUM_FILE));
    await syncFolder(project);
  } finally {
    await rm(coming, { force: true }).catch(() => undefined);
  }
}

/**
 * Ends what others were killed in. A snapshot counts from when vendor.sum says so: then its copy comes in, before that it goes. A vendor/ that had been put aside for a whole one gets that one. `sum` is what
 * vendor.sum lists, undefined where it cannot be read.
 */
export async function finishInterrupted(
  project: string,
  { leftovers }: Turn,
  sum: ReadonlyMap<string, VendoredFile> | undefined,
  o: Progress,
): Promise<void> {
  for (const [mark, left] of Map.groupBy(leftovers, (one) => one.mark)) {
    for (const to of [VENDOR, OFFLINE] as const) await finish(project, to, { mark, left, sum }, o);
    for (const { path } of left) await rm(path, { recursive: true, force: true });
  }
}

async function finish(
  project: string,
  to: Place,
  {
    mark,
    left,
    sum,
  }: {
    readonly mark: string;
    readonly left: readonly Leftover[];
    readonly sum: ReadonlyMap<string, VendoredFile> | undefined;
  },
  o: Progress,
): Promise<void> {
  const passing = passingOf(to, (kind) => join(project, `.larder.${mark}.${kind}`));
  if (!left.some(({ path }) => path === passing.coming || path === passing.going)) return;
  const place = join(project, to);
  const isThere = (await lstat(place).catch(() => undefined)) !== undefined;
  const mayCome = to === OFFLINE || (!isThere && (await isFolder(passing.going)));
  if (mayCome && sum !== undefined && (await stateOf(passing.coming, sum, o)).kind === 'intact')
    await swap(place, passing);
  else if (!isThere) await renameIfThere(passing.going, place);
  await syncFolder(project);
}

function passingOf(to: Place, pathOf: (kind: string) => string): Passing {
  return { coming: pathOf(`${to}.new`), going: pathOf(`${to}.old`) };
}

async function swap(place: string, { coming, going }: Passing): Promise<void> {
  const wasThere = await renameIfThere(place, going);
  try {
    await rename(coming, place);
  } catch (error) {
    if (wasThere) await rename(going, place);
    throw error;
  }
}

async function renameIfThere(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (isAbsence(error)) return false;
    throw error;
  }
}

async function clear({ coming, going }: Passing): Promise<void> {
  for (const one of [coming, going]) await rm(one, { recursive: true, force: true }).catch(() => undefined);
}
