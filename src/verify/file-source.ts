import { closeSync, openSync, readSync } from 'node:fs';
import type { ByteSource } from '../gomod/zip/byte-source.ts';
import { AppError } from '../std/errors.ts';

/** Read at once: entries are small and lie one after the other, so one read serves many of them. */
const WINDOW_BYTES = 1024 * 1024;

/** A file as bytes, read synchronously, which a file that was just written allows, or a worker thread. The caller must close it. */
export class FileSource implements ByteSource {
  readonly sizeBytes: number;
  readonly #fd: number;
  #window = Buffer.allocUnsafe(WINDOW_BYTES);
  /** What of the file is in the window: from `#start`, `#held` bytes. */
  #start = 0;
  #held = 0;

  /** Opens `path`, which has `sizeBytes`. Throws Node's own errors when it cannot. */
  constructor(path: string, sizeBytes: number) {
    this.sizeBytes = sizeBytes;
    this.#fd = openSync(path, 'r');
  }

  read(offset: number, length: number): Uint8Array {
    if (offset < this.#start || offset + length > this.#start + this.#held) this.#load(offset, length);
    return this.#window.subarray(offset - this.#start, offset - this.#start + length);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #load(offset: number, length: number): void {
    if (length > this.#window.length) this.#window = Buffer.allocUnsafe(length);
    const wanted = Math.min(this.#window.length, this.sizeBytes - offset);
    this.#start = offset;
    this.#held = 0;
    while (this.#held < wanted) {
      const count = readSync(this.#fd, this.#window, this.#held, wanted - this.#held, offset + this.#held);
      if (count === 0) break;
      this.#held += count;
    }
    if (this.#held < length) throw new AppError('INTERNAL', 'read spooled zip: the file is shorter than it was');
  }
}
