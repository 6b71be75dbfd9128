/** Which bundle of a store counts: switching, rolling back, listing. */
import { lstat, readdir, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { VerifierKey } from '../../gomod/sumdb/key.ts';
import { diskFailure, isAbsence } from '../../io/disk-failure.ts';
import { syncFolder } from '../../io/durable-file.ts';
import { stateOfProcess } from '../../io/process-mark.ts';
import { bundleFilePieces } from '../../sources/bundle/bundle-file.ts';
import { CURRENT, linkedId, openStored, PREVIOUS } from '../../sources/bundle/bundle-store.ts';
import { type BundleFile, isBundleId } from '../../sources/bundle/manifest.ts';
import type { OpenedBundle } from '../../sources/bundle/opened-bundle.ts';
import type { Ask } from '../../std/ask.ts';
import { systemClock } from '../../std/clock.ts';
import { AppError, messageOf } from '../../std/errors.ts';
import { each } from '../each.ts';
import { inTurn, type Leftover, type Turn } from '../turn.ts';

const AT_A_TIME = 4;
/** How long a bundle may take on its way in. */
const LONGEST_COPY_MS = 24 * 3_600_000;
/** How long files are read before a rollback, which is for when something is wrong now. */
const READ_MS = 1000;

/** Which bundle counts now, and which one did before. */
export interface Switched {
  readonly current: string;
  readonly previous?: string;
}

/** After a rollback. */
export interface RolledBack extends Switched {
  /** Files that there was no time to read: only their lengths are known to be right. */
  readonly unread: number;
}

/** Removes what those left who were killed. A copy by who cannot be seen from here may still be growing: it has a day. Others may do the same at a time. */
export async function sweep(leftovers: readonly Leftover[]): Promise<void> {
  for (const { mark, path } of leftovers) {
    const isGone = (await stateOfProcess(mark)) === 'gone';
    const startedAt = (await lstat(path).catch(() => undefined))?.mtimeMs ?? Date.now();
    if (isGone || Date.now() - startedAt > LONGEST_COPY_MS) await rm(path, { recursive: true, force: true });
  }
}

/**
 * Lets `current` lead to the verified bundle `id`, and `previous` to what counted until now. First `previous`: killed in between, what counted still counts. Rejects with the system's errors.
 */
export async function switchTo(store: string, id: string, turn: Turn): Promise<Switched> {
  const before = await linkedId(store, CURRENT).catch(() => undefined);
  if (before === id) return { current: id, ...previousOf(await linkedId(store, PREVIOUS).catch(() => undefined)) };
  if (before !== undefined) await link(store, PREVIOUS, before, turn);
  await link(store, CURRENT, id, turn);
  return { current: id, ...previousOf(before) };
}

function previousOf(id: string | undefined): { readonly previous?: string } {
  return id === undefined ? {} : { previous: id };
}

/** Lets the link lead to `id`: readers see the old one or the new one, and after it resolved a crash leaves the new one. */
async function link(store: string, name: string, id: string, turn: Turn): Promise<void> {
  const temp = turn.passing(name);
  await symlink(id, temp);
  try {
    await rename(temp, join(store, name));
  } catch (error) {
    await rm(temp, { force: true });
    throw error;
  }
  await syncFolder(store);
}

/**
 * Lets `current` lead to the bundle that counted before, and `previous` to the one that counts now. The bundle was verified when it was installed; its signature is looked at again, the length of every file, and
 * the bytes of as many as can be read in `readMs` (default: a second), small ones first. Rejects with NOT_FOUND when there is none, or with UPSTREAM_BAD_RESPONSE at the first damage.
 */
export async function rollbackBundle(
  store: string,
  { readMs = READ_MS, ...o }: Ask & { readonly keys: readonly VerifierKey[]; readonly readMs?: number },
): Promise<RolledBack> {
  await previousId(store);
  try {
    return await inTurn(store, o, async (turn) => {
      await sweep(turn.leftovers);
      const id = await previousId(store);
      const unread = await requireSound(await openStored(store, id, o), { ...o, readMs });
      return { ...(await switchBack(store, id, turn)), unread };
    });
  } catch (error) {
    throw diskFailure(error, 'roll back the bundle store', store);
  }
}

/** First `current`: killed in between, it is done, and `previous` is not lost before that. */
async function switchBack(store: string, id: string, turn: Turn): Promise<Switched> {
  const before = await linkedId(store, CURRENT).catch(() => undefined);
  await link(store, CURRENT, id, turn);
  if (before !== undefined) await link(store, PREVIOUS, before, turn);
  return { current: id, ...previousOf(before) };
}

async function previousId(store: string): Promise<string> {
  const id = await linkedId(store, PREVIOUS);
  const current = await linkedId(store, CURRENT).catch(() => undefined);
  if (id !== undefined && id !== current) return id;
  const detail = { reason: 'bundle-no-previous', store };
  throw new AppError('NOT_FOUND', `roll back the bundle store ${store}: no bundle counted before`, { detail });
}

/** How many files there was no time to read. */
async function requireSound(
  { folder, manifest }: OpenedBundle,
  { readMs, signal }: Ask & { readonly readMs: number },
): Promise<number> {
  const end = systemClock.monotonic() + readMs;
  let unread = 0;
  const bySize = manifest.files.toSorted((a, b) => a.size - b.size);
  await each(bySize, AT_A_TIME, async (file) => {
    const place = join(folder, file.path);
    if (await isReadBy(end, place, file, { signal })) return;
    await requireLength(place, file);
    unread++;
  });
  return unread;
}

async function isReadBy(end: number, place: string, file: BundleFile, o: Ask): Promise<boolean> {
  const isLate = (): boolean => systemClock.monotonic() >= end;
  if (isLate()) return false;
  for await (const _ of bundleFilePieces(place, file, o)) if (isLate()) return false;
  return true;
}

async function requireLength(place: string, { path, size }: BundleFile): Promise<void> {
  const facts = await lstat(place).catch(() => undefined);
  if (facts?.isFile() === true && facts.size === size) return;
  throw new AppError('UPSTREAM_BAD_RESPONSE', `read ${path} of the bundle: it is missing or damaged`);
}

/** One bundle of a store. */
export interface StoredBundle {
  readonly id: string;
  readonly role?: 'current' | 'previous';
  readonly created?: string;
  readonly purpose?: string;
  readonly modules?: number;
  readonly bytes?: number;
  /** Why it cannot be used, when its manifest cannot be believed. */
  readonly fault?: string;
}

/** The bundles of `store`, by id. Manifests and signatures are looked at, files are not. Rejects with NOT_FOUND when there is no such folder. */
export async function listBundles(
  store: string,
  o: Ask & { readonly keys: readonly VerifierKey[] },
): Promise<readonly StoredBundle[]> {
  const names = await readdir(store).catch((error: unknown) => {
    const detail = { reason: 'bundle-store-absent', store };
    if (isAbsence(error))
      throw new AppError('NOT_FOUND', `list bundles: there is no store ${store}`, { cause: error, detail });
    throw diskFailure(error, 'list bundles', store);
  });
  const [current, previous] = await Promise.all(
    [CURRENT, PREVIOUS].map((name) => linkedId(store, name as typeof CURRENT).catch(() => undefined)),
  );
  const found: StoredBundle[] = [];
  for (const id of names.filter(isBundleId).sort()) {
    const role = id === current ? 'current' : id === previous ? 'previous' : undefined;
    found.push({ id, ...(role === undefined ? {} : { role }), ...(await factsOf(store, id, o)) });
  }
  return found;
}

async function factsOf(
  store: string,
  id: string,
  o: Ask & { readonly keys: readonly VerifierKey[] },
): Promise<Omit<StoredBundle, 'id'>> {
  try {
    const { manifest } = await openStored(store, id, o);
    const { created, purpose, modules, files } = manifest;
    return { created, purpose, modules: modules.length, bytes: files.reduce((sum, { size }) => sum + size, 0) };
  } catch (error) {
    return { fault: messageOf(error) };
  }
}
