import type { Ask } from '../std/ask.ts';
import { AppError } from '../std/errors.ts';

/** A value as it was read; handed back to replace it. */
export interface Held {
  readonly name: string;
  readonly value: Uint8Array;
  /** The backend's own mark of this generation; opaque. */
  readonly token: string;
}

/**
 * Small values that all nodes agree on, changed by compare-and-swap. Names follow the grammar of blob keys.
 * Values are at most 4 MiB (TOO_LARGE). Every rejection is an AppError: CONFLICT, STORE_UNAVAILABLE, STORE_CORRUPT, TOO_LARGE or ABORTED.
 * After CONFLICT the caller reads and decides again; its own value may have been current in between. Proven by coordination/contract.ts.
 */
export interface Register {
  read(name: string, o: Ask): Promise<Held | undefined>;
  /** Fails with CONFLICT when the name has a value already. */
  create(name: string, value: Uint8Array, o: Ask): Promise<Held>;
  /** Fails with CONFLICT unless `old` is still current. */
  replace(old: Held, value: Uint8Array, o: Ask): Promise<Held>;
}

/** For adapters: what a writer is told that came too late. */
export function conflict(name: string, why: string): AppError {
  return new AppError('CONFLICT', `write register ${name}: ${why}`);
}
