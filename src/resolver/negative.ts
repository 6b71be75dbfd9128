import type { LRUCache } from 'lru-cache';
import type { Clock } from '../std/clock.ts';
import { AppError } from '../std/errors.ts';
import { recentEntries } from '../std/recent.ts';

interface Absence {
  readonly error: AppError;
  /** Monotonic ms. */
  readonly until: number;
}

/**
 * What every source said it does not have, for a short while. Only NOT_FOUND and GONE of a whole walk may be put here: an outage
 * is never remembered as an absence. Bounded; the least recently asked are forgotten first.
 */
export class Absences {
  readonly #clock: Clock;
  readonly #byKey: LRUCache<string, Absence>;

  constructor(clock: Clock, maxEntries: number) {
    this.#clock = clock;
    this.#byKey = recentEntries(maxEntries);
  }

  /** The remembered answer, with `result: negative` in its detail. */
  get(key: string): AppError | undefined {
    const absence = this.#byKey.get(key);
    if (absence === undefined) return undefined;
    if (this.#clock.monotonic() < absence.until) return absence.error;
    this.#byKey.delete(key);
    return undefined;
  }

  remember(key: string, error: AppError, ms: number): void {
    const told = new AppError(error.code, error.message, {
      cause: error,
      detail: { ...error.detail, result: 'negative' },
    });
    this.#byKey.set(key, { error: told, until: this.#clock.monotonic() + ms });
  }

  forget(key: string): void {
    this.#byKey.delete(key);
  }

  clear(): void {
    this.#byKey.clear();
  }
}

/** The answer to a question that may be answered from stored things only and is not stored. `uncached` tells the edge that it must not be kept by anyone. */
export function notStored(attempted: string): AppError {
  return new AppError('NOT_FOUND', `${attempted}: not stored here, and fetching is not allowed by this request`, {
    detail: { uncached: true },
  });
}
