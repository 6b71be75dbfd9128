import { escapePath, escapeVersion, type ModuleVersion } from '../gomod/module.ts';
import { type Ask, waitFor } from '../std/ask.ts';
import type { Clock } from '../std/clock.ts';
import { AppError } from '../std/errors.ts';
import type { ProvenRecord } from '../verify/checksum-database.ts';
import { catchUp } from './cover.ts';
import type { Heads } from './heads.ts';
import type { Log } from './log.ts';
import type { LedgerObserver } from './observer.ts';
import type { IndexEntry, RecordIndex } from './record-index.ts';
import { haveSameSums, isRecordOf } from './records.ts';

/** Bounds of the sequencer. */
export interface SequencerLimits {
  /** Requests that wait; one more is OVERLOADED. */
  readonly queued: number;
  /** Records of one batch. */
  readonly batchRecords: number;
  /** Their texts together, bytes. With 255 records of before that are 4 KiB at most, the state stays below the 4 MiB of a register. */
  readonly batchBytes: number;
}

const DEFAULT_LIMITS: SequencerLimits = {
  queued: 8192,
  batchRecords: 4096,
  batchBytes: 2 * 1024 * 1024,
};

/** Rounds of one batch; each means that another process added records in between. */
const MAX_ROUNDS = 50;

export interface SequencerParts {
  readonly log: Log;
  readonly index: RecordIndex;
  readonly heads: Heads;
  readonly observer: LedgerObserver;
  readonly clock: Clock;
  readonly limits?: Partial<SequencerLimits>;
}

interface Wanted {
  /** Absent: only the newest head is asked for. */
  readonly module?: ModuleVersion;
  /** Absent: only what is logged already is asked for. */
  readonly text?: string;
}

interface Waiting extends Wanted {
  readonly resolve: (record: ProvenRecord | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The only writer of the log in this process. Requests that come while a batch is being made durable form the next batch, so the cost of a durable write is
 * shared by all who wait. (path, version) is unique, and the first sum stays for ever.
 */
export class Sequencer {
  readonly #parts: SequencerParts;
  readonly #limits: SequencerLimits;
  readonly #stop = new AbortController();
  readonly #queue: Waiting[] = [];
  #running: Promise<void> | undefined;
  #isClosed = false;

  constructor(parts: SequencerParts) {
    this.#parts = parts;
    this.#limits = { ...DEFAULT_LIMITS, ...parts.limits };
  }

  /**
   * The record of `module`: the one that is logged, else `text`, which was checked, logged now. Resolves when it is durable and a head that contains it is published.
   * Rejects with OVERLOADED, ABORTED (also when closed), or what the store says; then the record may be in the log or not, and may be offered again.
   */
  async append(module: ModuleVersion, text: string, o: Ask): Promise<ProvenRecord> {
    const record = await this.#enqueue({ module, text }, o);
    if (record === undefined) throw new AppError('INTERNAL', `log ${module.path}@${module.version}: it has no record`);
    return record;
  }

  /** The record of `module`, under a published head, when it is logged by whatever process. */
  async confirm(module: ModuleVersion, o: Ask): Promise<ProvenRecord | undefined> {
    return await this.#enqueue({ module }, o);
  }

  /** Publishes what other processes have added. */
  async keepUp(o: Ask): Promise<void> {
    await this.#enqueue({}, o);
  }

  /** Takes no more, and resolves when what was taken is done. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#running;
    this.#stop.abort();
  }

  async #enqueue(wanted: Wanted, o: Ask): Promise<ProvenRecord | undefined> {
    const attempt = wanted.module === undefined ? 'read the ledger' : `log ${keyOf(wanted.module)}`;
    if (this.#isClosed) throw new AppError('ABORTED', `${attempt}: the ledger is closed`);
    if (this.#queue.length >= this.#limits.queued)
      throw new AppError('OVERLOADED', `${attempt}: ${this.#queue.length} records wait already`);
    const { promise, resolve, reject } = Promise.withResolvers<ProvenRecord | undefined>();
    this.#queue.push({ ...wanted, resolve, reject });
    this.#running ??= this.#run();
    return await waitFor(promise, o.signal);
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#takeBatch();
      try {
        await this.#process(batch);
      } catch (error) {
        for (const waiting of batch) waiting.reject(error);
      }
    }
    this.#running = undefined;
  }

  #takeBatch(): readonly Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { text = '' } of this.#queue) {
      // Three bytes at most for each unit of a string.
      bytes += text.length * 3;
      if (count > 0 && (bytes > this.#limits.batchBytes || count >= this.#limits.batchRecords)) break;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  async #process(batch: readonly Waiting[]): Promise<void> {
    const { log, heads } = this.#parts;
    const o = { signal: this.#stop.signal };
    const numbers = await this.#logAll(batch, o);
    await heads.publish(log.head, o);
    for (const waiting of batch) await this.#answer(waiting, numbers, o);
  }

  /** Logs what is not logged yet, and returns the number of each module's record. */
  async #logAll(batch: readonly Waiting[], o: Ask): Promise<Numbers> {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const numbers = await this.#tryToLog(batch, o);
      if (numbers !== undefined) return numbers;
    }
    throw new AppError('CONFLICT', 'append to the ledger: other processes keep being first');
  }

  /** One round; undefined when another process was first, whose records are known by then, or when the index has to be made again first. */
  async #tryToLog(batch: readonly Waiting[], o: Ask): Promise<Numbers | undefined> {
    const { log, index, observer, clock } = this.#parts;
    const startedAt = clock.monotonic();
    await log.refreshIfUnsure(o);
    // Also what another process added: together with this batch it would be too much for the register.
    await log.settle(o);
    await catchUp(index, log, o);
    const sorted = await this.#sortSurely(batch, o);
    if (sorted === undefined) return undefined;
    const { numbers, fresh } = sorted;
    if (fresh.length === 0) return numbers;
    const first = log.head.size;
    const texts = fresh.map(({ text }) => text);
    if ((await log.append(texts, o)) === 'conflict') return undefined;
    const entries = fresh.map(({ module }, i) => ({ module, number: first + i }));
    index.add(entries, { log: log.key.text, from: first, head: log.head });
    observer.onAppended({ records: fresh.length, size: log.head.size, durationMs: clock.monotonic() - startedAt });
    return numbers;
  }

  /** Undefined unless the index is that of the log as it is known here, whatever other processes or a damaged disk did to it. */
  async #sortSurely(batch: readonly Waiting[], o: Ask): Promise<Sorted | undefined> {
    const { log, index } = this.#parts;
    const sorted = this.#sort(batch);
    const covered = index.covered().size;
    // More: another process was first. Less: it was emptied since it was caught up.
    if (covered > log.head.size) await log.refresh(o);
    if (covered !== sorted.size) return undefined;
    if (!(await this.#isMisled(sorted.known, o))) return sorted;
    index.clear();
    return undefined;
  }

  #sort(batch: readonly Waiting[]): Sorted {
    const { log, index } = this.#parts;
    const numbers = new Map<string, number>();
    const known: IndexEntry[] = [];
    const fresh: Fresh[] = [];
    for (const { module, text } of batch) {
      if (module === undefined || numbers.has(keyOf(module))) continue;
      const number = index.find(module);
      if (number !== undefined) known.push({ module, number });
      else if (text === undefined) continue;
      else fresh.push({ module, text });
      numbers.set(keyOf(module), number ?? log.head.size + fresh.length - 1);
    }
    return { size: log.head.size, numbers, known, fresh };
  }

  /** Whether the index names a record that is not the module's: it was damaged, or changed by somebody else. */
  async #isMisled(known: readonly IndexEntry[], o: Ask): Promise<boolean> {
    const { view } = this.#parts.log;
    for (const { module, number } of known)
      if (number >= view.size || !isRecordOf(await view.record(number, o), module)) return true;
    return false;
  }

  async #answer({ module, text: offered, resolve, reject }: Waiting, numbers: Numbers, o: Ask): Promise<void> {
    const number = module && numbers.get(keyOf(module));
    if (module === undefined || number === undefined) return resolve(undefined);
    try {
      const { log, observer } = this.#parts;
      const text = await log.view.record(number, o);
      if (offered !== undefined && !haveSameSums(module, text, offered))
        observer.onRetagged({
          subject: `${escapePath(module.path)}@${escapeVersion(module.version)}`,
          logged: text,
          offered,
        });
      resolve({ database: log.key.name, record: number, treeSize: log.head.size, text });
    } catch (error) {
      reject(error);
    }
  }
}

/** Of each module that has a record, or will have one when what is fresh is appended. */
type Numbers = ReadonlyMap<string, number>;

interface Fresh {
  readonly module: ModuleVersion;
  readonly text: string;
}

interface Sorted {
  /** Of the log then. */
  readonly size: number;
  readonly numbers: Numbers;
  /** By the index. */
  readonly known: readonly IndexEntry[];
  /** In the order of their numbers. */
  readonly fresh: readonly Fresh[];
}

function keyOf({ path, version }: ModuleVersion): string {
  return `${path}@${version}`;
}
