import type { Config } from '../config/schema.ts';
import type { Changes } from '../coordination/changes.ts';
import { isLease, type Leases } from '../coordination/lease.ts';
import { openChanges, openLeases } from '../coordination/registry.ts';
import { LEASE_TTL_MS } from '../coordination/timed-leases.ts';
import type { Logger } from '../observe/logger.ts';
import { type Ask, throwIfAborted } from '../std/ask.ts';
import { type Clock, systemClock } from '../std/clock.ts';
import { messageOf } from '../std/errors.ts';
import type { Closing } from './closing.ts';
import type { Keep } from './keep.ts';
import type { Seat } from './seat.ts';

/** What sharing needs of the process. */
interface SharingNeeds {
  readonly seat: Seat | undefined;
  readonly logger: Logger;
  readonly closing: Closing;
}

/** What processes of one data folder share. */
interface Sharing {
  /** What each fetches. */
  readonly leases: Leases | undefined;
  /** What has changed. */
  readonly changes: Changes | undefined;
}

/** Where this process tells others of the same data folder what it does; nothing when it is alone there. Closed with `closing`. */
export function openSharing(
  { fills }: Pick<Config, 'fills'>,
  { folder }: Pick<Keep, 'folder'>,
  o: SharingNeeds,
): Partial<Sharing> {
  const { seat, logger, closing } = o;
  if (seat === undefined && !fills.shared) return {};
  const leases = openLeases('disk', folder, { clock: systemClock, ttlMs: LEASE_TTL_MS });
  closing.add(async () => await leases?.close());
  const changes = changesOrNone(folder, logger);
  closing.add(() => changes?.close());
  return { leases, changes };
}

/** Without them a server serves as well: what others know it learns when its own answers are no longer fresh. */
function changesOrNone(folder: Keep['folder'], logger: Logger): Changes | undefined {
  try {
    return openChanges('disk', folder);
  } catch (error) {
    logger.warn({ why: messageOf(error) }, 'lists of other processes will be known late');
    return undefined;
  }
}

/**
 * Waits while another process has `name`, for as long as it lives and `longestMs` at most; then it goes on, alone or not. The function that it resolves with is to be called at the end. Rejects
 * when the signal fires, and for nothing else.
 */
export function turnsOver(
  leases: Leases,
  { clock, longestMs }: { readonly clock: Clock; readonly longestMs: number },
): (name: string, o: Ask) => Promise<() => void> {
  return async (name, o) => {
    const until = clock.monotonic() + longestMs;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LAST_PAUSE_MS)) {
      const got = await leases.tryHold(`mirror/${name}`, o).catch(() => undefined);
      throwIfAborted(o.signal);
      if (got !== undefined && isLease(got)) return () => void got.release();
      if (got === undefined || clock.monotonic() >= until) return () => undefined;
      await clock.sleep(pauseMs, o);
    }
  };
}

const [FIRST_PAUSE_MS, LAST_PAUSE_MS] = [20, 500];
