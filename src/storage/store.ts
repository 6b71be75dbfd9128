import type { Ask } from '../std/ask.ts';
import type { Spooled } from '../std/spooled.ts';

/** What is known of a stored blob without reading it. */
export interface BlobInfo {
  readonly key: string;
  readonly sizeBytes: number;
  /** Wall time of the write in ms, as the backend tells it. */
  readonly storedAt: number;
}

/** Bytes from `start` up to, not including, `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Reads a blob from front to back into buffers of the caller's: the sender reuses a few large ones, which is what makes
 * sending from disk cheap. One pull at a time.
 */
export interface BlobReader {
  /** Fills `into` from its start and returns how many bytes were written; 0 only at the end. Rejects with STORE_CORRUPT when the blob is shorter than its info said. */
  pull(into: Uint8Array): Promise<number>;
  /** Frees what the reader holds. Must be called, also after the end or an error; may be called again; never rejects. */
  close(): Promise<void>;
}

export interface StoredBlob {
  readonly info: BlobInfo;
  /** The caller must close it. */
  readonly reader: BlobReader;
}

/**
 * Bytes at rest. Knows no Go. Keys follow the grammar of std/key.ts, checked by the base decorator and not by adapters.
 * Absence is `undefined`; every rejection is an AppError with code STORE_UNAVAILABLE, STORE_CORRUPT, TOO_LARGE or ABORTED.
 * Safe for concurrent use by many processes. Proven by storage/contract.ts.
 */
export interface BlobStore {
  head(key: string, o: Ask): Promise<BlobInfo | undefined>;
  /** Opens the blob, or `range` of it (clipped to its size). The caller must close the reader. */
  open(key: string, o: Ask & { readonly range?: ByteRange }): Promise<StoredBlob | undefined>;
  /** Durable when resolved. 'exists' = the key was there; bytes untouched. Never a partial object, whatever fails. `body` stays the caller's. */
  putIfAbsent(key: string, body: Spooled, o: Ask): Promise<'created' | 'exists'>;
  /** Replaces the blob as a whole; readers see the old or the new bytes, the last writer wins, a crash may lose it. Only for views that can be made again. */
  publish(key: string, bytes: Uint8Array, o: Ask): Promise<void>;
  /** Absent already is fine. */
  delete(key: string, o: Ask): Promise<void>;
  /** Every blob whose key starts with `prefix` (`''` = all) and comes after `after`, in byte order of the keys. */
  list(prefix: string, o: Ask & { readonly after?: string }): AsyncIterable<BlobInfo>;
}
