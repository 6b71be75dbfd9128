import type { ModuleVersion } from '../gomod/module.ts';
import { messageOf } from '../std/errors.ts';
import type { Ledger } from './ledger.ts';
import type { LedgerObserver } from './observer.ts';

/** Modules that wait. What is dropped beyond, or lost in a crash, is logged when somebody looks it up. */
const MAX_WAITING = 10_000;
/** Modules that are found out about at once. */
const AT_ONCE = 4;

/** Logs in the background what was verified just now, so that a lookup finds it logged already. */
export class Feed {
  readonly #ledger: Ledger;
  readonly #observer: LedgerObserver;
  readonly #waiting = new Map<string, ModuleVersion>();
  readonly #stop = new AbortController();
  readonly #workers = new Set<Promise<void>>();

  constructor(ledger: Ledger, observer: LedgerObserver) {
    this.#ledger = ledger;
    this.#observer = observer;
  }

  /** Takes a module whose sums may be logged. Returns at once, never throws. */
  offer(module: ModuleVersion): void {
    if (this.#stop.signal.aborted || this.#waiting.size >= MAX_WAITING) return;
    this.#waiting.set(`${module.path}@${module.version}`, module);
    if (this.#workers.size < AT_ONCE) this.#start();
  }

  /** Resolves when nothing waits. */
  async idle(): Promise<void> {
    while (this.#workers.size > 0) await Promise.all(this.#workers);
  }

  /** Gives up what waits, and resolves when nothing runs. Never rejects. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#waiting.clear();
    await this.idle();
  }

  #start(): void {
    const worker = this.#work().finally(() => this.#workers.delete(worker));
    this.#workers.add(worker);
  }

  async #work(): Promise<void> {
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined) return;
      const [subject, module] = next;
      this.#waiting.delete(subject);
      try {
        await this.#ledger.record(module, { signal: this.#stop.signal });
      } catch (error) {
        if (!this.#stop.signal.aborted) this.#observer.onNotLogged?.({ subject, message: messageOf(error) });
      }
    }
  }
}
