import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { diskFailure, isAbsence } from '../../io/disk-failure.ts';
import { syncFolder } from '../../io/durable-file.ts';
import { makeFolder } from '../../io/make-folder.ts';
import { MANIFEST_FILE, SIGNATURE_FILE } from '../../sources/bundle/manifest.ts';
import { type OpenedBundle, openBundle } from '../../sources/bundle/opened-bundle.ts';
import type { Ask } from '../../std/ask.ts';
import { AppError, isAppError, messageOf, systemCodeOf } from '../../std/errors.ts';
import { copyFileSynced } from '../copy-file.ts';
import { each } from '../each.ts';
import { inTurn, passingName } from '../turn.ts';
import { sweep, type Switched, switchTo } from './switch.ts';
import { faultsOf, strangersIn, type VerifyNeeds } from './verify.ts';

const AT_A_TIME = 4;
const READ_ONLY = 0o444;
/** What a bundle on its way in is called. */
const COPY = 'copy';

/**
 * Copies the bundle in `from` into the store, verifies the copy in full, and only then lets `current` lead to it, in one step that readers see whole. A stored bundle of that id is verified; where it was damaged
 * since, its files are replaced by those of the copy. Rejects with UPSTREAM_BAD_RESPONSE and the first fault when anything is wrong, with CONFLICT when the store has another bundle of that id; then nothing was
 * switched and nothing is left behind. Killed, it leaves a copy that the next command of the kind removes. Others may be at work in the store: copying takes no turn, switching does.
 */
export async function installBundle(store: string, from: string, needs: VerifyNeeds): Promise<Switched> {
  const bundle = await openBundle(from, needs.keys, needs);
  requireNone(await strangersIn(bundle, needs), bundle);
  const { id } = bundle.manifest;
  const attempted = `install bundle ${id}`;
  try {
    await makeFolder(store, { attempted, mode: 0o755 });
    const isThere = (await isStored(store, bundle)) && (await isSound(join(store, id), needs));
    return await withCopy(store, isThere ? undefined : bundle, needs, async (copy) =>
      inTurn(store, needs, async (turn) => {
        await sweep(turn.leftovers);
        if (copy !== undefined) await place(store, bundle, copy, needs);
        return await switchTo(store, id, turn);
      }),
    );
  } catch (error) {
    throw diskFailure(error, attempted, store);
  }
}

async function isSound(folder: string, needs: VerifyNeeds): Promise<boolean> {
  try {
    await requireSound(folder, needs);
    return true;
  } catch (error) {
    if (isAppError(error, 'UPSTREAM_BAD_RESPONSE')) return false;
    throw error;
  }
}

async function requireSound(folder: string, needs: VerifyNeeds): Promise<void> {
  const bundle = await openBundle(folder, needs.keys, needs);
  requireNone(await faultsOf(bundle, needs), bundle);
}

function requireNone(faults: readonly string[], { manifest }: OpenedBundle): void {
  if (faults.length === 0) return;
  const more = faults.length === 1 ? '' : `, and ${faults.length - 1} more`;
  throw new AppError('UPSTREAM_BAD_RESPONSE', `verify bundle ${manifest.id}: ${faults[0]}${more}`);
}

async function isStored(store: string, { manifest, manifestBytes }: OpenedBundle): Promise<boolean> {
  try {
    const stored = await readFile(join(store, manifest.id, MANIFEST_FILE));
    if (Buffer.compare(stored, manifestBytes) === 0) return true;
  } catch (error) {
    if (!isAbsence(error)) throw error;
    return false;
  }
  const detail = { reason: 'bundle-id-taken', id: manifest.id };
  throw new AppError('CONFLICT', `install bundle ${manifest.id}: the store has another one of that id`, { detail });
}

/** Does `act` with a copy of `bundle`, whole, verified and on disk, under a name that is no id. What `act` leaves of it is removed. */
async function withCopy<T>(
  store: string,
  bundle: OpenedBundle | undefined,
  needs: VerifyNeeds,
  act: (copy: string | undefined) => Promise<T>,
): Promise<T> {
  if (bundle === undefined) return await act(undefined);
  const copy = join(store, await passingName(COPY));
  try {
    await copyBundle(bundle, copy, needs);
    await requireSound(copy, needs);
    return await act(copy);
  } finally {
    await rm(copy, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** Gives the copy its name, or what stands under that name the files of the copy. */
async function place(store: string, bundle: OpenedBundle, copy: string, needs: VerifyNeeds): Promise<void> {
  const folder = join(store, bundle.manifest.id);
  try {
    await rename(copy, folder);
    await syncFolder(store);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes(systemCodeOf(error) ?? '')) throw error;
    await isStored(store, bundle);
    await mend(folder, bundle, copy);
    await requireSound(folder, needs);
  }
}

/** File by file, each in one step: who reads one has the bytes of the manifest, or the damaged ones, which it refuses. */
async function mend(folder: string, { manifest }: OpenedBundle, copy: string): Promise<void> {
  const folders = new Set(manifest.files.map(({ path }) => dirname(path)));
  for (const one of folders) await mkdir(join(folder, one), { recursive: true, mode: 0o755 });
  const paths = [...manifest.files.map(({ path }) => path), SIGNATURE_FILE, MANIFEST_FILE];
  for (const path of paths) await rename(join(copy, path), join(folder, path));
  await syncFolders(folder, folders);
}

async function copyBundle({ folder, manifest, ...texts }: OpenedBundle, to: string, o: Ask): Promise<void> {
  await mkdir(to, { mode: 0o755 });
  const folders = new Set(manifest.files.map(({ path }) => dirname(path)));
  for (const one of folders) await mkdir(join(to, one), { recursive: true, mode: 0o755 });
  await each(manifest.files, AT_A_TIME, async ({ path }) => {
    await copyFileSynced(join(folder, path), join(to, path), { ...o, modeOf: () => READ_ONLY }).catch(
      (error: unknown) => {
        throw copyFailure(error, path);
      },
    );
  });
  await writeFile(join(to, SIGNATURE_FILE), texts.signatureBytes, { mode: READ_ONLY, flush: true });
  await writeFile(join(to, MANIFEST_FILE), texts.manifestBytes, { mode: READ_ONLY, flush: true });
  await syncFolders(to, folders);
}

function copyFailure(error: unknown, path: string): unknown {
  const system = systemCodeOf(error) ?? '';
  if (!['ENOENT', 'ELOOP', 'ENXIO', 'ENOTDIR', 'EISDIR'].includes(system)) return error;
  return new AppError('UPSTREAM_BAD_RESPONSE', `read ${path} of the bundle: ${messageOf(error)}`, { cause: error });
}

/** Each folder of the tree, and those above it down from the bundle's own. */
async function syncFolders(root: string, folders: ReadonlySet<string>): Promise<void> {
  const all = new Set<string>(['.']);
  for (const folder of folders) for (let at = folder; at !== '.' && !all.has(at); at = dirname(at)) all.add(at);
  for (const folder of all) await syncFolder(join(root, folder));
}
