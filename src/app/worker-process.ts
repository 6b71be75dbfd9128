import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Address } from '../config/leaves.ts';
import type { Config } from '../config/schema.ts';
import { startFailure } from '../io/subprocess.ts';
import type { LogSink } from '../observe/log-sink.ts';
import type { Clock } from '../std/clock.ts';
import { AppError } from '../std/errors.ts';
import { Channel } from './channel.ts';
import type { Around } from './around.ts';
import type { Taker } from './hand-out.ts';
import type { DrainOrder } from './lifecycle.ts';
import { Stall } from './stall.ts';
import { lineTo, startWorkerProcess } from './worker-line.ts';

/** What a worker is told to serve with. */
export interface WorkerOrder {
  readonly config: Config;
  readonly around: Omit<Around, 'seat'>;
  /** From 1. */
  readonly number: number;
  readonly instanceId: string;
  /** Where connections are accepted. */
  readonly address: Address;
}

/** How a process ended, or why there never was one. */
export type Ending =
  | { readonly code: number | null; readonly signal: NodeJS.Signals | null; readonly failure?: undefined }
  | { readonly failure: AppError };

/** A worker that does not answer for this long serves nobody: it is ended, and what it was sent goes to others. */
const LONGEST_STALL_MS = 10_000;
/** How often a worker that does not answer is looked at. */
const LOOK_EVERY_MS = 500;
const PING_EVERY_MS = 2000;
/** A process of its own that the worker started may hold the stream longer. */
const LONGEST_WRITE_MS = 500;
/** The longest that a start may take: a ledger may have to be read. */
const LONGEST_START_MS = 10 * 60_000;

/** One worker's process, seen from the one that started it. */
export class WorkerProcess implements Taker {
  readonly number: number;
  readonly channel: Channel;
  /** Resolves when the process is gone, or could not be made, and all it has written is in the log. */
  readonly ended: Promise<Ending>;
  readonly #child: ChildProcess;
  readonly #clock: Clock;
  readonly #stopPings = new AbortController();

  constructor(number: number, { log, clock }: { readonly log: LogSink; readonly clock: Clock }) {
    this.number = number;
    this.#clock = clock;
    this.#child = startWorkerProcess();
    this.channel = new Channel(lineTo(this.#child));
    const written = this.#child.stderr ? forwardLines(this.#child.stderr, log) : Promise.resolve();
    const { promise: exited, resolve } = Promise.withResolvers<Ending>();
    this.#child.once('exit', (code, signal) => resolve({ code, signal }));
    // Of one that could not be made there is no `exit`.
    this.#child.on('error', (error) => {
      if (this.#child.pid === undefined) resolve({ failure: startFailure('a worker', error) });
    });
    this.ended = exited.then(async (ending) => {
      // Not the process's own `close`: that never comes of one whose line was cut from this side.
      await Promise.race([
        written,
        clock.sleep(LONGEST_WRITE_MS, { signal: AbortSignal.timeout(2 * LONGEST_WRITE_MS) }),
      ]);
      return ending;
    });
    void this.ended.then(() => this.#stopPings.abort());
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves when it serves. Rejects with why it cannot. */
  async start(order: WorkerOrder): Promise<void> {
    try {
      await this.channel.ask('start', order, { signal: AbortSignal.timeout(LONGEST_START_MS) });
    } catch (error) {
      throw this.channel.isEnded ? endedEarly(await this.ended) : error;
    }
    void this.#watch(this.#stopPings.signal);
  }

  give(id: number, socket: Socket): void {
    this.channel.tell('connection', id, socket);
  }

  /** Has it finish what is in progress, and end. */
  async drain(o: DrainOrder): Promise<void> {
    await this.#endBy('drain', o);
  }

  /** Has it cut what is in progress, and end. */
  async stop(): Promise<void> {
    await this.#endBy('stop', undefined);
  }

  async #endBy(name: string, value: unknown): Promise<void> {
    await this.channel.ask(name, value, { signal: this.#stopPings.signal }).catch(() => undefined);
    // Who has nobody any more who started it ends.
    if (this.#child.connected) this.#child.disconnect();
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  async #watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#ping(signal);
      await this.#clock.sleep(PING_EVERY_MS, { signal }).catch(() => undefined);
    }
  }

  /** Waits for the answer, and ends the worker when none comes for too long while we were awake ourselves. */
  async #ping(signal: AbortSignal): Promise<void> {
    const answered = this.channel.ask('ping', undefined, { signal }).then(
      () => true,
      () => true,
    );
    const stall = new Stall(LOOK_EVERY_MS);
    for (let looked = this.#clock.monotonic(); !signal.aborted; ) {
      const turn = this.#clock.sleep(LOOK_EVERY_MS, { signal }).then(
        () => false,
        () => true,
      );
      if (await Promise.race([answered, turn])) return;
      const now = this.#clock.monotonic();
      if (stall.look({ passedMs: now - looked, hasMoved: false }) >= LONGEST_STALL_MS) return this.kill();
      looked = now;
    }
  }
}

/** Hands the lines of `stream` to `log`, one at a time: those of several processes must not get mixed up, and each that is dropped counts. Resolves at the end of the stream. */
export function forwardLines(stream: NodeJS.ReadableStream, log: Pick<LogSink, 'write'>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) log.write(`${line}\n`);
  });
  stream.on('end', () => {
    if (rest !== '') log.write(`${rest}\n`);
  });
  stream.on('close', resolve);
  return promise;
}

/** Why a worker ended, in a line. */
export function endingInWords(ending: Ending): string {
  if (ending.failure !== undefined) return ending.failure.message;
  return ending.signal === null ? `exit code ${ending.code}` : `signal ${ending.signal}`;
}

/** What is told when a worker ended before it served. */
function endedEarly(ending: Ending): AppError {
  if (ending.failure !== undefined) return ending.failure;
  return new AppError('INTERNAL', `start a worker: it ended with ${endingInWords(ending)}`);
}
