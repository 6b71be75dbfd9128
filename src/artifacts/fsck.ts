/**
 * Checks what is stored against its records, and repairs it. Reads everything once, in the order of the keys, and holds nothing but counts
 * and the first findings. A server may work on the same store meanwhile: what is younger than a few minutes and only half there is left alone.
 */
import type { ArtifactId } from '../gomod/module.ts';
import { type Ask, throwIfAborted } from '../std/ask.ts';
import { encodeUtf8 } from '../std/bytes.ts';
import type { Clock } from '../std/clock.ts';
import { AppError, isAppError, messageOf } from '../std/errors.ts';
import type { Spooled } from '../std/spooled.ts';
import { readWhole } from '../std/whole.ts';
import type { BlobInfo, BlobStore } from '../storage/store.ts';
import { dataKey, listFileKey, type Place, recordKey } from './layout.ts';
import { listText } from './list-file.ts';
import { type PinVerdictOf, pinFault } from './pin-fault.ts';
import type { Provenance } from './provenance.ts';
import { type BodySpool, Quarantine } from './quarantine.ts';
import { Records } from './records.ts';
import { StoredBytes } from './stored-bytes.ts';
import { storedKeys, storedRecords } from './stored-keys.ts';

/**
 * `partial` a record without its data, or a module without its list for static servers, or with data cut short · `altered` data, or a record, that is not what was written · `orphaned` data without a record ·
 * `foreign` a file that Larder did not write; it is told of and never touched.
 */
type FindingKind = 'partial' | 'altered' | 'orphaned' | 'foreign';

interface Finding {
  readonly kind: FindingKind;
  /** Key in the store, which is the path below the data folder. */
  readonly path: string;
  /** What is wrong, and what was done about it; one line. */
  readonly what: string;
  readonly repaired: boolean;
}

export interface FsckReport {
  /** Records and data files looked at. */
  readonly checked: number;
  /** Bytes of artifacts read. */
  readonly sizeBytes: number;
  /** Of all findings, also of those beyond the ones kept. */
  readonly counts: Readonly<Record<FindingKind | 'repaired', number>>;
  /** The first 10,000, in the order found. */
  readonly findings: readonly Finding[];
}

export interface FsckOptions extends Ask {
  readonly store: BlobStore;
  /** Where bytes lie on their way to the quarantine. */
  readonly spool: BodySpool;
  readonly clock: Clock;
  readonly repair: boolean;
  /** What the operator's go.sum files say of stored hashes. What contradicts them is told and never touched. */
  readonly pinVerdict?: PinVerdictOf;
  /** Files that no key of the store can name, as the adapter tells of them. */
  readonly strangers?: AsyncIterable<string>;
  /** With repair: gets the artifact anew, after its damaged bytes were put aside. Rejects when it cannot. */
  readonly refetch?: (scope: string, id: ArtifactId, o: Ask) => Promise<unknown>;
  /** With repair: verifies data that has no record and commits it. Rejects when it is not sound; then it goes to the quarantine, unless it is SUMDB_UNAVAILABLE that was said. `body` is discarded afterwards. */
  readonly adopt?: (scope: string, id: ArtifactId, body: Spooled, o: Ask) => Promise<unknown>;
  /** The h1 of a zip, to compare with the record beside its SHA-256. `body` is discarded afterwards. */
  readonly zipHash?: (id: ArtifactId, body: Spooled, o: Ask) => Promise<string>;
  /** Called after each thing looked at, with how many that makes. */
  readonly onProgress?: (checked: number) => unknown;
  /** Data without record or record without data that is younger than this is someone at work, ms (default 5 minutes). */
  readonly recentMs?: number;
}

const MAX_FINDINGS = 10_000;
const RECENT_MS = 5 * 60_000;
const MAX_LIST_BYTES = 64 * 1024 * 1024;

/** Checks the whole store. Rejects with STORE_UNAVAILABLE when it cannot be read, or ABORTED; what is wrong in it is in the report. */
export async function fsck(options: FsckOptions): Promise<FsckReport> {
  return await new Fsck(options).run();
}

class Fsck {
  readonly #o: FsckOptions;
  readonly #records: Records;
  readonly #bytes: StoredBytes;
  readonly #quarantine: Quarantine;
  readonly #findings: Finding[] = [];
  readonly #counts = { partial: 0, altered: 0, orphaned: 0, foreign: 0, repaired: 0 };
  #checked = 0;
  #sizeBytes = 0;

  constructor(options: FsckOptions) {
    this.#o = options;
    this.#records = new Records(options.store);
    this.#bytes = new StoredBytes(options);
    this.#quarantine = new Quarantine(options);
  }

  async run(): Promise<FsckReport> {
    await this.#checkLists();
    await this.#each('record', (place, info) => this.#checkRecord(place, info));
    await this.#each('data', (place, info) => this.#checkOrphan(place, info));
    for await (const path of this.#o.strangers ?? []) this.#tellForeign(path);
    return { checked: this.#checked, sizeBytes: this.#sizeBytes, counts: this.#counts, findings: this.#findings };
  }

  /** Walks the keys; foreign ones are told of in the walk over the data. */
  async #each(what: 'record' | 'data', check: (place: Place, info: BlobInfo) => Promise<void>): Promise<void> {
    for await (const { info, meaning } of storedKeys(this.#o.store, this.#o)) {
      if (meaning.what === what) await this.#count(check(meaning.place, info));
      else if (meaning.what === 'foreign' && what === 'data') this.#tellForeign(info.key);
    }
  }

  async #count(checking: Promise<void>): Promise<void> {
    await checking;
    this.#checked++;
    this.#o.onProgress?.(this.#checked);
    throwIfAborted(this.#o.signal);
  }

  // ---------------------------------------------------------------- records and their data

  async #checkRecord(place: Place, info: BlobInfo): Promise<void> {
    try {
      const record = await this.#records.read(place, this.#o);
      if (record !== undefined) await this.#checkData(place, record, info);
    } catch (error) {
      if (!isAppError(error, 'STORE_CORRUPT')) throw error;
      await this.#putAside('altered', recordKey(place), place, error.message);
    }
  }

  async #checkData(place: Place, record: Provenance, recordInfo: BlobInfo): Promise<void> {
    try {
      const found = await this.#bytes.sum(place, this.#o);
      if (found === undefined) {
        if (!this.#isRecent(recordInfo)) await this.#restore('partial', place, 'it has a record but no data');
        return;
      }
      this.#sizeBytes += found.sizeBytes;
      const kind = found.sizeBytes < record.sizeBytes ? 'partial' : 'altered';
      const fault = await this.#bytes.fault(place, record, found, this.#o);
      if (fault !== undefined) await this.#replace(kind, place, fault);
      else this.#checkPin(place, record);
    } catch (error) {
      if (!isAppError(error, 'STORE_CORRUPT')) throw error;
      await this.#replace('altered', place, error.message);
    }
  }

  #checkPin(place: Place, { h1, source }: Provenance): void {
    const fault = pinFault(this.#o.pinVerdict, place.id, h1);
    if (fault === undefined) return;
    this.#tell(
      'altered',
      dataKey(place),
      `${fault.what}; it came from ${source}: find out which of them is right`,
      false,
    );
  }

  async #replace(kind: FindingKind, place: Place, fault: string): Promise<void> {
    if (!this.#o.repair) return this.#tell(kind, dataKey(place), fault, false);
    const failure = await this.#move(dataKey(place), place, fault);
    if (failure !== undefined) return this.#tell(kind, dataKey(place), `${fault}; ${failure}`, false);
    await this.#restore(kind, place, `${fault}; put aside`);
  }

  /** The record stays and says what the new bytes must be, whether they come now or later. */
  async #restore(kind: FindingKind, place: Place, fault: string): Promise<void> {
    const { repair, refetch } = this.#o;
    if (!repair || refetch === undefined) return this.#tell(kind, dataKey(place), fault, false);
    try {
      await refetch(place.scope, place.id, this.#o);
      this.#tell(kind, dataKey(place), `${fault}; fetched again`, true);
    } catch (error) {
      throwIfAborted(this.#o.signal);
      this.#tell(kind, dataKey(place), `${fault}; could not be fetched again: ${messageOf(error)}`, false);
    }
  }

  // ---------------------------------------------------------------- data without a record

  async #checkOrphan(place: Place, info: BlobInfo): Promise<void> {
    if ((await this.#o.store.head(recordKey(place), this.#o)) !== undefined || this.#isRecent(info)) return;
    const fault = 'it has no record';
    const { repair, adopt } = this.#o;
    if (!repair) return this.#tell('orphaned', info.key, fault, false);
    try {
      if (adopt === undefined) throw new AppError('INTERNAL', 'nobody can verify it');
      await this.#bytes.withBody(place, (body) => adopt(place.scope, place.id, body, this.#o), this.#o);
      await this.#writeList(place);
      this.#tell('orphaned', info.key, `${fault}; verified and adopted`, true);
    } catch (error) {
      throwIfAborted(this.#o.signal);
      // That nobody can vouch for it now says nothing of it.
      if (isAppError(error, 'SUMDB_UNAVAILABLE'))
        return this.#tell('orphaned', info.key, `${fault}; not judged: ${error.message}`, false);
      await this.#putAside('orphaned', info.key, place, `${fault}; not adopted: ${messageOf(error)}`);
    }
  }

  #isRecent({ storedAt }: BlobInfo): boolean {
    const age = this.#o.clock.now() - storedAt;
    return age >= 0 && age < (this.#o.recentMs ?? RECENT_MS);
  }

  // ---------------------------------------------------------------- lists for static servers

  /** First, so that a list is wrong only when it was so before anything was repaired. The keys of one module stand together. */
  async #checkLists(): Promise<void> {
    let before: { readonly key: string; readonly place: Place; isRecent: boolean } | undefined;
    for await (const { info, place } of storedRecords(this.#o.store, this.#o)) {
      const key = listFileKey(place.scope, place.id.module.path);
      if (before?.key !== key) {
        await this.#checkList(before);
        before = { key, place, isRecent: false };
      }
      before.isRecent ||= this.#isRecent(info);
    }
    await this.#checkList(before);
  }

  async #checkList(
    module: { readonly key: string; readonly place: Place; readonly isRecent: boolean } | undefined,
  ): Promise<void> {
    if (module === undefined || module.isRecent) return;
    const { key, place } = module;
    const wanted = await this.#listText(place);
    const found = await this.#o.store.open(key, this.#o);
    if (found === undefined && wanted === undefined) return;
    const text =
      found && (await readWhole(found.reader, found.info.sizeBytes, MAX_LIST_BYTES, this.#o).catch(() => ''));
    if (text !== undefined && Buffer.from(text).toString() === wanted) return;
    const fault = text === undefined ? 'the list for static servers is missing' : 'it does not say what is stored';
    const isRepaired = this.#o.repair && (await this.#writeList(place));
    this.#tell(
      text === undefined ? 'partial' : 'altered',
      key,
      isRepaired ? `${fault}; written again` : fault,
      isRepaired,
    );
  }

  async #listText({ scope, id }: Place): Promise<string | undefined> {
    return listText(await this.#records.versions(scope, id.module.path, this.#o));
  }

  /** Whether it could be done: the list is a convenience, and the check goes on without it. */
  async #writeList(place: Place): Promise<boolean> {
    const key = listFileKey(place.scope, place.id.module.path);
    try {
      const text = await this.#listText(place);
      if (text === undefined) await this.#o.store.delete(key, this.#o);
      else await this.#o.store.publish(key, encodeUtf8(text), this.#o);
      return true;
    } catch {
      throwIfAborted(this.#o.signal);
      return false;
    }
  }

  // ---------------------------------------------------------------- what is done and told

  async #putAside(kind: FindingKind, key: string, place: Place, fault: string): Promise<void> {
    if (!this.#o.repair) return this.#tell(kind, key, fault, false);
    const failure = await this.#move(key, place, fault);
    if (key === recordKey(place)) await this.#writeList(place);
    this.#tell(kind, key, `${fault}; ${failure ?? 'put aside'}`, failure === undefined);
  }

  /** Undefined when done, else why not. Unlike the server, which must get on, this keeps bytes in their place when no copy can be kept. */
  async #move(key: string, place: Place, reason: string): Promise<string | undefined> {
    try {
      await this.#quarantine.move(key, place, { reason }, this.#o);
      return undefined;
    } catch (error) {
      throwIfAborted(this.#o.signal);
      return `could not be put aside: ${messageOf(error)}`;
    }
  }

  #tellForeign(path: string): void {
    this.#tell('foreign', path, 'not written by Larder; look at it and move it away', false);
  }

  #tell(kind: FindingKind, path: string, what: string, repaired: boolean): void {
    this.#counts[kind]++;
    if (repaired) this.#counts.repaired++;
    if (this.#findings.length < MAX_FINDINGS) this.#findings.push({ kind, path, what, repaired });
  }
}
