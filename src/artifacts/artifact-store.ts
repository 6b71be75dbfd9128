/**
 * The commit rule. An artifact is its data and, after it, its record; it exists when it has a record, and only data that is what the
 * record says is given out. Each part is put if absent and is durable before the next step, so a crash anywhere leaves at most an
 * orphan: data without a record, which nobody reads and the next commit adopts.
 */
import { LRUCache } from 'lru-cache';
import type { ArtifactId, ModulePath, Version } from '../gomod/module.ts';
import { type Ask, waitFor } from '../std/ask.ts';
import { inOwnMemory } from '../std/bytes.ts';
import type { Clock } from '../std/clock.ts';
import { AppError, isAppError, messageOf } from '../std/errors.ts';
import { recentEntries } from '../std/recent.ts';
import type { Spooled } from '../std/spooled.ts';
import { readWhole } from '../std/whole.ts';
import type { BlobInfo, BlobReader, BlobStore, ByteRange } from '../storage/store.ts';
import type { Unproven, Verification, Verified } from '../verify/verified.ts';
import { type Artifact, MemoryArtifact } from './artifact.ts';
import { dataKey, type Place, recordKey } from './layout.ts';
import { ListFiles } from './list-file.ts';
import type { ArtifactObserver, Damage } from './observer.ts';
import { type Provenance, provenanceOf } from './provenance.ts';
import { type PinVerdictOf, pinFault } from './pin-fault.ts';
import { type BodySpool, Quarantine } from './quarantine.ts';
import { Records } from './records.ts';
import { sum, sumOf } from './whole-blob.ts';

export interface ArtifactStoreOptions {
  readonly store: BlobStore;
  /** Where bytes lie on their way to the quarantine. */
  readonly spool: BodySpool;
  readonly clock: Clock;
  readonly observer: ArtifactObserver;
  /** What the operator's go.sum files say of stored hashes (default: nothing). */
  readonly pinVerdict?: PinVerdictOf;
  /** Artifacts up to this size are kept in memory (default 8 MiB). */
  readonly memoryArtifactBytes?: number;
  /** All artifacts in memory together (default 256 MiB). */
  readonly memoryBytes?: number;
  /** How long the check of an artifact that is not in memory holds, ms (default 24 h). */
  readonly checkEveryMs?: number;
  /** How long another process may take between data and record before its data counts as left behind, ms (default 10 s). */
  readonly orphanGraceMs?: number;
}

const MIB = 1024 * 1024;
const DAY_MS = 24 * 60 * 60_000;
/** Large artifacts whose record and last check are remembered. */
const REMEMBERED = 50_000;
/** What an entry costs beside its bytes. */
const ENTRY_BYTES = 1024;
/** Rounds of a commit; each means that another process did something in between. */
const MAX_ROUNDS = 8;
const POLL_MS = 100;
/** By whom a hash was known before the bytes came. */
const VOUCHED: readonly Verification['by'][] = ['sumdb', 'ledger', 'go.sum'];
const NEVER: Ask = { signal: new AbortController().signal };

/** A large artifact and when its bytes were last found right. */
interface Known {
  readonly artifact: Artifact;
  /** Monotonic. */
  readonly checkedAt: number;
  /** Of the file that was checked: another one in its place is checked anew. */
  readonly storedAt: number;
}

/** The immutable artifacts of all scopes. Rejects with STORE_UNAVAILABLE, CHECKSUM_MISMATCH, TOO_LARGE, CONFLICT or ABORTED. */
export class ArtifactStore {
  readonly #store: BlobStore;
  readonly #clock: Clock;
  readonly #observer: ArtifactObserver;
  readonly #records: Records;
  readonly #quarantine: Quarantine;
  readonly #lists: ListFiles;
  readonly #pinVerdict: PinVerdictOf | undefined;
  readonly #memoryArtifactBytes: number;
  readonly #checkEveryMs: number;
  readonly #orphanGraceMs: number;
  readonly #memory: LRUCache<string, MemoryArtifact>;
  readonly #known = recentEntries<string, Known>(REMEMBERED);
  /** Loads under way, shared by all who ask; never more than there are askers. */
  readonly #loading = new Map<string, Promise<Artifact | undefined>>();

  constructor(options: ArtifactStoreOptions) {
    const { store, clock, observer } = options;
    this.#store = store;
    this.#clock = clock;
    this.#observer = observer;
    this.#records = new Records(store);
    this.#quarantine = new Quarantine(options);
    this.#lists = new ListFiles({ store, records: this.#records, clock, observer });
    this.#pinVerdict = options.pinVerdict;
    this.#memoryArtifactBytes = options.memoryArtifactBytes ?? 8 * MIB;
    this.#checkEveryMs = options.checkEveryMs ?? DAY_MS;
    this.#orphanGraceMs = options.orphanGraceMs ?? 10_000;
    this.#memory = new LRUCache({
      maxSize: options.memoryBytes ?? 256 * MIB,
      sizeCalculation: ({ bytes }) => bytes.length + ENTRY_BYTES,
    });
  }

  /** The artifact when its bytes are in memory: no waiting, no IO. */
  inMemory(scope: string, id: ArtifactId): Artifact | undefined {
    return this.#memory.get(memoryKey(scope, id));
  }

  /**
   * The artifact, its bytes checked against the record, or undefined when there is none. Damaged bytes are put aside and count as none, so the
   * caller fetches them anew; the record stays and says what the new ones must be. Rejects with CHECKSUM_MISMATCH when a trusted go.sum has
   * another hash than the record.
   */
  async find(scope: string, id: ArtifactId, o: Ask): Promise<Artifact | undefined> {
    return this.inMemory(scope, id) ?? (await this.#load({ scope, id }, o));
  }

  /**
   * Stores `verified`, durably, and returns what is stored from now on: what was there first, when its h1 agrees (for `.info`: always, it is of
   * the same version). Rejects with CHECKSUM_MISMATCH when it does not; the new bytes are then in quarantine. The body stays the caller's.
   */
  async commit(scope: string, verified: Verified, o: Ask): Promise<Artifact> {
    const place = { scope, id: verified.id };
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const artifact = await this.#tryCommit(place, verified, o);
      if (artifact === undefined) continue;
      this.#tellUnproven(place, artifact.record);
      if (place.id.kind !== 'zip') this.#lists.touch(scope, place.id.module.path);
      this.#observer.onCommitted?.({ id: place.id, verification: artifact.record.verification });
      return artifact;
    }
    throw new AppError('CONFLICT', `commit ${dataKey(place)}: others keep changing it`);
  }

  /** Versions of which an info or a go.mod is stored, pseudo-versions among them, in semver order; at most 100,000. */
  async versions(scope: string, module: ModulePath, o: Ask): Promise<readonly Version[]> {
    return await this.#records.versions(scope, module, o);
  }

  /**
   * Takes stored bytes that someone found damaged out of the way, to the quarantine, after looking for itself: sound bytes stay, so that one
   * reader's bad luck does not cost everyone a fetch. The record stays too: what is committed next must agree with it.
   */
  async quarantine(scope: string, id: ArtifactId, reason: string, o: Ask): Promise<void> {
    this.forget(scope, id);
    this.#tell('altered', dataKey({ scope, id }), reason);
    await this.#load({ scope, id }, o);
  }

  /** Writes into the record of `unproven` why it is believed from now on. Does nothing when it is no longer what is stored. */
  async reverified({ scope, id, h1 }: Unproven, verification: Verification, o: Ask): Promise<void> {
    const place = { scope, id };
    const record = await this.#readRecord(place, o);
    if (record?.h1 !== h1) return;
    await this.#records.delete(place, o);
    await this.#records.putIfAbsent(place, { ...record, verification }, o);
    await this.#forgetLoads(place);
  }

  /** Takes `unproven`, which turned out to be wrong, to the quarantine, record and all. Does nothing when it is no longer what is stored. */
  async refute({ scope, id, h1 }: Unproven, reason: string, o: Ask): Promise<void> {
    const place = { scope, id };
    const record = await this.#readRecord(place, o);
    if (record?.h1 !== h1) return;
    this.#tell('mismatch', dataKey(place), reason);
    // The record first: without it the bytes are given out to nobody any more.
    await this.#putAside(recordKey(place), place, reason, o);
    await this.#forgetLoads(place);
    await this.#putAside(dataKey(place), place, reason, o);
    if (id.kind !== 'zip') this.#lists.touch(scope, id.module.path);
  }

  /** Keeps a copy of bytes that were refused before they could be stored. */
  async keepRefused(
    scope: string,
    id: ArtifactId,
    body: Spooled,
    note: { readonly reason: string; readonly source?: string },
    o: Ask,
  ): Promise<void> {
    await this.#quarantine.keep({ scope, id }, body, note, o);
  }

  /** Forgets what memory holds of the artifact; the next find reads the store. */
  forget(scope: string, id: ArtifactId): void {
    this.#memory.delete(memoryKey(scope, id));
    this.#known.delete(memoryKey(scope, id));
  }

  /** Resolves when the views for static servers are up to date. */
  async flush(): Promise<void> {
    await this.#lists.flush();
  }

  /** Writes the views that wait, for at most `graceMs`, and stops. Never rejects. */
  async close(graceMs = 2000): Promise<void> {
    await this.#lists.close(graceMs);
  }

  // ---------------------------------------------------------------- reading

  /** One load for all who ask at once; nobody's leaving stops it for the others. */
  async #load(place: Place, o: Ask): Promise<Artifact | undefined> {
    const key = memoryKey(place.scope, place.id);
    let loading = this.#loading.get(key);
    if (loading === undefined) {
      loading = this.#loadNow(place, key).finally(() => this.#loading.delete(key));
      loading.catch(() => undefined); // all who asked may have left
      this.#loading.set(key, loading);
    }
    return await waitFor(loading, o.signal);
  }

  async #loadNow(place: Place, key: string): Promise<Artifact | undefined> {
    const known = await this.#stillKnown(place, key);
    if (known !== undefined) return known;
    const record = await this.#readRecord(place, NEVER);
    if (record === undefined) return undefined;
    this.#requirePinned(place, record);
    try {
      const isSmall = record.sizeBytes <= this.#memoryArtifactBytes;
      const found = isSmall ? await this.#loadSmall(place, record, key) : await this.#loadLarge(place, record);
      if (found === undefined) return undefined;
      this.#tellUnproven(place, record);
      if (place.id.kind !== 'zip') this.#lists.ensure(place.scope, place.id.module.path);
      return found;
    } catch (error) {
      if (!isAppError(error, 'STORE_CORRUPT')) throw error;
      await this.#condemn(place, error.message, NEVER);
      return undefined;
    }
  }

  /** One look at the file instead of reading record and data. */
  async #stillKnown(place: Place, key: string): Promise<Artifact | undefined> {
    const known = this.#known.get(key);
    if (known === undefined) return undefined;
    const info = await this.#store.head(dataKey(place), NEVER).catch(() => undefined);
    if (info !== undefined && this.#isStillGood(known, info)) return known.artifact;
    this.#known.delete(key);
    return undefined;
  }

  /** A record that cannot be read is put aside: its data is then an orphan, which the next commit adopts or replaces. */
  async #readRecord(place: Place, o: Ask): Promise<Provenance | undefined> {
    try {
      return await this.#records.read(place, o);
    } catch (error) {
      if (!isAppError(error, 'STORE_CORRUPT')) throw error;
      this.#tell('bad-record', recordKey(place), error.message);
      await this.#putAside(recordKey(place), place, error.message, o);
      return undefined;
    }
  }

  /** Stored before the operator pinned another hash: somebody must look which is right. Nothing is taken away, and fetching it again would not help. */
  #requirePinned(place: Place, { h1, source }: Provenance): void {
    const fault = pinFault(this.#pinVerdict, place.id, h1);
    if (fault === undefined) return;
    const message = `find ${dataKey(place)}: ${fault.what}`;
    this.#tell('mismatch', dataKey(place), message);
    throw new AppError('CHECKSUM_MISMATCH', message, {
      detail: { stored: h1, pinned: fault.pinned, file: fault.file, source },
    });
  }

  async #loadSmall(place: Place, record: Provenance, key: string): Promise<Artifact | undefined> {
    const blob = await this.#store.open(dataKey(place), NEVER);
    if (blob === undefined) return this.#missing(place);
    const bytes = await readWhole(blob.reader, blob.info.sizeBytes, record.sizeBytes, NEVER);
    checkSum(place, record, sumOf(bytes));
    const artifact = new MemoryArtifact(place.id, record, bytes);
    this.#memory.set(key, artifact);
    return artifact;
  }

  async #loadLarge(place: Place, record: Provenance): Promise<Artifact | undefined> {
    const blob = await this.#store.open(dataKey(place), NEVER);
    if (blob === undefined) return this.#missing(place);
    checkSum(place, record, await sum(blob.reader, NEVER));
    return this.#remember(place, record, blob.info);
  }

  #remember(place: Place, record: Provenance, { storedAt }: BlobInfo): Artifact {
    const artifact: Artifact = { id: place.id, record, open: (o) => this.#openLarge(place, record, o) };
    this.#known.set(memoryKey(place.scope, place.id), { artifact, checkedAt: this.#clock.monotonic(), storedAt });
    return artifact;
  }

  #isStillGood({ artifact, checkedAt, storedAt }: Known, info: BlobInfo): boolean {
    const isSame = info.storedAt === storedAt && info.sizeBytes === artifact.record.sizeBytes;
    return isSame && this.#clock.monotonic() - checkedAt < this.#checkEveryMs;
  }

  async #openLarge(place: Place, record: Provenance, o: Ask & { readonly range?: ByteRange }): Promise<BlobReader> {
    const key = memoryKey(place.scope, place.id);
    for (let round = 0; round < 2; round++) {
      const blob = await this.#store.open(dataKey(place), o);
      if (blob === undefined) break;
      const known = this.#known.get(key);
      // The record too: another process may have put other bytes of the same h1 in the place of damaged ones.
      if (known?.artifact.record.sha256 === record.sha256 && this.#isStillGood(known, blob.info)) return blob.reader;
      await blob.reader.close();
      if ((await this.#load(place, o)) === undefined) break;
    }
    throw new AppError('STORE_CORRUPT', `open ${dataKey(place)}: the stored bytes were damaged or taken away`);
  }

  #missing(place: Place): undefined {
    this.#tell('partial', dataKey(place), `find ${dataKey(place)}: it has a record but no data`);
    return undefined;
  }

  async #condemn(place: Place, reason: string, o: Ask): Promise<void> {
    this.forget(place.scope, place.id);
    this.#tell('altered', dataKey(place), reason);
    await this.#putAside(dataKey(place), place, reason, o);
  }

  /** Forgets the artifact, also when somebody is just reading it as it was. */
  async #forgetLoads({ scope, id }: Place): Promise<void> {
    await this.#loading.get(memoryKey(scope, id))?.catch(() => undefined);
    this.forget(scope, id);
  }

  /** With a copy if possible, and else without: what is wrong must not stay in the way of what is right. */
  async #putAside(key: string, place: Place, reason: string, o: Ask): Promise<void> {
    try {
      await this.#quarantine.move(key, place, { reason }, o);
    } catch (error) {
      this.#tell('altered', key, `quarantine ${key}: no copy is kept: ${messageOf(error)}`);
      await this.#store.delete(key, o);
    }
  }

  // ---------------------------------------------------------------- committing

  /** One round; undefined when another process changed something and the next round must look again. */
  async #tryCommit(place: Place, verified: Verified, o: Ask): Promise<Artifact | undefined> {
    const existing = await this.#readRecord(place, o);
    if (existing !== undefined) return await this.#settle(place, verified, existing, o);
    const put = await this.#store.putIfAbsent(dataKey(place), verified.body, o);
    if (put === 'exists' && !(await this.#mayAdopt(place, verified, o))) return undefined;
    const record = provenanceOf(verified, this.#clock.now());
    if ((await this.#records.putIfAbsent(place, record, o)) === 'exists') return undefined;
    return await this.#stored(place, verified, record, o);
  }

  /** There is a record: a commit was first. Its bytes stay when they agree and are sound, and are replaced when they are gone or damaged. */
  async #settle(place: Place, verified: Verified, existing: Provenance, o: Ask): Promise<Artifact | undefined> {
    if (existing.h1 !== verified.h1) return await this.#contradicted(place, verified, existing, o);
    const found = await this.#load(place, o);
    if (found !== undefined) return found;
    if ((await this.#store.putIfAbsent(dataKey(place), verified.body, o)) === 'exists') return undefined;
    if (existing.sha256 === verified.body.sha256) return await this.#stored(place, verified, existing, o);
    // Same content, packed differently by an honest builder: the bytes change, what the go command checks does not.
    const record = replacing(existing, provenanceOf(verified, this.#clock.now()));
    await this.#records.delete(place, o);
    if ((await this.#records.putIfAbsent(place, record, o)) === 'exists') return undefined;
    return await this.#stored(place, verified, record, o);
  }

  /** First come, first kept; but what nobody vouched for gives way to what somebody does. */
  async #contradicted(place: Place, verified: Verified, existing: Provenance, o: Ask): Promise<undefined> {
    const isOutranked = existing.verification.by === 'unproven' && VOUCHED.includes(verified.verification.by);
    if (!isOutranked || existing.h1 === undefined) throw await this.#mismatch(place, verified, existing, o);
    const reason = `commit ${dataKey(place)}: it was stored unproven with ${existing.h1}, and proven is ${verified.h1}`;
    await this.refute({ ...place, h1: existing.h1 }, reason, o);
  }

  /** What has just been written was hashed on its way in: it needs no second reading. */
  async #stored(place: Place, { body }: Verified, record: Provenance, o: Ask): Promise<Artifact | undefined> {
    if (body.sizeBytes > this.#memoryArtifactBytes) {
      const info = await this.#store.head(dataKey(place), o);
      return info?.sizeBytes === record.sizeBytes ? this.#remember(place, record, info) : undefined;
    }
    if (body.kind === 'file') return await this.#load(place, o);
    const artifact = new MemoryArtifact(place.id, record, inOwnMemory(body.bytes));
    this.#memory.set(memoryKey(place.scope, place.id), artifact);
    return artifact;
  }

  /**
   * Whether data that has no record is byte for byte what is to be committed. If it is not, either another process is between its data and its
   * record, which is waited for, or one died there: then the orphan is put aside.
   */
  async #mayAdopt(place: Place, { body }: Verified, o: Ask): Promise<boolean> {
    const blob = await this.#store.open(dataKey(place), o);
    if (blob === undefined) return false;
    const { sha256 } = await sum(blob.reader, o);
    if (sha256 === body.sha256) return true;
    if (await this.#recordComes(place, blob.info, o)) return false;
    this.#tell('orphan', dataKey(place), `commit ${dataKey(place)}: data without a record was in the way`);
    await this.#putAside(dataKey(place), place, 'data without a record, not the bytes that were committed later', o);
    return false;
  }

  async #recordComes(place: Place, { storedAt }: BlobInfo, o: Ask): Promise<boolean> {
    // By this machine's clocks only: storedAt may be another's, and may lie in the future.
    const age = Math.max(0, this.#clock.now() - storedAt);
    const until = this.#clock.monotonic() + Math.max(0, this.#orphanGraceMs - age);
    for (;;) {
      if ((await this.#store.head(recordKey(place), o)) !== undefined) return true;
      if (this.#clock.monotonic() >= until) return false;
      await this.#clock.sleep(POLL_MS, o);
    }
  }

  async #mismatch(place: Place, verified: Verified, existing: Provenance, o: Ask): Promise<AppError> {
    const message = `commit ${dataKey(place)} from ${verified.source}: its h1 is ${verified.h1}, stored is ${existing.h1}`;
    this.#tell('mismatch', dataKey(place), message);
    const note = { reason: message, source: verified.source };
    await this.#quarantine.keep(place, verified.body, note, o).catch((error: unknown) => {
      this.#tell('mismatch', dataKey(place), `quarantine ${dataKey(place)}: no copy was kept: ${messageOf(error)}`);
    });
    return new AppError('CHECKSUM_MISMATCH', message, {
      detail: { got: verified.h1, stored: existing.h1, source: verified.source },
    });
  }

  #tellUnproven({ scope, id }: Place, { h1, verification }: Provenance): void {
    if (h1 !== undefined && verification.by === 'unproven') this.#observer.onUnproven?.({ scope, id, h1 });
  }

  #tell(kind: Damage['kind'], key: string, message: string): void {
    this.#observer.onDamage({ kind, key, message });
  }
}

/** The record of bytes that take the place of damaged ones. What was first seen holds, so that a repair does not hide a tag that has moved. */
function replacing({ firstSeen, anchor }: Provenance, record: Provenance): Provenance {
  return { ...record, firstSeen, ...(anchor === undefined ? {} : { anchor }) };
}

/** Cheap to make, and unique: neither scopes nor paths contain a blank. */
function memoryKey(scope: string, { module, kind }: ArtifactId): string {
  return `${scope} ${module.path}@${module.version}.${kind}`;
}

function checkSize(place: Place, record: Provenance, sizeBytes: number): void {
  if (sizeBytes === record.sizeBytes) return;
  throw new AppError(
    'STORE_CORRUPT',
    `check ${dataKey(place)}: ${sizeBytes} bytes, its record says ${record.sizeBytes}`,
  );
}

function checkSum(
  place: Place,
  record: Provenance,
  found: { readonly sizeBytes: number; readonly sha256: string },
): void {
  checkSize(place, record, found.sizeBytes);
  if (found.sha256 === record.sha256) return;
  throw new AppError(
    'STORE_CORRUPT',
    `check ${dataKey(place)}: its SHA-256 is ${found.sha256}, its record says ${record.sha256}`,
  );
}
