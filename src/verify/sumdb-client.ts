/** The client of a checksum database that believes nothing it cannot prove, and stores what it proved, so that others can prove it again without the database. */
import type { Register } from '../coordination/register.ts';
import { escapePath, escapeVersion, type ModuleVersion } from '../gomod/module.ts';
import type { DatabaseSetting } from '../gomod/sumdb/database.ts';
import { equalHashes, recordHash } from '../gomod/sumdb/hash.ts';
import { parseRecord } from '../gomod/sumdb/text.ts';
import type { Tile } from '../gomod/sumdb/tile.ts';
import type { TreeHead } from '../gomod/sumdb/tree.ts';
import type { Ask } from '../std/ask.ts';
import { ByteCache } from '../std/byte-cache.ts';
import { encodeUtf8, inOwnMemory } from '../std/bytes.ts';
import type { Clock } from '../std/clock.ts';
import { AppError, isAppError } from '../std/errors.ts';
import type { BlobStore } from '../storage/store.ts';
import type { ChecksumDatabase, DatabaseAsk, ProvenRecord } from './checksum-database.ts';
import { placeOf } from './database-place.ts';
import { FollowedLog } from './followed-log.ts';
import { ForkReports, isFork } from './fork-report.ts';
import { KnownLog, type Merged } from './known-log.ts';
import { LateWriting } from './late-writing.ts';
import { type KnownRecord, LookupStore, MAX_LOOKUP_BYTES, recordOf, vouchesFor } from './lookup-store.ts';
import type { VerifyObserver } from './observer.ts';
import { RecordTiles } from './record-tiles.ts';
import { SharedWork } from './shared-work.ts';
import { openHead, type SignedHead } from './signed-head.ts';
import { type SumdbRemote, type Way, Ways } from './sumdb-remote.ts';
import type { FetchTile } from './tile-reading.ts';
import { TileStore } from './tile-store.ts';
import { TreeHeads } from './tree-heads.ts';

export interface SumdbClientParts {
  readonly setting: Pick<DatabaseSetting, 'name' | 'key'>;
  /** In the order in which they are asked. */
  readonly remotes: readonly SumdbRemote[];
  readonly store: BlobStore;
  readonly registers: Register;
  readonly clock: Clock;
  readonly observer: VerifyObserver;
  readonly limits: SumdbClientLimits;
}

interface SumdbClientLimits {
  /** Proven tiles and records in memory, bytes. */
  readonly tileMemoryBytes: number;
}

/** Lookups of different modules under way at a time; the next is OVERLOADED. */
const CONCURRENT_LOOKUPS = 4096;
/** Of these, so many for clients that may make up any name: what is proven before it is stored must not have to wait for them. */
const CONCURRENT_RELAYED = 256;

interface Found {
  readonly record: KnownRecord;
  /** Size of the tree in which it was proven. */
  readonly treeSize: number;
}

/** See the head of this file. Answers from memory and from the store ask nobody; one for ever is enough for each module. */
export class SumdbClient implements ChecksumDatabase {
  readonly name: string;
  readonly #parts: SumdbClientParts;
  readonly #ways: Ways;
  readonly #log: KnownLog;
  readonly #lookups: LookupStore;
  readonly #followed: FollowedLog;
  readonly #late: LateWriting;
  readonly #asking = new SharedWork<Found>(CONCURRENT_LOOKUPS);
  readonly #relaying = new SharedWork<Found>(CONCURRENT_RELAYED);
  readonly #bodies = new WeakMap<Uint8Array, { readonly head: SignedHead; readonly body: Uint8Array }>();

  constructor(parts: SumdbClientParts) {
    const { setting, store, registers, clock, observer, limits } = parts;
    const database = setting.name;
    const place = placeOf(database);
    const memory = new ByteCache(limits.tileMemoryBytes);
    this.name = database;
    this.#parts = parts;
    this.#ways = new Ways({ ...parts, database });
    const forks = new ForkReports({ database, store, prefix: place.forks, observer });
    const heads = new TreeHeads({ register: registers, name: place.head, key: setting.key, clock });
    const tiles = new TileStore({ store, place, memory });
    this.#lookups = new LookupStore({ store, place, memory });
    const late = { onUnstored: () => this.#late.begin(), onShed: () => this.#lookups.dropHeld() };
    this.#log = new KnownLog({ database, heads, tiles, forks, late });
    this.#late = new LateWriting({ clock, write: (o) => this.#writeHeld(o), isDone: () => this.#isWritten });
    const recordTiles = new RecordTiles({ store, place, memory });
    this.#followed = new FollowedLog({
      database,
      key: setting.key,
      ways: this.#ways,
      log: this.#log,
      recordTiles,
      forks,
      clock,
    });
  }

  /**
   * The record of `module`, proven to be in the log; it may be one without a line for the module, which vouches for nothing. Rejects as the port says;
   * NOT_FOUND when the database says that it does not know the module.
   */
  async prove(module: ModuleVersion, o: Ask): Promise<ProvenRecord> {
    return this.#proven(await this.#find(module, o));
  }

  /** The same from what is stored alone; undefined when that proves nothing. */
  async proveStored(module: ModuleVersion, o: Ask): Promise<ProvenRecord | undefined> {
    const found = await this.#findStored(module, o);
    return found && this.#proven(found);
  }

  /** The adopted tree head; undefined until the log was heard of. */
  head(): TreeHead | undefined {
    return this.#log.head;
  }

  /** When that head was adopted, wall time in ms; undefined without one. */
  get headSeenAt(): number | undefined {
    return this.#log.headSeenAt;
  }

  canServe(): boolean {
    return this.#log.head !== undefined || !this.#ways.isOut;
  }

  async latest(o: DatabaseAsk): Promise<Uint8Array> {
    await this.#log.load(o);
    if (o.mayFetch !== 'no') await this.#followed.refresh(o);
    const { head } = this.#log;
    if (head === undefined) throw this.#absent('read the tree head', 'none is stored');
    return head.note;
  }

  async lookup(module: ModuleVersion, o: DatabaseAsk): Promise<Uint8Array> {
    const found = o.mayFetch === 'no' ? await this.#findStored(module, o) : await this.#findForClient(module, o);
    const attempted = lookingUp(module);
    if (found === undefined) throw this.#absent(attempted, 'it is not stored');
    if (!vouchesFor(found.record.text, module)) throw this.#missing(module, found.record);
    const { head } = this.#log;
    if (head === undefined || found.record.id >= head.size)
      throw new AppError('STORE_UNAVAILABLE', `${attempted} in ${this.name}: the tree that has it could not be stored`);
    return this.#bodyOf(found.record, head);
  }

  async tile(tile: Tile, o: DatabaseAsk): Promise<Uint8Array> {
    return await this.#followed.tile(tile, o);
  }

  /** Tries a last time to write what the store did not take. */
  async close(): Promise<void> {
    await this.#late.close();
  }

  get #isWritten(): boolean {
    return !this.#log.isUnsaved && !this.#lookups.hasHeld;
  }

  /** A record only after the head that it is proven in. */
  async #writeHeld(o: Ask): Promise<void> {
    await this.#followed.save(o);
    if (!this.#log.isUnsaved) await this.#lookups.writeHeld(o);
  }

  async #findForClient(module: ModuleVersion, o: Ask): Promise<Found> {
    return await this.#relaying.join(nameOf(module), (asked) => this.#find(module, asked), o);
  }

  async #find(module: ModuleVersion, o: Ask): Promise<Found> {
    const stored = await this.#findStored(module, o);
    if (stored !== undefined) return stored;
    const path = nameOf(module);
    return await this.#asking.join(path, (asked) => this.#lookUp(module, `/lookup/${path}`, asked), o);
  }

  /** Memory holds what was proven; what is stored is proven again, by stored tiles, for bytes at rest may be damaged. */
  async #findStored(module: ModuleVersion, o: Ask): Promise<Found | undefined> {
    await this.#log.load(o);
    const treeSize = (): number => this.#log.head?.size ?? 0;
    const remembered = this.#lookups.remembered(module);
    if (remembered !== undefined) return { record: remembered, treeSize: treeSize() };
    const record = await this.#lookups.stored(module, o);
    // None without a line for its module was ever stored: it is damage, though the log may have that record.
    if (record === undefined || !vouchesFor(record.text, module) || !(await this.#isInLog(record, o))) return undefined;
    this.#lookups.remember(module, record);
    return { record, treeSize: treeSize() };
  }

  async #isInLog({ id, text }: KnownRecord, o: Ask): Promise<boolean> {
    try {
      // What another process stored may be in a tree that only it knows yet.
      if (id >= (this.#log.head?.size ?? 0)) await this.#log.catchUp(o);
      const hash = await this.#log.recordHash(id, undefined, o);
      return hash !== undefined && equalHashes(hash, recordHash(encodeUtf8(text)));
    } catch (error) {
      if (isAppError(error, 'NOT_FOUND', 'SUMDB_INCONSISTENT')) return false;
      throw error;
    }
  }

  /** A way that answers with somebody else's record is passed by, and what it said is not kept: another may do better. */
  async #lookUp(module: ModuleVersion, path: string, o: Ask): Promise<Found> {
    let unfit: Found | undefined;
    try {
      return await this.#followed.ask(
        lookingUp(module),
        async (way, fetch, asked) => {
          const found = await this.#proveBy(way, fetch, path, asked);
          if (!vouchesFor(found.record.text, module)) {
            unfit = found;
            throw unproven(way, found.record.id, 'which has no line for it');
          }
          // A record whose proof is neither stored nor held is asked for again: nobody could prove it from here once the database is gone.
          if (found.proof === 'kept') await this.#lookups.keep(module, found.record, asked);
          if (found.proof === 'held') this.#lookups.hold(module, found.record);
          if (this.#lookups.hasHeld) this.#late.begin();
          return found;
        },
        o,
      );
    } catch (error) {
      if (unfit !== undefined && isAppError(error, 'SUMDB_INCONSISTENT') && !isFork(error)) return unfit;
      throw error;
    }
  }

  async #proveBy(way: Way, fetch: FetchTile, path: string, o: Ask): Promise<Found & Pick<Merged, 'proof'>> {
    const reply = await way.read('lookup', path, { ...o, maxBytes: MAX_LOOKUP_BYTES });
    const { id, text, rest } = parseRecord(reply);
    const head = openHead(rest, this.#parts.setting.key);
    const { hash, treeSize, proof } = await this.#log.merge(head, id, fetch, o);
    if (hash === undefined) throw unproven(way, id, `but the tree has ${treeSize}`);
    if (!equalHashes(hash, recordHash(encodeUtf8(text)))) throw unproven(way, id, 'but that is another in the log');
    return { record: recordOf(id, text), treeSize, proof };
  }

  #proven({ record, treeSize }: Found): ProvenRecord {
    return { database: this.name, record: record.id, treeSize, text: record.text };
  }

  /** The record and the newest head: the same object as long as both stay. */
  #bodyOf(record: KnownRecord, head: SignedHead): Uint8Array {
    const known = this.#bodies.get(record.bytes);
    if (known?.head === head) return known.body;
    const body = inOwnMemory(Buffer.concat([record.bytes, head.note]));
    this.#bodies.set(record.bytes, { head, body });
    return body;
  }

  #absent(attempted: string, why: string): AppError {
    return new AppError('NOT_FOUND', `${attempted} in ${this.name}: ${why}`);
  }

  /** Clients that do not look closely would take such an answer for a proof. */
  #missing(module: ModuleVersion, { id }: KnownRecord): AppError {
    const message = `${lookingUp(module)} in ${this.name}: it answered with record ${id}, which has no line for it`;
    const subject = nameOf(module);
    const detail = { database: this.name, record: id };
    this.#parts.observer.onSecurityEvent({ kind: 'record-missing', subject, message, detail });
    return new AppError('SUMDB_INCONSISTENT', message, { detail });
  }
}

/** In escaped form. */
function nameOf({ path, version }: ModuleVersion): string {
  return `${escapePath(path)}@${escapeVersion(version)}`;
}

function lookingUp({ path, version }: ModuleVersion): string {
  return `look up ${path}@${version}`;
}

function unproven({ host }: Way, id: number, why: string): AppError {
  return new AppError('SUMDB_INCONSISTENT', `${host} answers with record ${id}, ${why}`);
}
