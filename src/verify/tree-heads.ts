import type { Held, Register } from '../coordination/register.ts';
import type { VerifierKey } from '../gomod/sumdb/key.ts';
import type { Ask } from '../std/ask.ts';
import { decodeUtf8, encodeUtf8 } from '../std/bytes.ts';
import type { Clock } from '../std/clock.ts';
import { AppError, isAppError } from '../std/errors.ts';
import { openHead, type SignedHead } from './signed-head.ts';
import { decodeTimeline, encodeTimeline, grownBy, type SeenHead } from './timeline.ts';

/** What is known at one moment: the head that we stand by, and the value of the register that may be replaced by a later one. */
export interface Standing {
  /** Undefined until the log was heard of. */
  readonly head: SignedHead | undefined;
  /** The one that the register holds, as far as we know: behind `head` while the store takes nothing. */
  readonly stored: SignedHead | undefined;
  readonly held: Held | undefined;
  readonly timeline: readonly SeenHead[];
}

export interface TreeHeadsParts {
  readonly register: Register;
  /** Name in the register. */
  readonly name: string;
  readonly key: VerifierKey;
  readonly clock: Clock;
}

/**
 * The newest signed tree head and the ones before it, agreed on by all who share the register. Each value of it is written by compare-and-swap over the one that
 * its head was proven to contain, so what the register held over time is one history.
 */
export class TreeHeads {
  readonly #parts: TreeHeadsParts;
  #standing: Standing = { head: undefined, stored: undefined, held: undefined, timeline: [] };

  constructor(parts: TreeHeadsParts) {
    this.#parts = parts;
  }

  get standing(): Standing {
    return this.#standing;
  }

  /** What the register holds. Nothing of it is believed yet but the signature. Rejects with STORE_CORRUPT when it cannot be read. */
  async read(o: Ask): Promise<Standing> {
    const { register, name, key } = this.#parts;
    const held = await register.read(name, o);
    if (held === undefined) return { head: undefined, stored: undefined, held, timeline: [] };
    const timeline = decodeTimeline(held.value);
    const newest = timeline?.at(-1);
    if (timeline === undefined || newest === undefined) throw unreadable(name, 'it is damaged');
    const head = openStored(newest.note, key, name);
    return { head, stored: head, held, timeline };
  }

  /** Stands by `theirs`, which was proven to be of one history with ours. A head never goes back: of the two the larger one counts. */
  take(theirs: Standing): void {
    const ours = this.#standing.head;
    const isBehind = ours !== undefined && (theirs.head === undefined || theirs.head.size < ours.size);
    this.#standing = isBehind ? { ...theirs, head: ours } : theirs;
  }

  /** Stands by `next`, which was proven to contain the head of `from`, though the register does not hold it yet. False, and nothing is changed, when `from` is no longer how things stand here. */
  standBy(from: Standing, next: SignedHead): boolean {
    if (from !== this.#standing) return false;
    this.take({ ...from, head: next });
    return true;
  }

  /**
   * Puts `next`, which was proven to contain the head of `from`, in its place, for good. Returns false, and changes nothing, when `from` is no longer how
   * things stand, here or in the register.
   */
  async advance(from: Standing, next: SignedHead, o: Ask): Promise<boolean> {
    if (from !== this.#standing) return false;
    const { register, name, clock } = this.#parts;
    const timeline = grownBy(from.timeline, { seenAt: clock.now(), note: decodeUtf8(next.note) ?? '' });
    const value = encodeTimeline(timeline);
    try {
      const held = await (from.held === undefined
        ? register.create(name, value, o)
        : register.replace(from.held, value, o));
      this.take({ head: next, stored: next, held, timeline });
      return true;
    } catch (error) {
      if (isAppError(error, 'CONFLICT')) return false;
      throw error;
    }
  }
}

/** Whether the head that is stood by is yet to be stored. */
export function isAhead({ head, stored }: Standing): boolean {
  return head !== undefined && (stored === undefined || stored.size < head.size);
}

function openStored(note: string, key: VerifierKey, name: string): SignedHead {
  try {
    return openHead(encodeUtf8(note), key);
  } catch (error) {
    throw unreadable(
      name,
      `its newest head is not signed by ${key.name}+${key.hash.toString(16).padStart(8, '0')}`,
      error,
    );
  }
}

function unreadable(name: string, why: string, cause?: unknown): AppError {
  const advice = 'restore it from a backup; without it a log that was rolled back cannot be told from a good one';
  return new AppError('STORE_CORRUPT', `read register ${name}: ${why}; ${advice}`, { cause });
}
