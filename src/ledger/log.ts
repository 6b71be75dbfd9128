import type { Held, Register } from '../coordination/register.ts';
import { EMPTY_TREE_HASH, equalHashes, type Hash, HASH_BYTES } from '../gomod/sumdb/hash.ts';
import { parseVerifierKey, type VerifierKey } from '../gomod/sumdb/key.ts';
import { tileHash } from '../gomod/sumdb/tile.ts';
import type { TreeHead } from '../gomod/sumdb/tree.ts';
import type { Ask } from '../std/ask.ts';
import { ByteCache } from '../std/byte-cache.ts';
import { AppError, isAppError } from '../std/errors.ts';
import type { BlobStore } from '../storage/store.ts';
import { LogView } from './log-view.ts';
import { TILE_RECORDS } from './records.ts';
import { decodeState, encodeState, HEAD_REGISTER, type LedgerState } from './state.ts';
import { damaged, StoredTiles } from './stored-tiles.ts';
import { fullTile, Tail, type TailLevel } from './tail.ts';

/** Where a log lives. */
export interface LogParts {
  readonly store: BlobStore;
  readonly registers: Register;
  /** Bodies of tiles kept in memory, bytes (default 16 MiB). */
  readonly memoryBytes?: number;
}

const MEMORY_BYTES = 16 * 1024 * 1024;
/** Full tiles written, or read at the start, at once. */
const TILES_AT_ONCE = 16;

/** Makes an empty log that belongs to `key`. CONFLICT when there is one already. */
export async function createLog(registers: Register, key: VerifierKey, o: Ask): Promise<void> {
  const state: LedgerState = { key: key.text, head: { size: 0, hash: EMPTY_TREE_HASH }, settled: 0, texts: [] };
  await registers.create(HEAD_REGISTER, encodeState(state), o);
}

/** Whether there is a log; looks at nothing in it. */
export async function hasLog(registers: Register, o: Ask): Promise<boolean> {
  return (await registers.read(HEAD_REGISTER, o)) !== undefined;
}

/**
 * The durable log: records are added behind its end by compare-and-swap and never changed. One caller at a time. After a write that failed it is not
 * known whether it took effect, and after a CONFLICT somebody else was first: then, and only then, the state is read again.
 */
export class Log {
  readonly key: VerifierKey;
  readonly #registers: Register;
  readonly #stored: StoredTiles;
  readonly #memory: ByteCache;
  #held: Held;
  #head: TreeHead;
  #view: LogView;
  #isSure = true;

  private constructor(parts: { registers: Register; stored: StoredTiles; memory: ByteCache }, read: Read) {
    this.#registers = parts.registers;
    this.#stored = parts.stored;
    this.#memory = parts.memory;
    this.key = parseVerifierKey(read.state.key);
    this.#held = read.held;
    this.#head = read.state.head;
    this.#view = this.#viewOf(read.tail);
  }

  /** Undefined when there is no log. Reads at most 255 tiles per level. STORE_CORRUPT when what is stored does not lead to the root hash. */
  static async open({ store, registers, memoryBytes = MEMORY_BYTES }: LogParts, o: Ask): Promise<Log | undefined> {
    const stored = new StoredTiles(store);
    const read = await readLog(registers, stored, o);
    if (read === undefined) return undefined;
    const memory = new ByteCache(memoryBytes);
    return new Log({ registers, stored, memory }, read);
  }

  /** The log as it was last read or written here. */
  get view(): LogView {
    return this.#view;
  }

  /** Size and root hash of the view; durable. */
  get head(): TreeHead {
    return this.#head;
  }

  /**
   * Adds records, whose texts were checked; durable when resolved. 'conflict' = another process was first, nothing is added and the view is the new one.
   * Rejects with what the register says, and then the records may be in the log or not.
   */
  async append(texts: readonly string[], o: Ask): Promise<'appended' | 'conflict'> {
    const before = this.#head.size;
    await this.refreshIfUnsure(o);
    if (this.#head.size !== before) return 'conflict';
    const tail = this.#view.tail.append(texts);
    const head = { size: tail.size, hash: await tail.rootHash() };
    const state = { key: this.key.text, head, settled: tail.settled, texts: tail.texts };
    try {
      this.#isSure = false;
      this.#held = await this.#registers.replace(this.#held, encodeState(state), o);
    } catch (error) {
      if (!isAppError(error, 'CONFLICT')) throw error;
      await this.refreshIfUnsure(o);
      return 'conflict';
    }
    this.#isSure = true;
    this.#head = head;
    this.#view = this.#viewOf(tail);
    return 'appended';
  }

  /** Stores the tiles that became full, and lets the next state begin behind them. */
  async settle(o: Ask): Promise<void> {
    const { tail } = this.#view;
    const tiles = tail.fullTiles();
    if (tiles.length === 0) return;
    for (let at = 0; at < tiles.length; at += TILES_AT_ONCE)
      await Promise.all(
        tiles.slice(at, at + TILES_AT_ONCE).map(({ tile, bytes }) => this.#stored.keep(tile, bytes, o)),
      );
    this.#view = this.#viewOf(tail.settle());
  }

  /** Reads what others have added. STORE_CORRUPT when the log is no longer a continuation of what was read before. */
  async refresh(o: Ask): Promise<void> {
    this.#isSure = false;
    await this.refreshIfUnsure(o);
  }

  /** The same, when the last write left it open what is stored. */
  async refreshIfUnsure(o: Ask): Promise<void> {
    if (this.#isSure) return;
    const read = await readLog(this.#registers, this.#stored, o);
    if (read === undefined) throw corrupt('its head is gone');
    const view = this.#viewOf(read.tail);
    const isContinued =
      read.state.key === this.key.text &&
      view.size >= this.#head.size &&
      equalHashes(await view.rootHash(this.#head.size, o), this.#head.hash);
    if (!isContinued) throw corrupt('it is not a continuation of what it was before');
    this.#held = read.held;
    this.#head = read.state.head;
    this.#view = view;
    this.#isSure = true;
  }

  #viewOf(tail: Tail): LogView {
    return new LogView({ tail, stored: this.#stored, memory: this.#memory });
  }
}

interface Read {
  readonly held: Held;
  readonly state: LedgerState;
  readonly tail: Tail;
}

async function readLog(registers: Register, stored: StoredTiles, o: Ask): Promise<Read | undefined> {
  const held = await registers.read(HEAD_REGISTER, o);
  if (held === undefined) return undefined;
  const state = decodeState(held.value);
  if (state === undefined) throw corrupt('its head cannot be read');
  const tail = (await settledTail(state.settled, stored, o)).append(state.texts);
  if (!equalHashes(await tail.rootHash(), state.head.hash)) throw corrupt('its tiles do not lead to its root hash');
  return { held, state, tail };
}

/** The tail of a log of `settled` records: the roots of the full tiles below each level's last, which is not full. */
async function settledTail(settled: number, stored: StoredTiles, o: Ask): Promise<Tail> {
  const levels: TailLevel[] = [{ from: settled, hashes: [] }];
  for (let level = 1, count = settled / TILE_RECORDS; count >= 1; level++) {
    const whole = Math.floor(count);
    const from = whole - (whole % TILE_RECORDS);
    const hashes: Hash[] = [];
    for (let at = from; at < whole; at += TILES_AT_ONCE) {
      const indexes = Array.from({ length: Math.min(TILES_AT_ONCE, whole - at) }, (_, i) => at + i);
      hashes.push(...(await Promise.all(indexes.map((index) => storedRoot(level - 1, index, stored, o)))));
    }
    levels.push({ from, hashes });
    count = whole / TILE_RECORDS;
  }
  return new Tail({ settled, texts: [], levels });
}

async function storedRoot(level: number, index: number, stored: StoredTiles, o: Ask): Promise<Hash> {
  const tile = fullTile(level, index);
  const bytes = await stored.load(tile, o);
  if (bytes.length !== TILE_RECORDS * HASH_BYTES) throw damaged(tile, `it has ${bytes.length} bytes`);
  return tileHash(tile, bytes);
}

function corrupt(why: string): AppError {
  return new AppError('STORE_CORRUPT', `read the ledger: ${why}; run: larder ledger verify`);
}
