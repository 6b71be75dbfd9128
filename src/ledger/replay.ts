/** Replays the log from its records alone, and compares everything that is stored with what they lead to. */
import { equalHashes } from '../gomod/sumdb/hash.ts';
import { parseDataTile } from '../gomod/sumdb/data-tile.ts';
import { parseVerifierKey, type VerifierKey } from '../gomod/sumdb/key.ts';
import type { TreeHead } from '../gomod/sumdb/tree.ts';
import { type Tile, tilePath } from '../gomod/sumdb/tile.ts';
import { type Ask, throwIfAborted } from '../std/ask.ts';
import { AppError, isAppError } from '../std/errors.ts';
import { type HeadCopy, openCopy } from './head-copy.ts';
import type { LogParts } from './log.ts';
import { moduleOf, TILE_RECORDS } from './records.ts';
import type { RecordIndex } from './record-index.ts';
import { decodeState, HEAD_REGISTER, type LedgerState } from './state.ts';
import { StoredTiles } from './stored-tiles.ts';
import { fullTile, Tail } from './tail.ts';

/** What a replay found. */
export interface ReplayReport {
  readonly name: string;
  /** For GOSUMDB. */
  readonly verifierKey: string;
  /** Records of the log, by its head. */
  readonly size: number;
  /** Records that were read and hashed. */
  readonly checked: number;
  /** Records of the published head in the second place; absent when there is none or it was not looked at. */
  readonly published?: number;
  /** What is wrong, one line each; the first 1,000. */
  readonly faults: readonly string[];
}

export interface ReplayOptions extends Ask, Omit<LogParts, 'memoryBytes'> {
  /** Looked at when it is given. */
  readonly copy?: HeadCopy;
  /** A new index to find doubles with; closed at the end. */
  readonly index: RecordIndex;
  /** Called with how many records were checked, of how many. */
  readonly onProgress?: (checked: number, size: number) => unknown;
}

const MAX_FAULTS = 1000;

/**
 * Recomputes every record hash, every tile and the root hash, and looks for a version with two records and for a published head that the log does not have.
 * Undefined when there is no log. Memory does not grow with the log. Rejects with STORE_UNAVAILABLE, ABORTED, or STORE_CORRUPT when the head itself cannot be read.
 */
export async function replayLog(options: ReplayOptions): Promise<ReplayReport | undefined> {
  // First: what a server logs in between is then in the log, and not missing in it.
  const copied = await options.copy?.read(options);
  const held = await options.registers.read(HEAD_REGISTER, options);
  if (held === undefined) return undefined;
  const state = decodeState(held.value);
  if (state === undefined)
    throw new AppError('STORE_CORRUPT', `replay the ledger: register ${HEAD_REGISTER} cannot be read`);
  return await new Replay(options, state).run(copied);
}

class Replay {
  readonly #o: ReplayOptions;
  readonly #state: LedgerState;
  readonly #stored: StoredTiles;
  readonly #faults: string[] = [];
  #tail = new Tail({ settled: 0, texts: [], levels: [] });

  constructor(options: ReplayOptions, state: LedgerState) {
    this.#o = options;
    this.#state = state;
    this.#stored = new StoredTiles(options.store);
  }

  /** `copied` = the signed head in the second place. */
  async run(copied: Uint8Array | undefined): Promise<ReplayReport> {
    const { key, head, settled, texts } = this.#state;
    const verifier = parseVerifierKey(key);
    const published = copied && this.#published(copied, verifier);
    try {
      await this.#replaySettled(published);
      if (this.#tail.size === settled) await this.#take(texts, published);
      if (this.#tail.size !== head.size || !equalHashes(await this.#tail.rootHash(), head.hash))
        this.#tell('the records do not lead to the root hash of the head');
    } finally {
      this.#o.index.close();
    }
    return {
      name: verifier.name,
      verifierKey: key,
      size: head.size,
      checked: this.#tail.size,
      ...(published === undefined ? {} : { published: published.size }),
      faults: this.#faults,
    };
  }

  /** Tile by tile, as far as the records can be read. */
  async #replaySettled(published: Published): Promise<void> {
    for (let index = 0; index < this.#state.settled / TILE_RECORDS; index++) {
      throwIfAborted(this.#o.signal);
      const texts = await this.#storedTexts(index);
      if (texts === undefined) return;
      await this.#take(texts, published);
      for (const { tile, bytes } of this.#tail.fullTiles()) if (tile.level !== 'data') await this.#compare(tile, bytes);
      this.#tail = this.#tail.settle();
      this.#o.onProgress?.(this.#tail.size, this.#state.head.size);
    }
  }

  async #storedTexts(index: number): Promise<readonly string[] | undefined> {
    const tile = fullTile('data', index);
    const bytes = await this.#load(tile);
    const texts = bytes && parseDataTile(bytes);
    if (texts?.length === TILE_RECORDS) return texts;
    if (bytes !== undefined) this.#tell(`${tilePath(tile)}: it does not hold ${TILE_RECORDS} records`);
    return undefined;
  }

  async #compare(tile: Tile, wanted: Uint8Array): Promise<void> {
    const found = await this.#load(tile);
    if (found !== undefined && Buffer.compare(found, wanted) !== 0)
      this.#tell(`${tilePath(tile)}: its hashes are not those of the records`);
  }

  /** The stored tile; undefined after telling why not. */
  async #load(tile: Tile): Promise<Uint8Array | undefined> {
    try {
      return await this.#stored.load(tile, this.#o);
    } catch (error) {
      if (!isAppError(error, 'STORE_CORRUPT')) throw error;
      this.#tell(error.message);
      return undefined;
    }
  }

  async #take(texts: readonly string[], published: Published): Promise<void> {
    const first = this.#tail.size;
    if (published !== undefined && published.size >= first && published.size <= first + texts.length) {
      const then = await this.#tail.append(texts.slice(0, published.size - first)).rootHash();
      if (!equalHashes(then, published.hash))
        this.#tell(`the first ${published.size} records are not those of the published head`);
    }
    this.#tail = this.#tail.append(texts);
    const entries = texts.flatMap((text, i) => this.#entry(text, first + i));
    const head = { size: this.#tail.size, hash: await this.#tail.rootHash() };
    this.#o.index.add(entries, { log: this.#state.key, from: first, head });
    for (const { module, number } of entries) {
      const before = this.#o.index.find(module);
      if (before !== number)
        this.#tell(`${module.path}@${module.version}: records ${before} and ${number} are both of it`);
    }
  }

  #entry(text: string, number: number): { module: NonNullable<ReturnType<typeof moduleOf>>; number: number }[] {
    const module = moduleOf(text);
    if (module !== undefined) return [{ module, number }];
    this.#tell(`record ${number} names no module`);
    return [];
  }

  #published(copied: Uint8Array, key: VerifierKey): Published {
    try {
      const published = openCopy(copied, key);
      if (published.size > this.#state.head.size)
        this.#tell(`the log has ${this.#state.head.size} records, its published head ${published.size}`);
      return published;
    } catch (error) {
      if (!isAppError(error, 'CONFIG_INVALID')) throw error;
      this.#tell(error.message);
      return undefined;
    }
  }

  #tell(fault: string): void {
    if (this.#faults.length < MAX_FAULTS) this.#faults.push(fault);
  }
}

type Published = TreeHead | undefined;
