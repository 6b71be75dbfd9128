/**
 * Files that are written once, whole and durable, or not at all:
 * temporary file on the same file system -> write -> fsync -> link to the final name -> fsync of the folder.
 * `link` and not `rename`, because link fails when the name is taken: the loser of a race learns it and nothing is overwritten.
 * A failed fsync is never tried again: the kernel has already marked the pages clean, a second try would lie.
 */
import { constants } from 'node:fs';
import { link, open, realpath, rename, unlink } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { type Ask, throwIfAborted } from '../std/ask.ts';
import { AppError, systemCodeOf } from '../std/errors.ts';
import { recentEntries } from '../std/recent.ts';
import type { Spooled } from '../std/spooled.ts';
import { diskFailure } from './disk-failure.ts';
import { makeFolder } from './make-folder.ts';
import type { TempDirectory } from './temp-directory.ts';

const READ_ONLY = 0o444;
const NEW_FILE = constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW | constants.O_WRONLY;
/** Folders whose names are known to be on disk; forgetting one costs a few fsyncs. */
const REMEMBERED_FOLDERS = 20_000;

export interface DurableFolderOptions {
  /** Absolute path of an existing folder. Everything is written inside it. */
  readonly root: string;
  /** On the same file system as `root`. */
  readonly temp: TempDirectory;
}

/** Writes files below `root`. Names are relative paths with `/`, already checked by the caller; what leaves `root` through a symlink is refused. */
export class DurableFolder {
  readonly #root: string;
  readonly #temp: TempDirectory;
  readonly #durable = recentEntries<string, true>(REMEMBERED_FOLDERS);
  #realRoot: string | undefined;

  constructor({ root, temp }: DurableFolderOptions) {
    this.#root = resolve(root);
    this.#temp = temp;
  }

  /**
   * Gives `body` the name, durably, unless the name is taken ('exists': nothing is touched). `body` stays the caller's.
   * Rejects with STORE_UNAVAILABLE or ABORTED; then the name may exist only if the failure was in the last fsync, and the file is whole.
   */
  async writeOnce(name: string, body: Spooled, o: Ask): Promise<'created' | 'exists'> {
    throwIfAborted(o.signal);
    const path = join(this.#root, name);
    try {
      return body.kind === 'memory' ? await this.#linkBytes(path, body.bytes) : await this.#linkFile(path, body.path);
    } catch (error) {
      throw diskFailure(error, `write ${name}`, path);
    }
  }

  /** Puts `bytes` under the name at once for every reader, whether it was taken or not. Whole after a crash, but then perhaps the old bytes. */
  async replace(name: string, bytes: Uint8Array, o: Ask): Promise<void> {
    throwIfAborted(o.signal);
    const path = join(this.#root, name);
    const temp = this.#temp.newPath();
    try {
      await writeSynced(temp, bytes);
      await this.#withFolder(path, () => rename(temp, path));
    } catch (error) {
      await remove(temp);
      throw diskFailure(error, `publish ${name}`, path);
    }
  }

  async #linkBytes(path: string, bytes: Uint8Array): Promise<'created' | 'exists'> {
    const temp = this.#temp.newPath();
    try {
      await writeSynced(temp, bytes);
      return await this.#linkDurably(temp, path);
    } finally {
      await remove(temp);
    }
  }

  async #linkFile(path: string, source: string): Promise<'created' | 'exists'> {
    await syncReadOnly(source);
    return await this.#linkDurably(source, path);
  }

  async #linkDurably(from: string, path: string): Promise<'created' | 'exists'> {
    const made = await this.#withFolder(path, () => linkIfAbsent(from, path));
    // Also for 'exists': the winner may have died between its link and its fsync, and the caller will rely on the file.
    await syncFolder(dirname(path));
    return made;
  }

  /** Runs `act` with the file's folder in place and durable. */
  async #withFolder<T>(path: string, act: () => Promise<T>): Promise<T> {
    const folder = dirname(path);
    await this.#ensureFolder(folder);
    try {
      return await act();
    } catch (error) {
      if (systemCodeOf(error) !== 'ENOENT') throw error;
      this.#durable.clear(); // someone removed folders below us
      await this.#ensureFolder(folder);
      return await act();
    }
  }

  /**
   * Makes `folder` and syncs every folder above it up to the root, once per process: also folders that exist already, since
   * whoever made them may not have come to the sync.
   */
  async #ensureFolder(folder: string): Promise<void> {
    if (this.#durable.has(folder)) return;
    await this.#refuseVanishedRoot();
    await makeFolder(folder, { attempted: `write into ${relative(this.#root, folder)}`, mode: 0o755 });
    await this.#refuseEscape(folder);
    for (let at = folder; at !== this.#root && !this.#durable.has(at); at = dirname(at)) await syncFolder(dirname(at));
    for (let at = folder; at !== this.#root; at = dirname(at)) this.#durable.set(at, true);
  }

  /** makeFolder would make the root again on the disk below an unmounted volume. */
  async #refuseVanishedRoot(): Promise<void> {
    const real = await realpath(this.#root);
    this.#realRoot ??= real;
  }

  async #refuseEscape(folder: string): Promise<void> {
    const expected = join(this.#realRoot ?? this.#root, relative(this.#root, folder));
    const real = await realpath(folder);
    if (real === expected) return;
    const name = relative(this.#root, folder);
    throw new AppError('STORE_UNAVAILABLE', `write into ${name}: it is a link; put a real folder in its place`, {
      detail: { path: folder, real },
    });
  }
}

async function linkIfAbsent(from: string, path: string): Promise<'created' | 'exists'> {
  try {
    await link(from, path);
    return 'created';
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') return 'exists';
    throw error;
  }
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, NEW_FILE, READ_ONLY);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncReadOnly(path: string): Promise<void> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    await file.chmod(READ_ONLY);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes the names in `folder` durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Best effort: what stays is in the temporary folder and goes with it. */
async function remove(path: string): Promise<void> {
  await unlink(path).catch(() => undefined);
}
