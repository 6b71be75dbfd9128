import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { AppError, systemCodeOf } from '../std/errors.ts';

/** What a folder is made for and how. */
export interface MakeFolderOptions {
  /** What is being done, for the message. */
  readonly attempted: string;
  /** Of the folders that are made (default 0o777, less the umask). */
  readonly mode?: number;
}

/**
 * Makes the folder `path` and those above it that are missing; one that is there stays as it is. Rejects with the system's error, or with
 * STORE_UNAVAILABLE where a folder that is there takes none, as in /proc: there mkdir's own recursion tries for ever.
 */
export async function makeFolder(path: string, { attempted, mode = 0o777 }: MakeFolderOptions): Promise<void> {
  const missing: string[] = [];
  for (let at = resolve(path); !(await isMade(at, mode)); at = dirname(at)) missing.push(at);
  for (const folder of missing.reverse()) {
    if (!(await isMade(folder, mode))) throw await refusal(folder, attempted);
  }
}

/** Whether the folder is there after one try to make it; not when the system says that there is no place for it. */
async function isMade(path: string, mode: number): Promise<boolean> {
  try {
    await mkdir(path, { mode });
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT' && dirname(path) !== path) return false;
    // Of a folder that is there some file systems say EROFS or EACCES, not EEXIST.
    if (await isFolder(path)) return true;
    throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
}

async function refusal(folder: string, attempted: string): Promise<AppError> {
  const why = (await isFolder(dirname(folder)))
    ? 'no folder can be made there: put the data folder on a volume for files'
    : 'the folder above it vanished: was the volume unmounted?';
  return new AppError('STORE_UNAVAILABLE', `${attempted}: ENOENT: ${why}`, {
    detail: { system: 'ENOENT', path: folder },
  });
}
