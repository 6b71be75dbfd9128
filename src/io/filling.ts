import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import type { GrowingBody } from '../sources/source.ts';
import { AppError } from '../std/errors.ts';
import type { Spooled } from '../std/spooled.ts';
import { Arrived } from './arrived.ts';
import { diskFailure, isWithoutRoom } from './disk-failure.ts';
import type { Room } from './room.ts';
import type { TempDirectory } from './temp-directory.ts';

/** Bytes gathered before one write; one write may be under way while the next batch gathers. */
const BATCH_BYTES = 1024 * 1024;
/** Readable too: what was written must be got back when the volume is full. */
const NEW_FILE = constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW | constants.O_RDWR;

/** What one body needs on its way in. */
export interface FillingParts {
  readonly temp: TempDirectory;
  /** Up to this size it stays in memory. */
  readonly memoryBytes: number;
  /** Where it may go on when the volume has no room. */
  readonly rescue: Room;
  readonly capBytes: number;
  /** Named in errors. */
  readonly what: string;
  /** Told after each piece; then the body can be read while it comes. */
  readonly onGrown?: ((body: GrowingBody) => void) | undefined;
}

/** One body on its way in: hashed, capped, in memory while it is small and in a temporary file from then on. Ends with `finish` or `abandon`. */
export class Filling implements GrowingBody {
  readonly #parts: FillingParts;
  readonly #hash = createHash('sha256');
  readonly #arrived = new Arrived();
  #digest: string | undefined;
  /** Where the next batch begins. */
  #batchStart = 0;
  #path: string | undefined;
  #file: FileHandle | undefined;
  /** The write under way. Its failure is kept for the next await, never lost and never unhandled. */
  #writing: Promise<AppError | undefined> = Promise.resolve(undefined);
  /** Why the body is in memory although it is too large for that, and how much room it holds there. */
  #rescued: { readonly from: AppError; bytes: number } | undefined;

  constructor(parts: FillingParts) {
    this.#parts = parts;
  }

  get receivedBytes(): number {
    return this.#arrived.sizeBytes;
  }

  async read(at: number, into: Uint8Array): Promise<number> {
    try {
      return await this.#arrived.read(at, into);
    } catch (error) {
      throw this.#failure(error);
    }
  }

  sha256(): string {
    return this.#digest ?? this.#hash.copy().digest('hex');
  }

  /** Takes `chunk`, which must not be changed afterwards. Rejects with TOO_LARGE or STORE_UNAVAILABLE. */
  async add(chunk: Uint8Array): Promise<void> {
    const { capBytes, memoryBytes, what, onGrown } = this.#parts;
    if (chunk.length === 0) return;
    if (this.receivedBytes + chunk.length > capBytes) {
      throw new AppError('TOO_LARGE', `receive ${what}: more than ${capBytes} bytes`, { detail: { capBytes } });
    }
    this.#hash.update(chunk);
    this.#arrived.push(chunk);
    onGrown?.(this);
    if (this.#rescued !== undefined) return this.#growRescued(this.#rescued);
    const isPastMemory = this.#file !== undefined || this.receivedBytes > memoryBytes;
    if (isPastMemory && this.receivedBytes - this.#batchStart >= BATCH_BYTES) await this.#orRescue(() => this.#flush());
  }

  /** The whole body. Rejects with STORE_UNAVAILABLE. */
  async finish(): Promise<Spooled> {
    if (this.#rescued === undefined && (this.#file !== undefined || this.receivedBytes > this.#parts.memoryBytes)) {
      await this.#orRescue(async () => {
        await this.#flush();
        await this.#settle();
      });
    }
    if (this.#file === undefined) return { kind: 'memory', bytes: this.#arrived.joined(), ...this.#facts() };
    await this.#close();
    return { kind: 'file', path: this.#path ?? '', ...this.#facts() };
  }

  /** Gives the body up and leaves nothing behind. Never rejects. */
  async abandon(): Promise<void> {
    await this.#writing;
    await this.#dropFile();
    await this.#arrived.close();
    this.#releaseRescued();
  }

  /** Waits for the write before, then starts one with the whole batch. */
  async #flush(): Promise<void> {
    await this.#settle();
    const file = this.#file ?? (await this.#create());
    const batch = this.#arrived.piecesFrom(this.#batchStart);
    const size = this.receivedBytes - this.#batchStart;
    this.#batchStart = this.receivedBytes;
    this.#writing = this.#write(file, batch, size);
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
      this.#file = file;
      // Apart from the one that is closed at the end to learn whether all bytes are there.
      if (this.#parts.onGrown !== undefined) this.#arrived.readsFrom(await open(path, 'r'));
      return file;
    } catch (error) {
      throw this.#failure(error);
    }
  }

  async #write(file: FileHandle, batch: Uint8Array[], size: number): Promise<AppError | undefined> {
    try {
      const { bytesWritten } = await file.writev(batch);
      if (bytesWritten < size) await file.writeFile(Buffer.concat(batch, size).subarray(bytesWritten));
      this.#arrived.wrote(this.#arrived.writtenBytes + size);
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
      this.#arrived.gotBack(await this.#readBack());
      this.#writing = Promise.resolve(undefined);
      await this.#dropFile();
    }
  }

  #growRescued(rescued: { readonly from: AppError; bytes: number }): void {
    if (!this.#parts.rescue.grow(rescued.bytes, this.receivedBytes)) throw rescued.from;
    rescued.bytes = this.receivedBytes;
  }

  /** The batches that were written whole; of the one that failed, nothing is believed. */
  async #readBack(): Promise<Uint8Array> {
    const bytes = Buffer.allocUnsafeSlow(this.#file === undefined ? 0 : this.#arrived.writtenBytes);
    try {
      for (let at = 0; at < bytes.length; ) {
        const read = await this.#file?.read(bytes, at, bytes.length - at, at);
        if (read === undefined || read.bytesRead === 0) throw new Error('the temporary file became shorter');
        at += read.bytesRead;
      }
    } catch (error) {
      throw this.#failure(error);
    }
    return bytes;
  }

  async #dropFile(): Promise<void> {
    await this.#arrived.leaveFile();
    await this.#file?.close().catch(() => undefined);
    this.#file = undefined;
    if (this.#path !== undefined) await unlink(this.#path).catch(() => undefined);
    this.#path = undefined;
  }

  // ---------------------------------------------------------------- the end

  #facts(): { sizeBytes: number; sha256: string; discard(): Promise<void> } {
    const path = this.#path;
    this.#digest = this.#hash.digest('hex');
    return {
      sizeBytes: this.receivedBytes,
      sha256: this.#digest,
      discard: async () => {
        this.#releaseRescued();
        await this.#arrived.close();
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
}
