import type { ModuleVersion } from '../gomod/module.ts';
import { equalHashes, recordHash } from '../gomod/sumdb/hash.ts';
import type { Ask } from '../std/ask.ts';
import { ByteCache } from '../std/byte-cache.ts';
import { encodeUtf8 } from '../std/bytes.ts';
import { AppError, isAppError } from '../std/errors.ts';
import type { ProvenRecord } from './checksum-database.ts';
import { type DatabasePlace, placeOf } from './database-place.ts';
import { ForkReports } from './fork-report.ts';
import { KnownLog } from './known-log.ts';
import { type KnownRecord, LookupStore, vouchesFor } from './lookup-store.ts';
import type { ProofMemory } from './proof-memory.ts';
import type { SumdbClientParts } from './sumdb-client.ts';
import { TileStore } from './tile-store.ts';
import { TreeHeads } from './tree-heads.ts';

/**
 * What is stored of one checksum database, for whoever looks after the store: it has no way to ask anybody, and tells damage where the client quietly
 * asks again. A server may add to it meanwhile.
 */
export class StoredDatabase {
  readonly name: string;
  readonly #parts: Omit<SumdbClientParts, 'remotes'>;
  readonly #place: DatabasePlace;
  readonly #memory: ProofMemory;
  readonly #lookups: LookupStore;
  #log: KnownLog;

  constructor(parts: Omit<SumdbClientParts, 'remotes'>) {
    const { setting, store, limits } = parts;
    this.name = setting.name;
    this.#parts = parts;
    this.#place = placeOf(setting.name);
    this.#memory = new ByteCache(limits.tileMemoryBytes);
    this.#lookups = new LookupStore({ store, place: this.#place, memory: this.#memory });
    this.#log = this.#newLog();
  }

  /**
   * The record of `module`, proven to be in the adopted tree; undefined when nothing or not all of its proof is stored. Rejects with SUMDB_INCONSISTENT when
   * what is stored proves something else, with STORE_CORRUPT or STORE_UNAVAILABLE.
   */
  async proveStored(module: ModuleVersion, o: Ask): Promise<ProvenRecord | undefined> {
    const record = await this.#lookups.stored(module, o);
    if (record === undefined) return await this.#requireNone(module, o);
    if (!vouchesFor(record.text, module))
      throw new AppError('SUMDB_INCONSISTENT', `record ${record.id} has no line for ${module.path}@${module.version}`);
    const treeSize = await this.#sizeWith(record.id, o);
    const hash = await this.#hashOf(record, o);
    if (hash === undefined) return undefined;
    if (!equalHashes(hash, recordHash(encodeUtf8(record.text))))
      throw new AppError('SUMDB_INCONSISTENT', `record ${record.id} is another one in the log`);
    return { database: this.name, record: record.id, treeSize, text: record.text };
  }

  /** A record that is there and cannot be read is damage. */
  async #requireNone(module: ModuleVersion, o: Ask): Promise<undefined> {
    const key = this.#place.lookup(module);
    if ((await this.#parts.store.head(key, o)) !== undefined)
      throw new AppError('SUMDB_INCONSISTENT', `${key} is not a record`);
  }

  /** Size of the adopted tree, read again when it is too small for a record: a server may have adopted a larger one. */
  async #sizeWith(id: number, o: Ask): Promise<number> {
    await this.#log.load(o);
    if (id >= (this.#log.head?.size ?? 0)) {
      this.#log = this.#newLog();
      await this.#log.load(o);
    }
    return this.#log.head?.size ?? 0;
  }

  async #hashOf({ id }: KnownRecord, o: Ask): Promise<Uint8Array | undefined> {
    try {
      return await this.#log.recordHash(id, undefined, o);
    } catch (error) {
      // A tile on the way is not stored.
      if (isAppError(error, 'NOT_FOUND')) return undefined;
      throw error;
    }
  }

  #newLog(): KnownLog {
    const { setting, store, registers, clock, observer } = this.#parts;
    const { head, forks } = this.#place;
    return new KnownLog({
      database: this.name,
      heads: new TreeHeads({ register: registers, name: head, key: setting.key, clock }),
      tiles: new TileStore({ store, place: this.#place, memory: this.#memory }),
      forks: new ForkReports({ database: this.name, store, prefix: forks, observer }),
    });
  }
}
