import type { Register } from '../coordination/register.ts';
import { diskFailure } from '../io/disk-failure.ts';
import type { BlobStore } from '../storage/store.ts';

/** What hears of writes while a drill is on. */
export interface FullDiskListener {
  onRefused(): void;
  /** Written, though a drill had the disk be full before. */
  onWritten(): void;
}

/**
 * A disk that can be full on purpose: everything is read as ever, and nothing can be written, as ENOSPC has it. For drills; of this process alone, and of what is stored: temporary
 * files are written all the same.
 */
export class FullDisk {
  #isFull = false;
  #listener: FullDiskListener | undefined;

  /** From now on there is no room. Returns how there is room again; the listener hears on until the next drill. */
  beFull(listener: FullDiskListener): () => void {
    this.#listener = listener;
    this.#isFull = true;
    return () => (this.#isFull = false);
  }

  /** `inner` on this disk. */
  store(inner: BlobStore): BlobStore {
    return {
      head: (key, o) => inner.head(key, o),
      open: (key, o) => inner.open(key, o),
      putIfAbsent: (key, body, o) => this.#write(`store ${key}`, () => inner.putIfAbsent(key, body, o)),
      publish: (key, bytes, o) => this.#write(`publish ${key}`, () => inner.publish(key, bytes, o)),
      delete: (key, o) => inner.delete(key, o),
      list: (prefix, o) => inner.list(prefix, o),
    };
  }

  /** `inner` on this disk. */
  registers(inner: Register): Register {
    return {
      read: (name, o) => inner.read(name, o),
      create: (name, value, o) => this.#write(`write register ${name}`, () => inner.create(name, value, o)),
      replace: (old, value, o) => this.#write(`write register ${old.name}`, () => inner.replace(old, value, o)),
    };
  }

  async #write<T>(attempted: string, write: () => Promise<T>): Promise<T> {
    if (this.#isFull) {
      this.#listener?.onRefused();
      throw diskFailure(Object.assign(new Error('no room, in a drill'), { code: 'ENOSPC' }), attempted);
    }
    const written = await write();
    this.#listener?.onWritten();
    return written;
  }
}
