import type { ModuleVersion } from '../gomod/module.ts';
import type { Ask } from '../std/ask.ts';
import { isAppError } from '../std/errors.ts';
import { dataKey, type Place } from './layout.ts';
import type { PinVerdictOf } from './pin-fault.ts';
import type { Provenance } from './provenance.ts';
import { Records } from './records.ts';
import { sizeFault, StoredBytes, type StoredBytesOptions } from './stored-bytes.ts';
import { type CheckedProof, type Standing, standingOf, type Wrong } from './standing.ts';
import { type Prover, StoredProofs } from './stored-proofs.ts';

export interface AuditOptions extends StoredBytesOptions {
  /** The databases that may prove what is stored here. Of others, such as those that are only relayed, nothing is expected. */
  readonly provers: readonly Prover[];
  /** What the operator's go.sum files say of stored hashes. */
  readonly pinVerdict: PinVerdictOf;
}

/** What looking at one stored artifact came to. */
export interface Audited {
  /** Absent when the record itself cannot be read. */
  readonly record?: Provenance;
  /** Bytes that were read. */
  readonly sizeBytes: number;
  readonly standing: Standing;
}

/** Looks again at why stored artifacts are believed: bytes against records, hashes against proofs and pins. Changes nothing and asks nobody. */
export class Audit {
  readonly #o: AuditOptions;
  readonly #records: Records;
  readonly #bytes: StoredBytes;
  readonly #proofs: StoredProofs;

  constructor(options: AuditOptions) {
    this.#o = options;
    this.#records = new Records(options.store);
    this.#bytes = new StoredBytes(options);
    this.#proofs = new StoredProofs(options.provers);
  }

  /** The artifact at `place`, its bytes read; undefined when it has no record. Rejects with STORE_UNAVAILABLE, OVERLOADED or ABORTED; whatever is wrong is an answer. */
  async look(place: Place, o: Ask): Promise<Audited | undefined> {
    const first = await this.#read(place, (record) => this.#compare(place, record, o), o);
    const isDamaged = first?.standing.is === 'wrong' && first.standing.fault === 'damaged';
    // A server on the same folder may have put other bytes and another record there between the two readings.
    return isDamaged ? await this.#read(place, (record) => this.#compare(place, record, o), o) : first;
  }

  /** The same without reading its bytes: only that they are there, and as many as they should be. */
  async glance(place: Place, o: Ask): Promise<Audited | undefined> {
    return await this.#read(place, (record) => this.#measure(place, record, o), o);
  }

  /** The stored proofs of `module`, checked again; also when nothing else of it is stored. Rejects likewise. */
  async proofs(module: ModuleVersion, o: Ask): Promise<readonly CheckedProof[]> {
    return await this.#proofs.of(module, o);
  }

  async #read(place: Place, judge: (record: Provenance) => Promise<Audited>, o: Ask): Promise<Audited | undefined> {
    try {
      const record = await this.#records.read(place, o);
      return record && (await judge(record));
    } catch (error) {
      if (!isAppError(error, 'STORE_CORRUPT')) throw error;
      return { sizeBytes: 0, standing: damaged(error.message) };
    }
  }

  async #compare(place: Place, record: Provenance, o: Ask): Promise<Audited> {
    const found = await this.#bytes.sum(place, o);
    const fault = found === undefined ? NO_DATA : await this.#bytes.fault(place, record, found, o);
    return await this.#judged(place, { record, sizeBytes: found?.sizeBytes ?? 0, fault }, o);
  }

  async #measure(place: Place, record: Provenance, o: Ask): Promise<Audited> {
    const found = await this.#o.store.head(dataKey(place), o);
    const fault = found === undefined ? NO_DATA : sizeFault(found, record);
    return await this.#judged(place, { record, sizeBytes: found?.sizeBytes ?? 0, fault }, o);
  }

  async #judged(
    { id }: Place,
    { record, sizeBytes, fault }: { record: Provenance; sizeBytes: number; fault: string | undefined },
    o: Ask,
  ): Promise<Audited> {
    if (fault !== undefined) return { record, sizeBytes, standing: damaged(fault) };
    const proofs = id.kind === 'info' ? [] : await this.#proofs.of(id.module, o);
    const evidence = { proofs, databases: this.#proofs.names, pinVerdict: this.#o.pinVerdict };
    return { record, sizeBytes, standing: standingOf(id, record, evidence) };
  }
}

const NO_DATA = 'it has a record but no data';

function damaged(what: string): Wrong {
  return { is: 'wrong', fault: 'damaged', what };
}
