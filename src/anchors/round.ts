import type { Register } from '../coordination/register.ts';
import type { Ask } from '../std/ask.ts';
import { decodeUtf8, encodeUtf8 } from '../std/bytes.ts';
import { isAppError } from '../std/errors.ts';

/** How many versions stood how. */
export interface AnchorCounts {
  readonly held: number;
  readonly drifted: number;
  readonly unknown: number;
}

/** One round over all anchors, as it is remembered. */
export interface AnchorRound {
  /** When it ended, wall time in ms. */
  readonly at: number;
  readonly counts: AnchorCounts;
  /** What drifts, by anchor, and what was told of it. */
  readonly told: ReadonlyMap<string, string>;
}

/** Remembers the last round, over restarts too. */
export interface RoundMemory {
  /** Undefined when there was none, or it cannot be read: then it is as if there was none. Rejects with STORE_UNAVAILABLE or ABORTED. */
  load(o: Ask): Promise<AnchorRound | undefined>;
  save(round: AnchorRound, o: Ask): Promise<void>;
}

/** The register that has it. */
const NAME = 'anchors/round';
/** What there is no room for is told again after a restart. UTF-16 units, far below what a register takes. */
const TOLD_LENGTH = 1 << 20;

/** The memory in `registers`. Of several servers on one store the last to end its round counts. */
export function roundMemory(registers: Register): RoundMemory {
  return {
    async load(o) {
      return decode((await registers.read(NAME, o))?.value);
    },
    async save(round, o) {
      const value = encode(round);
      const held = await registers.read(NAME, o);
      try {
        await (held === undefined ? registers.create(NAME, value, o) : registers.replace(held, value, o));
      } catch (error) {
        // Another server has just written its own.
        if (!isAppError(error, 'CONFLICT')) throw error;
      }
    },
  };
}

function encode({ at, counts, told }: AnchorRound): Uint8Array {
  let room = TOLD_LENGTH;
  const kept = [...told].filter(([key, news]) => (room -= key.length + news.length) >= 0);
  return encodeUtf8(JSON.stringify({ version: 1, at, counts, told: kept }));
}

function decode(bytes: Uint8Array | undefined): AnchorRound | undefined {
  const text = bytes === undefined ? undefined : decodeUtf8(bytes);
  if (text === undefined) return undefined;
  try {
    const { version, at, counts, told } = JSON.parse(text) as Record<string, unknown>;
    if (version !== 1 || typeof at !== 'number' || !isCounts(counts) || !isPairs(told)) return undefined;
    return { at, counts, told: new Map(told) };
  } catch {
    return undefined;
  }
}

function isCounts(value: unknown): value is AnchorCounts {
  const { held, drifted, unknown } = (value ?? {}) as Partial<Record<keyof AnchorCounts, unknown>>;
  return [held, drifted, unknown].every((count) => Number.isSafeInteger(count));
}

function isPairs(value: unknown): value is readonly (readonly [string, string])[] {
  return Array.isArray(value) && value.every((pair) => Array.isArray(pair) && pair.length === 2 && pair.every(isText));
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
