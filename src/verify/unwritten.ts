import type { Ask } from '../std/ask.ts';
import { isAppError } from '../std/errors.ts';
import type { BlobStore } from '../storage/store.ts';
import { keepProof } from './proof-blobs.ts';

/** Writes under way at a time. */
const LANES = 8;

/** Proven bytes that the store did not take, by the key they belong under. They stay until they are written, at most `mostBytes` of them. */
export class Unwritten {
  readonly #entries = new Map<string, Uint8Array>();
  readonly #mostBytes: number;
  #bytes = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  get(key: string): Uint8Array | undefined {
    return this.#entries.get(key);
  }

  /** All of `entries`, or, when there is no room for them, none: then false. */
  add(entries: readonly (readonly [key: string, bytes: Uint8Array])[]): boolean {
    const more = new Map(entries.filter(([key]) => !this.#entries.has(key)));
    const bytes = [...more].reduce((sum, entry) => sum + costOf(entry), 0);
    if (this.#bytes + bytes > this.#mostBytes) return false;
    for (const [key, value] of more) this.#entries.set(key, value);
    this.#bytes += bytes;
    return true;
  }

  /** They are not to be written any more. */
  drop(keys: Iterable<string>): void {
    for (const key of keys) {
      const bytes = this.#entries.get(key);
      if (bytes !== undefined && this.#entries.delete(key)) this.#bytes -= costOf([key, bytes]);
    }
  }

  /** Drops all but what has its key among `keys`. */
  dropOthers(keys: ReadonlySet<string>): void {
    this.drop([...this.#entries.keys()].filter((key) => !keys.has(key)));
  }

  /** Makes them durable in `store`; `onWritten` hears of each that is. Rejects with what the store rejects with; what was not written then stays. */
  async write(store: BlobStore, onWritten: (key: string, bytes: Uint8Array) => void, o: Ask): Promise<void> {
    const left = [...this.#entries];
    const next = async (): Promise<void> => {
      const entry = left.shift();
      if (entry !== undefined) await this.#writeOne(store, entry, onWritten, o);
    };
    await next(); // alone: whether the store takes anything at all
    const lane = async (): Promise<void> => {
      while (left.length > 0) await next();
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  }

  async #writeOne(
    store: BlobStore,
    [key, bytes]: readonly [string, Uint8Array],
    onWritten: (key: string, bytes: Uint8Array) => void,
    o: Ask,
  ): Promise<void> {
    if (!this.#entries.has(key)) return;
    try {
      await keepProof(store, key, bytes, o);
      onWritten(key, bytes);
    } catch (error) {
      this.#toTheEnd(key);
      // No name so long: it is never stored.
      if (!isAppError(error, 'TOO_LARGE')) throw error;
    }
    this.drop([key]);
  }

  /** What cannot be written does not stand before the others the next time. */
  #toTheEnd(key: string): void {
    const bytes = this.#entries.get(key);
    if (bytes === undefined) return;
    this.#entries.delete(key);
    this.#entries.set(key, bytes);
  }
}

/** With the overhead of an entry. */
function costOf([key, bytes]: readonly [string, Uint8Array]): number {
  return bytes.length + key.length + 200;
}
