import { AppError } from '../std/errors.ts';

/**
 * The time limits of one request: a total, and one phase at a time within it. When a limit passes, `signal` fires with an
 * UPSTREAM_TIMEOUT that says which. Follows `parent`. Must be disposed of, else its timers and its listener stay.
 */
export class Watch {
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #parent: AbortSignal;
  readonly #onParent = (): void => this.#controller.abort(this.#parent.reason);
  readonly #total: NodeJS.Timeout;
  #phase: NodeJS.Timeout | undefined;

  constructor(parent: AbortSignal, totalMs: number, attempt: string) {
    this.signal = this.#controller.signal;
    this.#parent = parent;
    this.#total = setTimeout(() => this.#expire(`${attempt}: not complete within ${totalMs} ms`), totalMs);
    if (parent.aborted) this.#onParent();
    else parent.addEventListener('abort', this.#onParent, { once: true });
  }

  /** Starts a phase of at most `ms`, in place of the one before. */
  phase(ms: number, message: string): void {
    this.endPhase();
    this.#phase = setTimeout(() => this.#expire(message), ms);
  }

  endPhase(): void {
    clearTimeout(this.#phase);
  }

  dispose(): void {
    this.endPhase();
    clearTimeout(this.#total);
    this.#parent.removeEventListener('abort', this.#onParent);
  }

  #expire(message: string): void {
    this.#controller.abort(new AppError('UPSTREAM_TIMEOUT', message));
  }
}
