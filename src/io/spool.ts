import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import type { Spool } from '../sources/source.ts';
import { type Ask, throwIfAborted, waitFor } from '../std/ask.ts';
import { AppError } from '../std/errors.ts';
import type { Spooled, SpooledMemory } from '../std/spooled.ts';
import { diskFailure } from './disk-failure.ts';
import type { TempDirectory } from './temp-directory.ts';

/** Largest body kept in memory when nothing else is said. */
const DEFAULT_MEMORY_BYTES = 256 * 1024;
/** Bytes gathered before one write; one write may be under way while the next batch gathers. */
const BATCH_BYTES = 1024 * 1024;
const NEW_FILE = constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW | constants.O_WRONLY;

/** Makes spools whose large bodies lie in one temporary folder. */
export interface SpoolDirectory {
  /** A spool that takes bodies of at most `capBytes`; may be used again and by several at once. `what` is named in errors (`zip of rsc.io/quote@v1.5.2`). */
  spool(capBytes: number, what?: string): Spool;
}

export interface SpoolDirectoryOptions {
  readonly temp: TempDirectory;
  /** Bodies up to this size stay in memory (default 256 KiB). */
  readonly memoryBytes?: number;
}

/** Spools over `temp`. Memory per body: at most `memoryBytes` or two batches of 1 MiB, whichever is more. */
export function createSpoolDirectory({
  temp,
  memoryBytes = DEFAULT_MEMORY_BYTES,
}: SpoolDirectoryOptions): SpoolDirectory {
  return {
    spool: (capBytes, what = 'body') => ({
      fill: (body, o) => fillFrom(body, new Filling(temp, memoryBytes, capBytes, what), o),
    }),
  };
}

/** `bytes` as a finished body. They must not be changed afterwards. */
export function spooledBytes(bytes: Uint8Array): SpooledMemory {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { kind: 'memory', bytes, sizeBytes: bytes.length, sha256, discard: async () => undefined };
}

/** Chunks must not be changed by the producer once given. */
async function fillFrom(body: AsyncIterable<Uint8Array>, filling: Filling, o: Ask): Promise<Spooled> {
  const chunks = body[Symbol.asyncIterator]();
  let isAtEnd = false;
  try {
    for (;;) {
      throwIfAborted(o.signal);
      const next = await waitFor(chunks.next(), o.signal);
      if (next.done === true) break;
      await filling.add(next.value);
    }
    isAtEnd = true;
    return await filling.finish();
  } catch (error) {
    await filling.abandon();
    throw error;
  } finally {
    // Not awaited: a body that hangs in next() would hang here too.
    if (!isAtEnd) void Promise.resolve(chunks.return?.()).catch(() => undefined);
  }
}

/** One body on its way in. */
class Filling {
  readonly #temp: TempDirectory;
  readonly #memoryBytes: number;
  readonly #capBytes: number;
  readonly #what: string;
  readonly #hash = createHash('sha256');
  #sizeBytes = 0;
  #batch: Uint8Array[] = [];
  #batchBytes = 0;
  #path: string | undefined;
  #file: FileHandle | undefined;
  /** The write under way. Its failure is kept for the next await, never lost and never unhandled. */
  #writing: Promise<AppError | undefined> = Promise.resolve(undefined);

  constructor(temp: TempDirectory, memoryBytes: number, capBytes: number, what: string) {
    this.#temp = temp;
    this.#memoryBytes = memoryBytes;
    this.#capBytes = capBytes;
    this.#what = what;
  }

  async add(chunk: Uint8Array): Promise<void> {
    if (chunk.length === 0) return;
    this.#sizeBytes += chunk.length;
    if (this.#sizeBytes > this.#capBytes) {
      throw new AppError('TOO_LARGE', `receive ${this.#what}: more than ${this.#capBytes} bytes`, {
        detail: { capBytes: this.#capBytes },
      });
    }
    this.#hash.update(chunk);
    this.#batch.push(chunk);
    this.#batchBytes += chunk.length;
    const isPastMemory = this.#file !== undefined || this.#sizeBytes > this.#memoryBytes;
    if (isPastMemory && this.#batchBytes >= BATCH_BYTES) await this.#flush();
  }

  async finish(): Promise<Spooled> {
    if (this.#file === undefined && this.#sizeBytes <= this.#memoryBytes) {
      const bytes = Buffer.concat(this.#batch, this.#sizeBytes);
      return { kind: 'memory', bytes, ...this.#facts() };
    }
    await this.#flush();
    await this.#settle();
    await this.#close();
    const path = this.#path ?? '';
    return { kind: 'file', path, ...this.#facts() };
  }

  /** Waits for the write before, then starts one with the whole batch. */
  async #flush(): Promise<void> {
    await this.#settle();
    const file = (this.#file ??= await this.#create());
    const batch = this.#batch;
    const size = this.#batchBytes;
    this.#batch = [];
    this.#batchBytes = 0;
    this.#writing = this.#write(file, batch, size);
  }

  async #settle(): Promise<void> {
    const failure = await this.#writing;
    if (failure !== undefined) throw failure;
  }

  async #create(): Promise<FileHandle> {
    this.#path = this.#temp.newPath();
    try {
      return await open(this.#path, NEW_FILE, 0o600);
    } catch (error) {
      throw this.#failure(error);
    }
  }

  async #write(file: FileHandle, batch: Uint8Array[], size: number): Promise<AppError | undefined> {
    try {
      const { bytesWritten } = await file.writev(batch);
      if (bytesWritten < size) await file.writeFile(Buffer.concat(batch, size).subarray(bytesWritten));
      return undefined;
    } catch (error) {
      return this.#failure(error);
    }
  }

  #failure(error: unknown): AppError {
    return diskFailure(error, `keep ${this.#what} in ${this.#temp.path}`);
  }

  #facts(): { sizeBytes: number; sha256: string; discard(): Promise<void> } {
    const path = this.#path;
    return {
      sizeBytes: this.#sizeBytes,
      sha256: this.#hash.digest('hex'),
      discard: async () => {
        if (path !== undefined) await unlink(path).catch(() => undefined);
      },
    };
  }

  /** A failed close means bytes that may not be there. */
  async #close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    try {
      await file?.close();
    } catch (error) {
      throw this.#failure(error);
    }
  }

  async abandon(): Promise<void> {
    await this.#writing;
    await this.#file?.close().catch(() => undefined);
    if (this.#path !== undefined) await unlink(this.#path).catch(() => undefined);
    this.#batch = [];
  }
}
