import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { AppError, messageOf, systemCodeOf } from '../std/errors.ts';

/** No secret and no netrc that people write comes near; bytes. */
const MAX_BYTES = 1 << 20;

/** A small file whose content is read again when it changes. */
export class WatchedFile<T> {
  readonly path: string;
  readonly #parse: (bytes: Buffer) => T;
  #seen: { readonly state: string; readonly value: T } | undefined;

  /** `parse` may throw CONFIG_INVALID; it must not repeat what it reads. */
  constructor(path: string, parse: (bytes: Buffer) => T) {
    this.path = path;
    this.#parse = parse;
  }

  /** Its content now. Looks at the file each time, which takes tens of microseconds. Rejects with CONFIG_INVALID that names the file. */
  async read(): Promise<T> {
    try {
      const state = stateOf(await stat(this.path, { bigint: true }));
      if (this.#seen?.state === state) return this.#seen.value;
      return await this.#readNow();
    } catch (error) {
      throw error instanceof AppError ? error : unreadable(this.path, messageOf(error), error);
    }
  }

  /** The same; undefined while there is no such file. */
  async readIfThere(): Promise<T | undefined> {
    try {
      return await this.read();
    } catch (error) {
      if (error instanceof AppError && systemCodeOf(error.cause) === 'ENOENT') return undefined;
      throw error;
    }
  }

  async #readNow(): Promise<T> {
    // A pipe must not make us wait for its other end.
    const file = await open(this.path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const facts = await file.stat({ bigint: true });
      if (!facts.isFile()) throw unreadable(this.path, 'not a plain file');
      const value = this.#parse(await readWhole(file, this.path));
      this.#seen = { state: stateOf(facts), value };
      return value;
    } finally {
      await file.close();
    }
  }
}

interface FileFacts {
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

function stateOf({ ino, size, mtimeNs }: FileFacts): string {
  return `${ino} ${size} ${mtimeNs}`;
}

async function readWhole(file: FileHandle, path: string): Promise<Buffer> {
  const room = Buffer.alloc(MAX_BYTES + 1);
  let length = 0;
  for (;;) {
    const { bytesRead } = await file.read(room, length, room.length - length);
    length += bytesRead;
    if (length > MAX_BYTES) throw unreadable(path, `larger than ${MAX_BYTES} bytes`);
    if (bytesRead === 0) return room.subarray(0, length);
  }
}

function unreadable(path: string, why: string, cause?: unknown): AppError {
  return new AppError('CONFIG_INVALID', `read ${path}: ${why}`, cause === undefined ? {} : { cause });
}
