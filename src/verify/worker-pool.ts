import { Worker } from 'node:worker_threads';
import { abortedError, type Ask, throwIfAborted, waitFor } from '../std/ask.ts';
import { AppError, messageOf } from '../std/errors.ts';

/** Bounds of a pool; durations in ms. */
export interface PoolLimits {
  /** Threads at most; each is started when first needed. */
  readonly threads: number;
  /** Tasks that may wait for a thread. */
  readonly queued: number;
  /** Wall time of one task; then its thread is killed. */
  readonly taskMs: number;
  /** A thread without work ends after this. */
  readonly idleMs: number;
}

/**
 * Worker threads of one program, each with one task at a time. A task that is aborted, or takes too long, loses its thread: JavaScript that is
 * busy cannot be stopped in another way. Idle threads do not keep the process alive.
 *
 * A pool of our own because the bundle must run without its sources: the ones from the registry start a file of theirs beside themselves.
 */
export class WorkerPool<Task, Reply> {
  readonly #program: URL;
  readonly #limits: PoolLimits;
  readonly #idle: { readonly worker: Worker; readonly timer: NodeJS.Timeout }[] = [];
  readonly #all = new Set<Worker>();
  /** Callers waiting for their turn, oldest first. */
  readonly #queue = new Set<() => void>();
  #running = 0;
  #isClosed = false;

  constructor(program: URL, limits: PoolLimits) {
    this.#program = program;
    this.#limits = limits;
  }

  /** Whether it has no thread, and nobody waits for one. */
  get isUnused(): boolean {
    return this.#all.size === 0 && this.#running === 0 && !this.#isClosed;
  }

  /**
   * The program's reply to `task`, which is copied to it. Rejects with OVERLOADED when too many wait or the task takes too long, INTERNAL when the thread
   * dies, or for the signal's reason.
   */
  async run(task: Task, o: Ask): Promise<Reply> {
    throwIfAborted(o.signal);
    await this.#turn(o);
    try {
      // The signal may have fired, and the pool been closed, during the wait.
      throwIfAborted(o.signal);
      if (this.#isClosed) throw new AppError('ABORTED', 'run worker: the pool is closed');
      return await this.#runOn(this.#takeWorker(), task, o);
    } finally {
      this.#running--;
      this.#next();
    }
  }

  /** Ends all threads; tasks under way and waiting reject with ABORTED. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { timer } of this.#idle.splice(0)) clearTimeout(timer);
    for (const wake of this.#queue) wake();
    this.#queue.clear();
    await Promise.all([...this.#all].map((worker) => worker.terminate()));
  }

  /** Resolves when a thread may be used; counts it as used. */
  async #turn(o: Ask): Promise<void> {
    if (this.#running < this.#limits.threads && this.#queue.size === 0) {
      this.#running++;
      return;
    }
    if (this.#queue.size >= this.#limits.queued) throw new AppError('OVERLOADED', 'run worker: too many tasks wait');
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => {
      this.#running++;
      resolve();
    };
    this.#queue.add(wake);
    try {
      await waitFor(promise, o.signal);
    } catch (error) {
      // Woken and aborted at once: the turn goes to the next.
      if (!this.#queue.delete(wake)) {
        this.#running--;
        this.#next();
      }
      throw error;
    }
  }

  #next(): void {
    if (this.#running >= this.#limits.threads) return;
    const [wake] = this.#queue;
    if (wake === undefined) return;
    this.#queue.delete(wake);
    wake();
  }

  #takeWorker(): Worker {
    const idle = this.#idle.pop();
    if (idle === undefined) return this.#start();
    clearTimeout(idle.timer);
    idle.worker.ref();
    return idle.worker;
  }

  #start(): Worker {
    // No environment: a thread that reads hostile bytes has no use for secrets.
    const worker = new Worker(this.#program, { env: {}, resourceLimits: { maxOldGenerationSizeMb: 256 } });
    this.#all.add(worker);
    worker.once('exit', () => this.#forget(worker));
    // An idle thread that fails has nobody to tell; #runOn listens for its own.
    worker.on('error', () => undefined);
    return worker;
  }

  #forget(worker: Worker): void {
    this.#all.delete(worker);
    const at = this.#idle.findIndex((idle) => idle.worker === worker);
    for (const { timer } of at < 0 ? [] : this.#idle.splice(at, 1)) clearTimeout(timer);
  }

  async #runOn(worker: Worker, task: Task, { signal }: Ask): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const onAbort = (): void => reject(abortedError(signal));
    const onError = (error: unknown): void =>
      reject(new AppError('INTERNAL', `run worker: ${messageOf(error)}`, { cause: error }));
    const onExit = (): void =>
      reject(new AppError(this.#isClosed ? 'ABORTED' : 'INTERNAL', 'run worker: its thread ended'));
    const { taskMs } = this.#limits;
    const timer = setTimeout(
      () => reject(new AppError('OVERLOADED', `run worker: not done after ${taskMs} ms`)),
      taskMs,
    );
    worker.once('message', resolve).once('messageerror', onError).once('error', onError).once('exit', onExit);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      worker.postMessage(task);
      const reply = await promise;
      this.#keep(worker);
      return reply;
    } catch (error) {
      this.#retire(worker);
      throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      worker.off('message', resolve).off('messageerror', onError).off('error', onError).off('exit', onExit);
    }
  }

  #keep(worker: Worker): void {
    if (!this.#all.has(worker) || this.#isClosed) return void worker.terminate();
    worker.unref();
    const timer = setTimeout(() => this.#retire(worker), this.#limits.idleMs).unref();
    this.#idle.push({ worker, timer });
  }

  /** Out of the list first: it takes a moment until the thread has ended. */
  #retire(worker: Worker): void {
    this.#forget(worker);
    void worker.terminate();
  }
}
