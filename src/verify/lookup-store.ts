import type { ModuleVersion } from '../gomod/module.ts';
import { formatRecord, parseRecord, sumsIn } from '../gomod/sumdb/text.ts';
import type { Ask } from '../std/ask.ts';
import { isAppError } from '../std/errors.ts';
import type { BlobStore } from '../storage/store.ts';
import type { DatabasePlace } from './database-place.ts';
import { keepProof, readProof } from './proof-blobs.ts';
import { mostUnwritten, type ProofMemory } from './proof-memory.ts';
import { Unwritten } from './unwritten.ts';

/** A record of the log, and the beginning of the body of its lookup. */
export interface KnownRecord {
  readonly id: number;
  readonly text: string;
  /** The record as formatRecord writes it. The same object while it stays in memory. */
  readonly bytes: Uint8Array;
}

/** Largest reply to a lookup, and largest record that is stored, bytes. Real ones have 500. */
export const MAX_LOOKUP_BYTES = 128 * 1024;

/** `text` as record `id`. Throws SUMDB_INCONSISTENT when it cannot be one. */
export function recordOf(id: number, text: string): KnownRecord {
  return { id, text, bytes: formatRecord(id, text) };
}

/** Whether `text`, which is proven, has a line for `module` at all. */
export function vouchesFor(text: string, module: ModuleVersion): boolean {
  const { zip, mod } = sumsIn(text, module);
  return zip.length > 0 || mod.length > 0;
}

export interface LookupStoreParts {
  readonly store: BlobStore;
  readonly place: DatabasePlace;
  readonly memory: ProofMemory;
}

/** Which record a module has, for ever: number and text, without the tree head that came with it. */
export class LookupStore {
  readonly #parts: LookupStoreParts;
  readonly #held: Unwritten;

  constructor(parts: LookupStoreParts) {
    this.#parts = parts;
    this.#held = new Unwritten(mostUnwritten(parts.memory));
  }

  /** Whether there are records that the store did not take. */
  get hasHeld(): boolean {
    return !this.#held.isEmpty;
  }

  /** The proven record of `module`, if it is in memory. */
  remembered(module: ModuleVersion): KnownRecord | undefined {
    const key = this.#parts.place.lookup(module);
    const bytes = this.#held.get(key) ?? this.#parts.memory.get(key);
    return bytes && { ...parseRecord(bytes), bytes };
  }

  /** The stored record of `module`, not yet known to be right. */
  async stored(module: ModuleVersion, o: Ask): Promise<KnownRecord | undefined> {
    const { store, place } = this.#parts;
    const bytes = await readProof(store, place.lookup(module), MAX_LOOKUP_BYTES, o);
    return bytes && decoded(bytes);
  }

  /** From now on `record`, which was proven, is in memory. */
  remember(module: ModuleVersion, record: KnownRecord): void {
    this.#parts.memory.set(this.#parts.place.lookup(module), record.bytes);
  }

  /**
   * Keeps `record`, which was proven, in memory until it is written. When there is no room it is remembered like any other, and asked for again once it is
   * forgotten.
   */
  hold(module: ModuleVersion, record: KnownRecord): void {
    if (!this.#held.add([[this.#parts.place.lookup(module), record.bytes]])) this.remember(module, record);
  }

  /** Makes all records durable that are held; the tiles that prove them must be. Rejects with STORE_UNAVAILABLE while the store takes nothing. */
  async writeHeld(o: Ask): Promise<void> {
    await this.#held.write(this.#parts.store, (key, bytes) => void this.#parts.memory.set(key, bytes), o);
  }

  /** Forgets what is held. */
  dropHeld(): void {
    this.#held.dropOthers(new Set());
  }

  /** Makes `record`, which was proven, durable, and remembers it; when the store takes nothing now, it is held. One whose name is too long is asked for again. */
  async keep(module: ModuleVersion, record: KnownRecord, o: Ask): Promise<void> {
    try {
      await keepProof(this.#parts.store, this.#parts.place.lookup(module), record.bytes, o);
      this.remember(module, record);
    } catch (error) {
      if (isAppError(error, 'STORE_UNAVAILABLE')) this.hold(module, record);
      else if (!isAppError(error, 'TOO_LARGE')) throw error;
    }
  }
}

function decoded(bytes: Uint8Array): KnownRecord | undefined {
  try {
    const { id, text } = parseRecord(bytes);
    const record = recordOf(id, text);
    return Buffer.compare(record.bytes, bytes) === 0 ? record : undefined;
  } catch (error) {
    if (isAppError(error, 'SUMDB_INCONSISTENT')) return undefined;
    throw error;
  }
}
