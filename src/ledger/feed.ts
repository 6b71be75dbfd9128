import type { ModuleVersion } from '../gomod/module.ts';
import { messageOf } from '../std/errors.ts';
import type { Ledger } from './ledger.ts';
import type { LedgerObserver } from './observer.ts';

/** Modules that wait. What is dropped beyond, or lost in a crash, is logged when somebody looks it up. */
const MAX_WAITING = 10_000;
/** Modules that are found out about at once. */
const AT_ONCE = 4;

/** Logs in the background what was verified just now, so that a lookup finds it logged already. Does nothing before it is started. */
export class Feed {
  readonly #waiting = new Map<string, ModuleVersion>();
  readonly #stop = new AbortController();
  readonly #workers = new Set<Promise<void>>();
  #to: { readonly ledger: Pick<Ledger, 'record'>; readonly observer: LedgerObserver } | undefined;

  /** From now on modules are taken. */
  start(ledger: Pick<Ledger, 'record'>, observer: LedgerObserver): void {
    this.#to = { ledger, observer };
  }

  /** Takes a module whose sums may be logged. Returns at once, never throws. */
  offer(module: ModuleVersion): void {
    if (this.#to === undefined || this.#stop.signal.aborted || this.#waiting.size >= MAX_WAITING) return;
    this.#waiting.set(`${module.path}@${module.version}`, module);
    if (this.#workers.size < AT_ONCE) this.#work();
  }

  /** Gives up what waits, and resolves when nothing runs. Never rejects. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#waiting.clear();
    await Promise.all(this.#workers);
  }

  #work(): void {
    const worker = this.#logAll().finally(() => this.#workers.delete(worker));
    this.#workers.add(worker);
  }

  async #logAll(): Promise<void> {
    for (let next = this.#take(); next !== undefined; next = this.#take()) await this.#log(...next);
  }

  #take(): [subject: string, module: ModuleVersion] | undefined {
    const [next] = this.#waiting;
    if (next !== undefined) this.#waiting.delete(next[0]);
    return next;
  }

  async #log(subject: string, module: ModuleVersion): Promise<void> {
    try {
      await this.#to?.ledger.record(module, { signal: this.#stop.signal });
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#to?.observer.onNotLogged?.({ subject, message: messageOf(error) });
    }
  }
}
