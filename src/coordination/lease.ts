import type { Ask } from '../std/ask.ts';

/** What one holder has for a while. For efficiency only: whoever writes still puts if absent. */
export interface Lease {
  /** Grows with each holder of the name: a write that carries an older one comes from somebody who was overtaken. */
  readonly fence: number;
  /**
   * Fires when the lease can no longer be relied on: somebody overtook us, or we could not say in time that we live. Read it from the lease at each use: that looks at the clock,
   * so that a process that was stopped finds it fired before its timers have run.
   */
  readonly lost: AbortSignal;
  /** Tells the others that work goes on; it is said every few seconds without this as well. Never rejects. */
  progress(share: number): void;
  /** Gives it back. Never rejects; afterwards `lost` may or may not have fired. */
  release(): Promise<void>;
}

/** What somebody who does not hold a lease sees of its holder. */
export interface Holder {
  /** 0 to 1, as the holder told it. */
  readonly share: number;
  /** How long nothing has been heard of the holder, by this process's own monotonic clock, ms. */
  readonly silentMs: number;
}

/**
 * Who of several processes does a piece of work. Nobody compares clocks with anybody: a holder counts as dead when a watcher saw no sign of it for the whole of the watcher's own
 * `ttlMs`, or when its process is seen to be gone. Safe when a holder is killed or stopped: a holder that was stopped longer than that finds `lost` fired when it goes on. Names follow the
 * grammar of blob keys. Proven by coordination/lease-contract.ts.
 */
export interface Leases {
  /** The lease, or what is seen of the one who has it. Never waits for the holder. Rejects with STORE_UNAVAILABLE or ABORTED. */
  tryHold(name: string, o: Ask): Promise<Lease | Holder>;
  /** Gives back what is held, and stops saying so. Never rejects. */
  close(): Promise<void>;
}

/** What a board shows of the newest holder of a name. */
export interface Sighting {
  /** Its fence. */
  readonly fence: number;
  /** Changes whenever the holder says that it lives. */
  readonly sign: string;
  readonly share: number;
  /** Whether it can be seen that the holder's process is gone. */
  readonly isGone: boolean;
}

/** One's own place on a board. */
export interface Place {
  readonly fence: number;
  /** Says that the holder lives. False when another has come after it. Rejects with STORE_UNAVAILABLE when it could not be said. */
  beat(share: number): Promise<boolean>;
  /** Frees the name, unless another has come after. Rejects with STORE_UNAVAILABLE. */
  leave(): Promise<void>;
}

/** Where leases are written down; what an adapter is. Knows no time. */
export interface LeaseBoard {
  /** Undefined when nobody has the name. Rejects with STORE_UNAVAILABLE. */
  look(name: string, o: Ask): Promise<Sighting | undefined>;
  /** A place right after `after`, the newest that was seen; undefined when somebody else was there first. Rejects with STORE_UNAVAILABLE. */
  claim(name: string, after: Sighting | undefined, o: Ask): Promise<Place | undefined>;
  /** Takes away what processes left that are gone. Never rejects. */
  sweep(): Promise<void>;
}

/** Whether the name was free, and is ours now. */
export function isLease(got: Lease | Holder): got is Lease {
  return 'release' in got;
}
