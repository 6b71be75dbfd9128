/** The signed tree heads of a log that were adopted one after the other, as they outlive the process. */
import { decodeUtf8, encodeUtf8 } from '../std/bytes.ts';

/** One of them. */
export interface SeenHead {
  /** Wall time in ms when it was adopted. */
  readonly seenAt: number;
  /** The signed note. */
  readonly note: string;
}

/** As many are kept. */
export const MAX_HEADS = 128;
/** Of these none is dropped. */
const NEWEST = MAX_HEADS / 2;
const FORMAT = 1;

/** `timeline` (oldest first) with `head` behind it, at most MAX_HEADS: the newest half and the very first stay, the others thin out with age. */
export function grownBy(timeline: readonly SeenHead[], head: SeenHead): readonly SeenHead[] {
  const grown = [...timeline, head];
  if (grown.length <= MAX_HEADS) return grown;
  return grown.toSpliced(leastMissed(grown, head.seenAt), 1);
}

/** The head whose neighbours are closest together, measured by how long ago it was. */
function leastMissed(heads: readonly SeenHead[], now: number): number {
  let least = 1;
  let smallest = Number.POSITIVE_INFINITY;
  for (let i = 1; i < heads.length - NEWEST; i++) {
    const [before, at, after] = [heads[i - 1], heads[i], heads[i + 1]].map((head) => head?.seenAt ?? now);
    const gap = ((after ?? now) - (before ?? 0)) / Math.max(1, now - (at ?? 0));
    if (gap < smallest) [smallest, least] = [gap, i];
  }
  return least;
}

/** The bytes of a register; decoding them and encoding again gives the same. */
export function encodeTimeline(heads: readonly SeenHead[]): Uint8Array {
  return encodeUtf8(JSON.stringify({ format: FORMAT, heads: heads.map(({ seenAt, note }) => ({ seenAt, note })) }));
}

/** The timeline in `bytes`, never empty; undefined unless they are exactly what encodeTimeline writes. Notes are not opened here. */
export function decodeTimeline(bytes: Uint8Array): readonly SeenHead[] | undefined {
  const heads = headsIn(decodeUtf8(bytes) ?? '');
  return heads !== undefined && Buffer.compare(encodeTimeline(heads), bytes) === 0 ? heads : undefined;
}

function headsIn(text: string): readonly SeenHead[] | undefined {
  try {
    const { heads } = JSON.parse(text) as { heads?: unknown };
    return Array.isArray(heads) && heads.length > 0 && heads.length <= MAX_HEADS && heads.every(isSeenHead)
      ? heads
      : undefined;
  } catch {
    return undefined;
  }
}

function isSeenHead(value: unknown): value is SeenHead {
  const { seenAt, note } = (value ?? {}) as Partial<Record<keyof SeenHead, unknown>>;
  return typeof seenAt === 'number' && Number.isSafeInteger(seenAt) && typeof note === 'string';
}
