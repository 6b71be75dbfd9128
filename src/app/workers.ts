import { randomBytes } from 'node:crypto';
import type { Address } from '../config/leaves.ts';
import { withoutPaths } from '../config/redact.ts';
import type { Config } from '../config/schema.ts';
import { type ControlQuestion, type ControlReply, failureOf, WORKER_LATE } from '../control/exchange.ts';
import type { ControlDesk } from '../control/desk.ts';
import { defaultLogSink, type LogSink, openLogSink } from '../observe/log-sink.ts';
import { createLogger, type Logger } from '../observe/logger.ts';
import { type Counts, MergedMetrics } from '../observe/merged-metrics.ts';
import type { DependencyState } from '../server/operations.ts';
import type { Ask } from '../std/ask.ts';
import { type Clock, systemClock } from '../std/clock.ts';
import { AppError, toAppError } from '../std/errors.ts';
import { Closing } from './closing.ts';
import type { Around } from './around.ts';
import type { Larder } from './larder.ts';
import { openOwnControl } from './control.ts';
import { HandOut } from './hand-out.ts';
import { mergedHealth, type WorkerHealth, workersState } from './health-of-all.ts';
import { drainTimes, listenerLimits } from './limits.ts';
import type { Accepted, ConfigSource } from './reload.ts';
import { listenFailure } from './start-failure.ts';
import { watchEventLoop } from './watchdog.ts';
import { endingInWords, WorkerProcess } from './worker-process.ts';

/** A worker that served for so long is replaced at once; one that did not, after a pause that doubles. */
const LONG_ENOUGH_MS = 10_000;
const [SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS] = [100, 10_000];
/** Accepting ends this long before the workers stop taking, so that none is handed to one that has left. */
const HAND_OVER_MS = 100;
/** How long a process may take to end after it has said that it will, or was told to stop. */
const LONGEST_END_MS = 2000;
const COUNTS_MS = 1500;
/** For one worker to answer an operator, who waits a little longer for all of them. */
const CONTROL_MS = 3000;
/** Signals to all processes of a service come within this. */
const TOLD_TOGETHER_MS = 500;

/** One of the places, whoever sits there now. */
interface Place {
  readonly number: number;
  process: WorkerProcess | undefined;
  /** Monotonic, ms; undefined while nobody serves there. */
  servesSince: number | undefined;
  /** Ends in a row that came too soon. */
  failures: number;
  /** How often somebody sat down again. */
  restarts: number;
}

/** Several processes that serve together, from the one that started them: it accepts connections and hands them out, and replaces who ends. It serves nothing itself, so little can go wrong in it. */
export class Workers implements Pick<Larder, 'start' | 'watch' | 'drain' | 'stopNow' | 'logFatal'> {
  /** With the credentials that count now: who is started from now on has them as the others do. */
  #config: Config;
  readonly #around: Around;
  readonly #clock: Clock = systemClock;
  readonly #log: LogSink;
  readonly #logger: Logger;
  readonly #handOut: HandOut;
  readonly #places: readonly Place[];
  readonly #metrics = new MergedMetrics();
  readonly #closing = new Closing();
  readonly #stopping = new AbortController();
  readonly #instanceId = randomBytes(4).toString('hex');
  #address: Address | undefined;
  #watched: ConfigSource | undefined;
  /** What was last wanted of each switch, by what it switches. */
  readonly #wanted = new Map<string, ControlQuestion>();
  #page: Promise<string> | undefined;
  #ends = 0;

  /** `count` processes. Opens nothing yet. */
  constructor(config: Config, around: Around, count: number) {
    this.#config = config;
    this.#around = around;
    this.#log = openLogSink({ ...defaultLogSink, to: around.logTo });
    this.#logger = createLogger(config.log.level, this.#log);
    this.#handOut = new HandOut({ backlog: listenerLimits(config).backlog });
    this.#places = Array.from({ length: count }, (_, i) => ({
      number: i + 1,
      process: undefined,
      servesSince: undefined,
      failures: 0,
      restarts: 0,
    }));
  }

  /** The first alone: what is made at the first start is made once. */
  async start(): Promise<Address> {
    const { listen, data, upstream } = this.#config;
    try {
      this.#address = await this.#handOut.open(listen).catch((error: unknown) => {
        throw listenFailure(error, `${listen.host}:${listen.port}`);
      });
      const [first, ...others] = this.#places;
      for (const places of [first ? [first] : [], others]) await Promise.all(places.map((one) => this.#fill(one)));
    } catch (error) {
      await this.stopNow();
      throw error;
    }
    watchEventLoop(this.#config.watchdog, { logTo: this.#around.logTo, closing: this.#closing });
    await openOwnControl(data, this.desk, { logger: this.#logger, closing: this.#closing });
    this.#logger.info(
      { ...this.#address, workers: this.#places.length, data, upstream: withoutPaths(upstream) },
      'listening',
    );
    return this.#address;
  }

  watch(source: ConfigSource): void {
    this.#watched = source;
    for (const one of this.#serving()) one.channel.tell('watch', source.file);
  }

  async drain({ lingers }: { readonly lingers: boolean }): Promise<void> {
    this.#stopping.abort();
    this.#logger.info({ workers: this.#serving().length }, 'draining');
    const { acceptMs } = drainTimes(this.#config);
    const cancel = this.#clock.after(lingers ? Math.max(0, acceptMs - HAND_OVER_MS) : 0, () =>
      this.#handOut.stopAccepting(),
    );
    await Promise.all(this.#processes().map((one) => one.drain({ lingers })));
    cancel();
    await this.#end();
  }

  async stopNow(): Promise<void> {
    this.#stopping.abort();
    this.#handOut.stopAccepting();
    for (const one of this.#processes()) void one.stop();
    await this.#end();
  }

  logFatal(error: unknown): void {
    this.#logger.error({ err: error }, 'a defect that nobody caught; stopping');
  }

  /** Puts a question to every worker. */
  readonly desk: ControlDesk = async (question, o) => {
    const own: ControlReply[] = question.command === 'status' ? [{ worker: 0, answer: this.#standing() }] : [];
    // Who is started from now on begins like the others.
    const forget = this.#remember(question);
    const replies = (await Promise.all(this.#serving().map((one) => this.#askedSoon(one, question, o)))).flat();
    if (replies.length > 0 && replies.every(({ failure }) => failure !== undefined)) forget();
    const all = [...own, ...replies];
    return all.length > 0 ? all : [{ worker: 0, failure: failureOf(nobodyServes()) }];
  };

  /** Of one that hangs, that it does: the others have answered. */
  async #askedSoon(one: WorkerProcess, question: ControlQuestion, { signal }: Ask): Promise<readonly ControlReply[]> {
    const late = new AbortController();
    const cancel = this.#clock.after(CONTROL_MS, () =>
      late.abort(
        new AppError('ABORTED', `ask worker ${one.number}: no answer within ${CONTROL_MS / 1000} s`, {
          detail: { reason: WORKER_LATE },
        }),
      ),
    );
    const replies = await askedOf(one, question, { signal: AbortSignal.any([signal, late.signal]) });
    cancel();
    return replies;
  }

  /** The function that it returns takes it back. */
  #remember(question: ControlQuestion): () => void {
    const turned = switchOf(question);
    if (turned === undefined) return () => undefined;
    const before = this.#wanted.get(turned.what);
    const put = (wanted: ControlQuestion | undefined): void => {
      if (wanted === undefined) this.#wanted.delete(turned.what);
      else this.#wanted.set(turned.what, wanted);
    };
    put(turned.isAsAtStart ? undefined : question);
    return () => put(before);
  }

  /** Waits for the processes to end, and for a while only. */
  async #end(): Promise<void> {
    const cancel = this.#clock.after(LONGEST_END_MS, () => {
      for (const one of this.#processes()) one.kill();
    });
    await Promise.all(this.#processes().map((one) => one.ended));
    cancel();
    this.#handOut.close();
    await this.#closing.close();
    this.#log.flushSync();
  }

  /** Has somebody serve there. Rejects with why it cannot. */
  async #fill(place: Place): Promise<void> {
    const process = new WorkerProcess(place.number, { log: this.#log, clock: this.#clock });
    place.process = process;
    const order = this.#orderFor(place);
    this.#listenTo(process);
    void process.ended.then((ending) => this.#ended(place, process, endingInWords(ending)));
    try {
      await process.start(order);
    } catch (error) {
      process.kill();
      // The place is free only then.
      await process.ended;
      throw error;
    }
    // Before it is told what was switched: what is switched meanwhile is put to it as to the others, and when it ends somebody takes its place.
    place.servesSince = this.#clock.monotonic();
    if (this.#watched !== undefined) {
      // What was accepted while it started, it has not got: it reads the file at its first look.
      const hasLast = order.config === this.#config;
      process.channel.tell('watch', hasLast ? this.#watched.file : { ...this.#watched.file, mark: '' });
    }
    for (const wanted of this.#wanted.values()) await askedOf(process, wanted, { signal: this.#stopping.signal });
    if (!process.channel.isEnded) this.#handOut.add(process);
  }

  #listenTo(process: WorkerProcess): void {
    const { channel } = process;
    channel.on('took', async (id) => this.#handOut.took(process, id as number));
    channel.on('leaving', async () => await this.#letGo(process));
    channel.on('page', () => this.#renderPage());
    channel.on('health', async () => await this.#health());
    channel.on('standing', async () => this.#standing().workers);
    channel.on('load', async () => await this.#watched?.load());
    channel.on('accepted', async (accepted) => this.#accept(accepted as Accepted));
  }

  #accept({ credentials, mark }: Accepted): void {
    this.#config = { ...this.#config, credentials };
    if (this.#watched !== undefined) this.#watched = { ...this.#watched, file: { ...this.#watched.file, mark } };
  }

  /** A worker alone that is told to end. When all processes are told at a time, ours is among them, and the drain of all is the one that counts. */
  async #letGo(process: WorkerProcess): Promise<void> {
    await this.#clock.sleep(TOLD_TOGETHER_MS, { signal: this.#stopping.signal });
    this.#handOut.remove(process, { isGone: false });
    // It has connections on which nothing was asked yet: they are answered, and then closed.
    await process.drain({ lingers: true, othersServe: true });
  }

  #orderFor({ number }: Place): Parameters<WorkerProcess['start']>[0] {
    const { version, environment, home } = this.#around;
    const address = this.#address ?? this.#config.listen;
    const around = { version, environment, home, logTo: 2 };
    return { config: this.#config, around, number, instanceId: this.#instanceId, address };
  }

  async #ended(place: Place, process: WorkerProcess, how: string): Promise<void> {
    this.#handOut.remove(process, { isGone: true });
    this.#metrics.end(process.pid);
    place.process = undefined;
    const served = place.servesSince === undefined ? undefined : this.#clock.monotonic() - place.servesSince;
    place.servesSince = undefined;
    // Before it served, whoever started it hears of it.
    if (served === undefined || this.#stopping.signal.aborted) return;
    this.#ends++;
    this.#logger.warn({ worker: place.number, how }, 'a worker has ended; it is replaced');
    if (served >= LONG_ENOUGH_MS) place.failures = 0;
    await this.#replace(place);
  }

  async #replace(place: Place): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      if (place.failures > 0) await this.#clock.sleep(pauseAfter(place.failures), { signal }).catch(() => undefined);
      if (signal.aborted) return;
      place.failures++;
      try {
        await this.#fill(place);
        place.restarts++;
        return;
      } catch (error) {
        this.#logger.error(
          { worker: place.number, err: toAppError(error, 'start a worker') },
          'a worker cannot be started; it is tried again',
        );
      }
    }
  }

  /** One for all who ask at a time. */
  #renderPage(): Promise<string> {
    this.#page ??= this.#collected().finally(() => {
      this.#page = undefined;
    });
    return this.#page;
  }

  async #collected(): Promise<string> {
    const collect = async (one: WorkerProcess): Promise<void> => {
      const counts = await one.channel.ask('counts', undefined, { signal: AbortSignal.timeout(COUNTS_MS) });
      if (!one.channel.isEnded) this.#metrics.hear(one.pid, counts as Counts);
    };
    // Of one that does not answer what was heard last counts.
    await Promise.allSettled(this.#serving().map(collect));
    return await this.#metrics.render([
      ownCount('larder_workers', 'gauge', 'Processes that serve.', this.#serving().length),
      ownCount(
        'larder_worker_ends_total',
        'counter',
        'Processes that ended while they served, and were replaced.',
        this.#ends,
      ),
      ownCount(
        'larder_log_lines_dropped',
        'gauge',
        'Log lines dropped because the reader was too slow.',
        this.#log.dropped,
      ),
    ]);
  }

  /** What all depend on, and who of them serves. */
  async #health(): Promise<readonly DependencyState[]> {
    const ask = async (one: WorkerProcess): Promise<WorkerHealth> => {
      const states = await one.channel.ask('health', undefined, { signal: AbortSignal.timeout(COUNTS_MS) });
      return { worker: one.number, states: states as WorkerHealth['states'] };
    };
    const said = await Promise.allSettled(this.#serving().map(ask));
    const heard = said.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    return [workersState(heard.length, this.#places.length), ...mergedHealth(heard)];
  }

  #processes(): readonly WorkerProcess[] {
    return this.#places.flatMap(({ process }) => process ?? []);
  }

  #serving(): readonly WorkerProcess[] {
    return this.#places.flatMap(({ process, servesSince }) => (process && servesSince !== undefined ? [process] : []));
  }

  #standing(): { readonly workers: readonly object[] } {
    const now = this.#clock.monotonic();
    const of = ({ number, process, servesSince, restarts }: Place): object => ({
      number,
      pid: process?.pid,
      state: servesSince === undefined ? 'starting' : 'serving',
      servesForMs: servesSince === undefined ? 0 : Math.round(now - servesSince),
      restarts,
    });
    return { workers: this.#places.map(of) };
  }
}

async function askedOf(one: WorkerProcess, question: unknown, o: Ask): Promise<readonly ControlReply[]> {
  try {
    return (await one.channel.ask('control', question, o)) as readonly ControlReply[];
  } catch (error) {
    return [{ worker: one.number, failure: failureOf(error) }];
  }
}

/** What a question switches, if anything, and whether to where it is in a process that starts. */
function switchOf({ command, input }: ControlQuestion): { what: string; isAsAtStart: boolean } | undefined {
  const { to, step, upstream } = (typeof input === 'object' && input !== null ? input : {}) as Record<string, unknown>;
  if (command === 'offline' && to !== undefined) return { what: command, isAsAtStart: false };
  if (command !== 'canary' || typeof upstream !== 'string') return undefined;
  return { what: `canary ${upstream}`, isAsAtStart: step !== 'rollback' };
}

function pauseAfter(failures: number): number {
  return Math.min(LONGEST_PAUSE_MS, SHORTEST_PAUSE_MS * 2 ** Math.min(failures - 1, 10));
}

function nobodyServes(): AppError {
  return new AppError('OVERLOADED', 'ask the workers: none serves now; a switch counts for those that start');
}

function ownCount(name: string, type: string, help: string, value: number): Counts[number] {
  return { name, type, help, aggregator: 'sum', values: [{ value, labels: {} }] };
}
