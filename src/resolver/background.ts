import type { Clock } from '../std/clock.ts';
import { withDeadline } from './deadline.ts';

export interface BackgroundLimits {
  /** Tasks running at once. */
  readonly concurrent: number;
  /** Tasks that may wait for a turn; more are refused. */
  readonly queued: number;
  /** Longest time of one task, ms; its signal fires then. */
  readonly deadlineMs: number;
  /** Starts per second, and how many at once after a pause; no pace when absent. */
  readonly pace?: { readonly perSecond: number; readonly burst: number };
  /** Whether a task may begin as things are now; always when absent. */
  readonly mayBegin?: () => boolean;
}

/** Work with the signal that ends it. */
type Task = (signal: AbortSignal) => Promise<unknown>;

/**
 * Work that no client waits for: bounded in number, pace and time, and refused rather than piled up, since each of it can be
 * done at the next occasion as well. A task's failure is the task's own business.
 */
export class Background {
  readonly #clock: Clock;
  readonly #limits: BackgroundLimits;
  readonly #workers = new Set<Promise<unknown>>();
  #busy = 0;
  readonly #never = new AbortController().signal;
  readonly #waiting: Task[] = [];
  #tokens: number;
  #filledAt: number;
  #closed = false;

  constructor(clock: Clock, limits: BackgroundLimits) {
    this.#clock = clock;
    this.#limits = limits;
    this.#tokens = limits.pace?.burst ?? 0;
    this.#filledAt = clock.monotonic();
  }

  /** Starts `task` now or when a turn is free. False when it was refused: too many, too fast, not now, or the process is stopping. */
  start(task: Task): boolean {
    const mustWait = this.#busy >= this.#limits.concurrent;
    if (this.#closed || (mustWait && this.#waiting.length >= this.#limits.queued)) return false;
    if (this.#limits.mayBegin?.() === false || !this.#takeToken()) return false;
    if (mustWait) this.#waiting.push(task);
    else this.#run(task);
    return true;
  }

  /** Resolves when nothing runs or waits. */
  async idle(): Promise<void> {
    while (this.#workers.size > 0) await Promise.all(this.#workers);
  }

  /** Lets what runs come to its end within its deadline; refuses the rest. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.idle();
  }

  #run(task: Task): void {
    this.#busy++;
    const worker: Promise<unknown> = this.#work(task).then(() => this.#workers.delete(worker));
    this.#workers.add(worker);
  }

  async #work(first: Task): Promise<void> {
    for (let task: Task | undefined = first; task !== undefined; task = this.#waiting.shift()) await this.#carry(task);
    this.#busy--;
  }

  async #carry(task: Task): Promise<void> {
    const bound = {
      clock: this.#clock,
      ms: this.#limits.deadlineMs,
      signal: this.#never,
      attempted: 'background work',
    };
    try {
      await withDeadline(bound, task);
    } catch {
      // Whoever made the task has told what went wrong.
    }
  }

  /** Token bucket: `burst` at once, refilled at `perSecond`. */
  #takeToken(): boolean {
    const { pace } = this.#limits;
    if (pace === undefined) return true;
    const now = this.#clock.monotonic();
    this.#tokens = Math.min(pace.burst, this.#tokens + ((now - this.#filledAt) / 1000) * pace.perSecond);
    this.#filledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
