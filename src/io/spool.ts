import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import type { Spool } from '../sources/source.ts';
import { type Ask, throwIfAborted, waitFor } from '../std/ask.ts';
import { AppError } from '../std/errors.ts';
import { memoryBody, type Spooled, type SpooledMemory } from '../std/spooled.ts';
import { diskFailure, isWithoutRoom } from './disk-failure.ts';
import type { TempDirectory } from './temp-directory.ts';

/** Largest body kept in memory when nothing else is said. */
const DEFAULT_MEMORY_BYTES = 256 * 1024;
/** Bytes gathered before one write; one write may be under way while the next batch gathers. */
const BATCH_BYTES = 1024 * 1024;
/** Largest body that is kept in memory when the volume has no room for it, and all such bodies together. */
const RESCUED_BODY_BYTES = 64 * 1024 * 1024;
const RESCUED_BYTES = 256 * 1024 * 1024;
/** Readable too: what was written must be got back when the volume is full. */
const NEW_FILE = constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW | constants.O_RDWR;

/** Makes spools whose large bodies lie in one temporary folder. */
export interface SpoolDirectory {
  /** A spool that takes bodies of at most `capBytes`; may be used again and by several at once. `what` is named in errors (`zip of rsc.io/quote@v1.5.2`). */
  spool(capBytes: number, what?: string): Spool;
}

export interface SpoolDirectoryOptions {
  readonly temp: TempDirectory;
  /** Bodies up to this size stay in memory (default 256 KiB). */
  readonly memoryBytes?: number;
  /** Bodies up to this size go on in memory when the volume has no room for them (default 64 MiB). */
  readonly rescuedBodyBytes?: number;
  /** All such bodies together, until they are discarded (default 256 MiB). */
  readonly rescuedBytes?: number;
}

/**
 * Spools over `temp`. Memory per body: at most `memoryBytes` or two batches of 1 MiB, whichever is more. A volume that is full or read-only
 * does not fail a body at once: it goes on in memory, within bounds of its own.
 */
export function createSpoolDirectory({
  temp,
  memoryBytes = DEFAULT_MEMORY_BYTES,
  rescuedBodyBytes = RESCUED_BODY_BYTES,
  rescuedBytes = RESCUED_BYTES,
}: SpoolDirectoryOptions): SpoolDirectory {
  const rescue = new Room(rescuedBodyBytes, rescuedBytes);
  return {
    spool: (capBytes, what = 'body') => ({
      fill: (body, o) => fillFrom(body, new Filling({ temp, memoryBytes, rescue, capBytes, what }), o),
    }),
  };
}

/** Memory for bodies that should have been files. */
class Room {
  readonly #perBody: number;
  #free: number;

  constructor(perBody: number, total: number) {
    this.#perBody = perBody;
    this.#free = total;
  }

  /** Whether a body that holds `held` bytes of this may grow to `wanted`; then it does. */
  grow(held: number, wanted: number): boolean {
    if (wanted > this.#perBody || wanted - held > this.#free) return false;
    this.#free -= wanted - held;
    return true;
  }

  release(held: number): void {
    this.#free += held;
  }
}

/** `bytes` as a finished body. They must not be changed afterwards. */
export function spooledBytes(bytes: Uint8Array): SpooledMemory {
  return memoryBody(bytes, createHash('sha256').update(bytes).digest('hex'));
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

interface FillingParts {
  readonly temp: TempDirectory;
  readonly memoryBytes: number;
  readonly rescue: Room;
  readonly capBytes: number;
  readonly what: string;
}

/** One body on its way in. */
class Filling {
  readonly #parts: FillingParts;
  readonly #hash = createHash('sha256');
  #sizeBytes = 0;
  #batch: Uint8Array[] = [];
  #batchBytes = 0;
  #path: string | undefined;
  #file: FileHandle | undefined;
  /** The write under way. Its failure is kept for the next await, never lost and never unhandled. */
  #writing: Promise<AppError | undefined> = Promise.resolve(undefined);
  /** What that write is to write; stays when it fails. */
  #unwritten: Uint8Array[] = [];
  #writtenBytes = 0;
  /** Why the body is in memory although it is too large for that, and how much room it holds there. */
  #rescued: { readonly from: AppError; bytes: number } | undefined;

  constructor(parts: FillingParts) {
    this.#parts = parts;
  }

  async add(chunk: Uint8Array): Promise<void> {
    const { capBytes, memoryBytes, what } = this.#parts;
    if (chunk.length === 0) return;
    this.#sizeBytes += chunk.length;
    if (this.#sizeBytes > capBytes) {
      throw new AppError('TOO_LARGE', `receive ${what}: more than ${capBytes} bytes`, { detail: { capBytes } });
    }
    this.#hash.update(chunk);
    this.#batch.push(chunk);
    this.#batchBytes += chunk.length;
    if (this.#rescued !== undefined) return this.#growRescued(this.#rescued);
    const isPastMemory = this.#file !== undefined || this.#sizeBytes > memoryBytes;
    if (isPastMemory && this.#batchBytes >= BATCH_BYTES) await this.#orRescue(() => this.#flush());
  }

  async finish(): Promise<Spooled> {
    if (this.#rescued === undefined && (this.#file !== undefined || this.#sizeBytes > this.#parts.memoryBytes)) {
      await this.#orRescue(async () => {
        await this.#flush();
        await this.#settle();
      });
    }
    if (this.#file === undefined) {
      const bytes = Buffer.concat(this.#batch, this.#sizeBytes);
      this.#batch = [];
      return { kind: 'memory', bytes, ...this.#facts() };
    }
    await this.#close();
    return { kind: 'file', path: this.#path ?? '', ...this.#facts() };
  }

  /** Waits for the write before, then starts one with the whole batch. */
  async #flush(): Promise<void> {
    await this.#settle();
    const file = (this.#file ??= await this.#create());
    const size = this.#batchBytes;
    this.#unwritten = this.#batch;
    this.#batch = [];
    this.#batchBytes = 0;
    this.#writing = this.#write(file, this.#unwritten, size);
  }

  async #settle(): Promise<void> {
    const failure = await this.#writing;
    if (failure !== undefined) throw failure;
  }

  async #create(): Promise<FileHandle> {
    const path = this.#parts.temp.newPath();
    try {
      const file = await open(path, NEW_FILE, 0o600);
      this.#path = path;
      return file;
    } catch (error) {
      throw this.#failure(error);
    }
  }

  async #write(file: FileHandle, batch: Uint8Array[], size: number): Promise<AppError | undefined> {
    try {
      const { bytesWritten } = await file.writev(batch);
      if (bytesWritten < size) await file.writeFile(Buffer.concat(batch, size).subarray(bytesWritten));
      this.#writtenBytes += size;
      this.#unwritten = [];
      return undefined;
    } catch (error) {
      return this.#failure(error);
    }
  }

  #failure(error: unknown): AppError {
    const { what, temp } = this.#parts;
    return diskFailure(error, `keep ${what}`, temp.path);
  }

  // ---------------------------------------------------------------- a volume without room

  /** `write`; when that fails for want of room, the body is in memory afterwards, if there is room for it. */
  async #orRescue(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      if (!(error instanceof AppError) || !isWithoutRoom(error)) throw error;
      this.#rescued = { from: error, bytes: 0 };
      this.#growRescued(this.#rescued);
      this.#batch = [...(await this.#readBack()), ...this.#unwritten, ...this.#batch];
      this.#unwritten = [];
      this.#writing = Promise.resolve(undefined);
      await this.#dropFile();
    }
  }

  #growRescued(rescued: { readonly from: AppError; bytes: number }): void {
    if (!this.#parts.rescue.grow(rescued.bytes, this.#sizeBytes)) throw rescued.from;
    rescued.bytes = this.#sizeBytes;
  }

  /** The batches that were written whole; of the one that failed, nothing is believed. */
  async #readBack(): Promise<Uint8Array[]> {
    if (this.#file === undefined || this.#writtenBytes === 0) return [];
    const bytes = Buffer.allocUnsafeSlow(this.#writtenBytes);
    try {
      for (let at = 0; at < bytes.length; ) {
        const { bytesRead } = await this.#file.read(bytes, at, bytes.length - at, at);
        if (bytesRead === 0) throw new Error('the temporary file became shorter');
        at += bytesRead;
      }
    } catch (error) {
      throw this.#failure(error);
    }
    return [bytes];
  }

  async #dropFile(): Promise<void> {
    await this.#file?.close().catch(() => undefined);
    this.#file = undefined;
    if (this.#path !== undefined) await unlink(this.#path).catch(() => undefined);
    this.#path = undefined;
  }

  // ---------------------------------------------------------------- the end

  #facts(): { sizeBytes: number; sha256: string; discard(): Promise<void> } {
    const path = this.#path;
    return {
      sizeBytes: this.#sizeBytes,
      sha256: this.#hash.digest('hex'),
      discard: async () => {
        this.#releaseRescued();
        if (path !== undefined) await unlink(path).catch(() => undefined);
      },
    };
  }

  #releaseRescued(): void {
    this.#parts.rescue.release(this.#rescued?.bytes ?? 0);
    this.#rescued = undefined;
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
    await this.#dropFile();
    this.#releaseRescued();
    this.#batch = [];
    this.#unwritten = [];
  }
}
