/** Our own checksum database. Read this first: what is asked comes in here; `sequencer.ts` writes, `log-view.ts` reads. */
import { escapePath, escapeVersion, type ModuleVersion } from '../gomod/module.ts';
import type { SignerKey } from '../gomod/sumdb/key.ts';
import { formatRecord } from '../gomod/sumdb/text.ts';
import type { Tile } from '../gomod/sumdb/tile.ts';
import { type Ask, waitFor } from '../std/ask.ts';
import type { Clock } from '../std/clock.ts';
import { AppError } from '../std/errors.ts';
import type { ChecksumDatabase, DatabaseAsk, ProvenRecord } from '../verify/checksum-database.ts';
import { fitIndex, type OnCovering } from './cover.ts';
import { checkAgainstCopy, type HeadCopy, ledgerFault, readCopy, requireKeyOf } from './head-copy.ts';
import { Heads } from './heads.ts';
import { Log, type LogParts } from './log.ts';
import type { LedgerObserver } from './observer.ts';
import type { RecordIndex } from './record-index.ts';
import { isWithin } from './log-view.ts';
import { checkRecordText, isRecordOf } from './records.ts';
import { Sequencer, type SequencerLimits } from './sequencer.ts';

/** Finds out what the record of a module that is not logged must say, from whoever proves it. Undefined or NOT_FOUND when there is no such module. */
export type Discover = (module: ModuleVersion, o: Ask) => Promise<string | undefined>;

/** Everything a ledger is made of. */
export interface LedgerParts extends LogParts {
  readonly signer: SignerKey;
  readonly copy: HeadCopy;
  /** Closed with the ledger. */
  readonly index: RecordIndex;
  readonly discover: Discover;
  readonly observer: LedgerObserver;
  readonly clock: Clock;
  readonly limits?: Partial<LedgerLimits>;
}

/** Bounds of a ledger. */
export interface LedgerLimits extends SequencerLimits {
  /** Modules that are being found out about; one more is OVERLOADED. */
  readonly discoveries: number;
}

const DISCOVERIES = 1000;

/**
 * Opens the ledger and publishes its head. Rejects with CONFIG_INVALID and a `detail.fault` (head-copy.ts) when it must not go on from what is stored, with
 * STORE_CORRUPT when what is stored is damaged. What `parts.index` lacks is added; `onCovering` hears how far that is.
 */
export async function openLedger(parts: LedgerParts, o: Ask & { readonly onCovering?: OnCovering }): Promise<Ledger> {
  const { signer, copy, index } = parts;
  const copied = await readCopy(copy, signer.verifier, o);
  const log = await Log.open(parts, o);
  if (log === undefined) throw copied === undefined ? noLog(signer) : logGone(signer, copied.size);
  requireKeyOf(log, signer);
  await checkAgainstCopy(log, copied, o);
  if (copied === undefined && log.head.size > 0) parts.observer.onUnguarded?.({ size: log.head.size });
  await fitIndex(index, log, o);
  const heads = new Heads(signer, copy);
  await heads.publish(log.head, o);
  return new Ledger(parts, log, heads);
}

function noLog({ name }: SignerKey): AppError {
  return ledgerFault('no-log', `there is no log for ${name} in the data folder`, { name });
}

function logGone({ name }: SignerKey, published: number): AppError {
  return ledgerFault('log-gone', `the log of ${name} is gone; its last published head has ${published} records`, {
    name,
    published,
  });
}

/** A checksum database whose records are added here. Its tree heads only grow, and each is durable, here and in a second place, before anybody sees it. */
export class Ledger implements ChecksumDatabase {
  readonly name: string;
  /** For GOSUMDB: `NAME+HASH+KEY`. */
  readonly verifierKey: string;
  readonly #log: Log;
  readonly #heads: Heads;
  readonly #index: RecordIndex;
  readonly #sequencer: Sequencer;
  readonly #discover: Discover;
  readonly #mostDiscoveries: number;
  readonly #discoveries = new Map<string, Promise<ProvenRecord>>();
  readonly #stop = new AbortController();

  /** For openLedger. */
  constructor(parts: LedgerParts, log: Log, heads: Heads) {
    this.name = log.key.name;
    this.verifierKey = log.key.text;
    this.#log = log;
    this.#heads = heads;
    this.#index = parts.index;
    this.#sequencer = new Sequencer({ ...parts, log, heads });
    this.#discover = parts.discover;
    this.#mostDiscoveries = parts.limits?.discoveries ?? DISCOVERIES;
  }

  /** Records under the published head. */
  get size(): number {
    return this.#published().head.size;
  }

  async latest(_o: DatabaseAsk): Promise<Uint8Array> {
    return this.#published().note;
  }

  /** A module that is not logged yet is found out about, logged, and then answered. */
  async lookup(module: ModuleVersion, o: DatabaseAsk): Promise<Uint8Array> {
    const found = (await this.find(module, o)) ?? (o.mayFetch === 'no' ? undefined : await this.record(module, o));
    if (found === undefined) throw notLogged(module, this.name);
    return Buffer.concat([formatRecord(found.record, found.text), this.#published().note]);
  }

  async tile(tile: Tile, o: DatabaseAsk): Promise<Uint8Array> {
    // A client that was answered by another process on this log asks here for the tiles of that one's head.
    if (!isWithin(tile, this.size) && this.#index.covered().size > this.size) await this.#sequencer.keepUp(o);
    return await this.#log.view.tile(tile, this.size, o);
  }

  canServe(): boolean {
    return true;
  }

  /** What is logged about `module`, under a head that is published. */
  async find(module: ModuleVersion, o: Ask): Promise<ProvenRecord | undefined> {
    const record = this.#index.find(module);
    const { size: treeSize } = this.#published().head;
    if (record === undefined && this.#index.covered().size >= treeSize) return undefined;
    const text = record !== undefined && record < treeSize ? await this.#log.view.record(record, o) : undefined;
    // The index may be ahead of the head, behind it, or damaged: the sequencer can tell.
    if (record === undefined || text === undefined || !isRecordOf(text, module))
      return await this.#sequencer.confirm(module, o);
    return { database: this.name, record, treeSize, text };
  }

  /** What is logged about `module`, after it was found out and logged if need be. All who ask at once share the work. NOT_FOUND when there is no such module. */
  async record(module: ModuleVersion, o: Ask): Promise<ProvenRecord> {
    return (await this.find(module, o)) ?? (await waitFor(this.#discovered(module), o.signal));
  }

  /**
   * Logs `text` as the record of `module`; when one is logged already, that is the answer, and the observer hears when it has other sums. Rejects with
   * SUMDB_INCONSISTENT when `text` is not a record of `module`, OVERLOADED, ABORTED, STORE_UNAVAILABLE or STORE_CORRUPT.
   */
  async append(module: ModuleVersion, text: string, o: Ask): Promise<ProvenRecord> {
    checkRecordText(text, module);
    return await this.#sequencer.append(module, text, o);
  }

  /** Takes no more records, and resolves when those that were taken are durable. Never rejects. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled(this.#discoveries.values());
    await this.#sequencer.close();
    this.#index.close();
  }

  #discovered(module: ModuleVersion): Promise<ProvenRecord> {
    const key = `${module.path}@${module.version}`;
    const known = this.#discoveries.get(key);
    if (known !== undefined) return known;
    if (this.#discoveries.size >= this.#mostDiscoveries)
      return Promise.reject(
        new AppError('OVERLOADED', `look up ${key}: ${this.#mostDiscoveries} other modules are being found out about`),
      );
    const discovery = this.#discoverNow(module).finally(() => this.#discoveries.delete(key));
    discovery.catch(() => undefined); // all who asked may have left
    this.#discoveries.set(key, discovery);
    return discovery;
  }

  async #discoverNow(module: ModuleVersion): Promise<ProvenRecord> {
    const o = { signal: this.#stop.signal };
    const text = await this.#discover(module, o);
    if (text === undefined) throw notLogged(module, this.name);
    return await this.append(module, text, o);
  }

  #published(): NonNullable<Heads['published']> {
    const { published } = this.#heads;
    if (published === undefined) throw new AppError('INTERNAL', 'read the ledger: nothing is published');
    return published;
  }
}

function notLogged({ path, version }: ModuleVersion, database: string): AppError {
  return new AppError(
    'NOT_FOUND',
    `look up ${escapePath(path)}@${escapeVersion(version)} in ${database}: there is no such module`,
  );
}
