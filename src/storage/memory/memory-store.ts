import { readFile } from 'node:fs/promises';
import { diskFailure } from '../../io/disk-failure.ts';
import type { Ask } from '../../std/ask.ts';
import { compareBytewise } from '../../std/bytes.ts';
import { AppError } from '../../std/errors.ts';
import type { Spooled } from '../../std/spooled.ts';
import type { BlobInfo, BlobReader, BlobStore, ByteRange, StoredBlob } from '../store.ts';

export interface MemoryStoreOptions {
  /** Bytes of all blobs together; more is STORE_UNAVAILABLE. */
  readonly capacityBytes: number;
  /** Wall time in ms. */
  readonly now: () => number;
}

interface Entry {
  readonly info: BlobInfo;
  readonly bytes: Uint8Array;
}

/** Blobs that are gone with the process: for tests, trials and nodes that may forget. */
export class MemoryStore implements BlobStore {
  readonly #entries = new Map<string, Entry>();
  readonly #capacityBytes: number;
  readonly #now: () => number;
  #sizeBytes = 0;
  #openReaders = 0;

  constructor({ capacityBytes, now }: MemoryStoreOptions) {
    this.#capacityBytes = capacityBytes;
    this.#now = now;
  }

  /** Readers that nobody has closed yet: a caller that keeps the rules leaves 0. */
  get openReaders(): number {
    return this.#openReaders;
  }

  async head(key: string, _o: Ask): Promise<BlobInfo | undefined> {
    return this.#entries.get(key)?.info;
  }

  async open(key: string, { range }: Ask & { readonly range?: ByteRange }): Promise<StoredBlob | undefined> {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#openReaders++;
    const bytes = entry.bytes.subarray(range?.start ?? 0, range?.end);
    return { info: entry.info, reader: memoryReader(bytes, () => this.#openReaders--) };
  }

  async putIfAbsent(key: string, body: Spooled, _o: Ask): Promise<'created' | 'exists'> {
    if (this.#entries.has(key)) return 'exists';
    const bytes = body.kind === 'memory' ? Uint8Array.from(body.bytes) : await readSpooled(body.path);
    if (this.#entries.has(key)) return 'exists';
    this.#set(key, bytes);
    return 'created';
  }

  async publish(key: string, bytes: Uint8Array, _o: Ask): Promise<void> {
    this.#set(key, Uint8Array.from(bytes));
  }

  async delete(key: string, _o: Ask): Promise<void> {
    this.#sizeBytes -= this.#entries.get(key)?.bytes.length ?? 0;
    this.#entries.delete(key);
  }

  async *list(prefix: string, { after }: Ask & { readonly after?: string }): AsyncIterable<BlobInfo> {
    const keys = [...this.#entries.keys()].filter((key) => key.startsWith(prefix));
    for (const key of keys.sort(compareBytewise)) {
      const entry = this.#entries.get(key);
      if (entry !== undefined && (after === undefined || compareBytewise(key, after) > 0)) yield entry.info;
    }
  }

  #set(key: string, bytes: Uint8Array): void {
    const sizeBytes = this.#sizeBytes - (this.#entries.get(key)?.bytes.length ?? 0) + bytes.length;
    if (sizeBytes > this.#capacityBytes) {
      throw new AppError(
        'STORE_UNAVAILABLE',
        `store ${key}: more than ${this.#capacityBytes} bytes in the memory store; raise its capacity or use disk`,
      );
    }
    this.#sizeBytes = sizeBytes;
    this.#entries.set(key, { bytes, info: { key, sizeBytes: bytes.length, storedAt: this.#now() } });
  }
}

async function readSpooled(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw diskFailure(error, 'read a received body', path);
  }
}

function memoryReader(bytes: Uint8Array, onClose: () => void): BlobReader {
  let at = 0;
  let isClosed = false;
  return {
    async pull(into) {
      if (isClosed) throw new AppError('INTERNAL', 'read a blob: closed already');
      const chunk = bytes.subarray(at, at + into.length);
      into.set(chunk);
      at += chunk.length;
      return chunk.length;
    },
    async close() {
      if (!isClosed) onClose();
      isClosed = true;
    },
  };
}
