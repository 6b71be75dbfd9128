import { constants, fstatSync, lstat, open, type Stats } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { diskFailure, isAbsence } from '../../io/disk-failure.ts';
import { DurableFolder, syncFolder } from '../../io/durable-file.ts';
import type { TempDirectory } from '../../io/temp-directory.ts';
import { type Ask, throwIfAborted } from '../../std/ask.ts';
import { AppError, systemCodeOf } from '../../std/errors.ts';
import type { Spooled } from '../../std/spooled.ts';
import type { BlobInfo, BlobStore, ByteRange, StoredBlob } from '../store.ts';
import { DiskReader } from './disk-reader.ts';
import { walkFiles } from './walk-files.ts';

const openFile = promisify(open);
const statPath = promisify(lstat);
/** Not through a planted link, and not waiting on a planted pipe. */
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export interface DiskStoreOptions {
  /** Absolute path of the data folder; it exists. */
  readonly root: string;
  /** On the same file system. */
  readonly temp: TempDirectory;
}

/** Blobs as files: the key is the path below `root`. Files are 0444 and made by link, so their name is there only when they are whole and durable. */
export class DiskStore implements BlobStore {
  readonly #root: string;
  readonly #folder: DurableFolder;

  constructor({ root, temp }: DiskStoreOptions) {
    this.#root = resolve(root);
    this.#folder = new DurableFolder({ root: this.#root, temp });
  }

  async head(key: string, _o: Ask): Promise<BlobInfo | undefined> {
    const path = join(this.#root, key);
    try {
      return infoOf(key, await statPath(path));
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw diskFailure(error, `look up ${key}`, path);
    }
  }

  async open(key: string, { range }: Ask & { readonly range?: ByteRange }): Promise<StoredBlob | undefined> {
    const path = join(this.#root, key);
    let fd: number;
    try {
      fd = await openFile(path, READ);
    } catch (error) {
      if (isAbsence(error)) return undefined;
      if (systemCodeOf(error) === 'ELOOP') throw notAFile(key);
      throw diskFailure(error, `open ${key}`, path);
    }
    return await this.#opened(fd, key, path, range);
  }

  async #opened(fd: number, key: string, path: string, range: ByteRange | undefined): Promise<StoredBlob | undefined> {
    let reader = new DiskReader(fd, key, 0, 0);
    try {
      // What an open file is lies in the kernel’s memory: no need for a trip through a thread.
      const info = infoOf(key, fstatSync(fd));
      if (info === undefined) {
        await reader.close();
        return undefined;
      }
      const end = Math.min(range?.end ?? info.sizeBytes, info.sizeBytes);
      reader = new DiskReader(fd, key, Math.min(range?.start ?? 0, end), end);
      return { info, reader };
    } catch (error) {
      await reader.close();
      throw diskFailure(error, `open ${key}`, path);
    }
  }

  async putIfAbsent(key: string, body: Spooled, o: Ask): Promise<'created' | 'exists'> {
    return await this.#folder.writeOnce(key, body, o);
  }

  async publish(key: string, bytes: Uint8Array, o: Ask): Promise<void> {
    await this.#folder.replace(key, bytes, o);
  }

  async delete(key: string, _o: Ask): Promise<void> {
    const path = join(this.#root, key);
    try {
      await unlink(path);
      await syncFolder(dirname(path));
    } catch (error) {
      if (!isAbsence(error)) throw diskFailure(error, `delete ${key}`, path);
    }
  }

  async *list(prefix: string, { signal, after }: Ask & { readonly after?: string }): AsyncIterable<BlobInfo> {
    for await (const found of walkFiles(this.#root, { prefix, ...(after === undefined ? {} : { after }) })) {
      throwIfAborted(signal);
      if (!found.isBlob) continue;
      const info = await this.#headOfListed(found.name);
      if (info !== undefined) yield info;
    }
  }

  /** A file may go between readdir and stat; a link in a listing is not a blob. */
  async #headOfListed(key: string): Promise<BlobInfo | undefined> {
    try {
      return await this.head(key, { signal: NEVER });
    } catch (error) {
      if (error instanceof AppError && error.code === 'STORE_CORRUPT') return undefined;
      throw error;
    }
  }

  /** Paths below the data folder that are neither blobs nor known to an adapter (names beginning with a dot, FORMAT): someone else put them there. */
  async *strangers({ signal }: Ask): AsyncIterable<string> {
    for await (const found of walkFiles(this.#root, { prefix: '' })) {
      throwIfAborted(signal);
      if (!found.isBlob && found.name !== 'FORMAT') yield found.name;
    }
  }
}

const NEVER = new AbortController().signal;

/** Undefined for a folder: no blob has that name. */
function infoOf(key: string, stats: Stats): BlobInfo | undefined {
  if (stats.isDirectory()) return undefined;
  if (!stats.isFile()) throw notAFile(key);
  return { key, sizeBytes: stats.size, storedAt: stats.mtimeMs };
}

function notAFile(key: string): AppError {
  return new AppError('STORE_CORRUPT', `open ${key}: not a plain file; remove it`);
}
