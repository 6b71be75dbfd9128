import { closeSync, read } from 'node:fs';
import { diskFailure } from '../../io/disk-failure.ts';
import { AppError } from '../../std/errors.ts';
import type { BlobReader } from '../store.ts';

/**
 * Reads bytes from..end of an open file, at positions, into the caller's buffers. Raw descriptors and not file handles:
 * this is the loop that large downloads live in. Owns `fd`.
 */
export class DiskReader implements BlobReader {
  readonly #fd: number;
  readonly #name: string;
  readonly #end: number;
  #at: number;
  #isReading = false;
  #isClosed = false;
  #onIdle: (() => void) | undefined;

  constructor(fd: number, name: string, start: number, end: number) {
    this.#fd = fd;
    this.#name = name;
    this.#at = start;
    this.#end = end;
  }

  pull(into: Uint8Array): Promise<number> {
    const wanted = Math.min(into.length, this.#end - this.#at);
    if (this.#isClosed || this.#isReading) return Promise.reject(this.#misuse());
    if (wanted === 0) return Promise.resolve(0);
    this.#isReading = true;
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    read(this.#fd, into, 0, wanted, this.#at, (error, count) => {
      this.#isReading = false;
      this.#onIdle?.();
      if (error !== null) return reject(this.#readFailure(error));
      if (count === 0) return reject(new AppError('STORE_CORRUPT', `read ${this.#name}: the file became shorter`));
      this.#at += count;
      resolve(count);
    });
    return promise;
  }

  /** What the disk can no longer read is as bad as what it reads wrongly. */
  #readFailure(error: Error): AppError {
    const failure = diskFailure(error, `read ${this.#name}`);
    return failure.detail['system'] === 'EIO'
      ? new AppError('STORE_CORRUPT', failure.message, { cause: error })
      : failure;
  }

  #misuse(): AppError {
    return new AppError('INTERNAL', `read ${this.#name}: ${this.#isClosed ? 'closed already' : 'a read is under way'}`);
  }

  /** Waits for a read under way: a descriptor closed below it could be another file by then. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#isReading) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    try {
      closeSync(this.#fd); // Only read from, so there is nothing to wait for.
    } catch {
      // Gone either way.
    }
  }
}
