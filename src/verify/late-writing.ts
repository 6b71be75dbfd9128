import type { Ask } from '../std/ask.ts';
import type { Clock } from '../std/clock.ts';

/** So long after a store took nothing it is tried again, ms. */
const RETRY_MS = 2000;

export interface LateWritingParts {
  readonly clock: Clock;
  /** Writes what is still to be written, as far as the store takes it; rejects when it does not. The store itself tells of its troubles. */
  readonly write: (o: Ask) => Promise<void>;
  readonly isDone: () => boolean;
}

/** Writes what a store did not take as soon as it takes it again: it is tried every two seconds until all is written. */
export class LateWriting {
  readonly #parts: LateWritingParts;
  readonly #stop = new AbortController();
  #cancel: (() => void) | undefined;

  constructor(parts: LateWritingParts) {
    this.#parts = parts;
  }

  /** There is something to be written. */
  begin(): void {
    if (this.#cancel !== undefined || this.#stop.signal.aborted) return;
    this.#cancel = this.#parts.clock.after(RETRY_MS, () => void this.#try());
  }

  /** Tries a last time; then nothing is written any more. */
  async close(): Promise<void> {
    this.#cancel?.();
    if (!this.#parts.isDone()) await this.#write();
    this.#stop.abort();
  }

  async #try(): Promise<void> {
    await this.#write();
    this.#cancel = undefined;
    if (!this.#parts.isDone()) this.begin();
  }

  async #write(): Promise<void> {
    try {
      await this.#parts.write({ signal: this.#stop.signal });
    } catch {
      // It is tried again, and the store tells of its troubles, the log of its forks.
    }
  }
}
