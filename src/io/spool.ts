import { createHash } from 'node:crypto';
import type { Spool } from '../sources/source.ts';
import { type Ask, throwIfAborted, waitFor } from '../std/ask.ts';
import { memoryBody, type Spooled, type SpooledMemory } from '../std/spooled.ts';
import { Filling } from './filling.ts';
import { Room } from './room.ts';
import type { TempDirectory } from './temp-directory.ts';

/** Largest body kept in memory when nothing else is said. */
const DEFAULT_MEMORY_BYTES = 256 * 1024;
/** Largest body that is kept in memory when the volume has no room for it, and all such bodies together. */
const RESCUED_BODY_BYTES = 64 * 1024 * 1024;
const RESCUED_BYTES = 256 * 1024 * 1024;

/** Makes spools whose large bodies lie in one temporary folder. */
export interface SpoolDirectory {
  /** A spool that takes bodies of at most `capBytes`; may be used again and by several at once. `what` is named in errors (`zip of rsc.io/quote@v1.5.2`). */
  spool(capBytes: number, what?: string): Spool;
}

export interface SpoolDirectoryOptions {
  readonly temp: TempDirectory;
  /** Bodies up to this size stay in memory (default 256 KiB). */
  readonly memoryBytes?: number;
  /** Bodies up to this size go on in memory when the volume has no room for them (default 64 MiB). */
  readonly rescuedBodyBytes?: number;
  /** All such bodies together, until they are discarded (default 256 MiB). */
  readonly rescuedBytes?: number;
}

/**
 * Spools over `temp`. Memory per body: at most `memoryBytes` or two batches of 1 MiB, whichever is more. A volume that is full or read-only
 * does not fail a body at once: it goes on in memory, within bounds of its own.
 */
export function createSpoolDirectory({
  temp,
  memoryBytes = DEFAULT_MEMORY_BYTES,
  rescuedBodyBytes = RESCUED_BODY_BYTES,
  rescuedBytes = RESCUED_BYTES,
}: SpoolDirectoryOptions): SpoolDirectory {
  const rescue = new Room(rescuedBodyBytes, rescuedBytes);
  return {
    spool: (capBytes, what = 'body') => ({
      fill: (body, o) =>
        fillFrom(body, new Filling({ temp, memoryBytes, rescue, capBytes, what, onGrown: o.onGrown }), o),
    }),
  };
}

/** `bytes` as a finished body. They must not be changed afterwards. */
export function spooledBytes(bytes: Uint8Array): SpooledMemory {
  return memoryBody(bytes, createHash('sha256').update(bytes).digest('hex'));
}

/** Chunks must not be changed by the producer once given. */
async function fillFrom(body: AsyncIterable<Uint8Array>, filling: Filling, o: Ask): Promise<Spooled> {
  const chunks = body[Symbol.asyncIterator]();
  let isAtEnd = false;
  try {
    for (;;) {
      throwIfAborted(o.signal);
      const next = await waitFor(chunks.next(), o.signal);
      if (next.done === true) break;
      await filling.add(next.value);
    }
    isAtEnd = true;
    return await filling.finish();
  } catch (error) {
    await filling.abandon();
    throw error;
  } finally {
    // Not awaited: a body that hangs in next() would hang here too.
    if (!isAtEnd) void Promise.resolve(chunks.return?.()).catch(() => undefined);
  }
}
