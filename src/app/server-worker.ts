/**
 * The program of one of several processes that serve together. It opens no port: `workers.ts` starts it, says what configuration is in force, and hands it connections. It ends when it is told
 * to, when that process has gone, and on SIGTERM; in each case what is in progress is finished.
 */
import type { Socket } from 'node:net';
import type { ConfigFile, Loaded } from '../config/load.ts';
import { deskOf } from '../control/desk.ts';
import type { ControlQuestion } from '../control/exchange.ts';
import { AppError } from '../std/errors.ts';
import { Channel } from './channel.ts';
import { composeLarder } from './compose.ts';
import type { Larder } from './larder.ts';
import type { DrainOrder } from './lifecycle.ts';
import { healthFrom } from './health-of-all.ts';
import { pageFrom } from './merged-pages.ts';
import { ChannelIncoming } from './seat.ts';
import { lineOfThisProcess } from './worker-line.ts';
import type { WorkerOrder } from './worker-process.ts';

const NO_COMMANDS: Larder['commands'] = new Map();
const NEVER = new AbortController().signal;
/** The page of all workers is waited for so long. */
const PAGE_MS = 2000;

class ServerWorker {
  readonly #channel: Channel;
  #number = 0;
  #larder: Larder | undefined;
  #ending: Promise<void> | undefined;

  constructor(channel: Channel) {
    this.#channel = channel;
    channel.on('start', async (order) => await this.#start(order as WorkerOrder));
    channel.on('drain', async (o) => await this.#drain(o as DrainOrder));
    channel.on('stop', async () => await this.#stop());
    channel.on('control', async (question, o) => {
      return await deskOf(this.#larder?.commands ?? NO_COMMANDS, this.#number)(question as ControlQuestion, o);
    });
    channel.on('counts', async () => await this.#larder?.counts());
    channel.on('health', async () => await this.#larder?.dependencies());
    channel.on('ping', async () => undefined);
    channel.on('watch', async (file) => this.#watch(file as ConfigFile));
  }

  async #start({ config, around, number, instanceId, address }: WorkerOrder): Promise<void> {
    this.#number = number;
    const incoming = new ChannelIncoming(address);
    const channel = this.#channel;
    channel.on('connection', async (id, { handle }) => {
      // First: until this is said, nothing of the connection is read.
      channel.tell('took', id);
      if (handle !== undefined) incoming.add(handle as Socket);
    });
    this.#larder = await composeLarder(config, {
      ...around,
      seat: {
        number,
        instanceId,
        incoming,
        workers: () =>
          channel.ask('standing', undefined, { signal: AbortSignal.timeout(PAGE_MS) }).catch(() => undefined),
        healthOfAll: (own) =>
          healthFrom(own, () => channel.ask('health', undefined, { signal: AbortSignal.timeout(PAGE_MS) })),
        metricsOfAll: (own) =>
          pageFrom(own, () => channel.ask('page', undefined, { signal: AbortSignal.timeout(PAGE_MS) })),
      },
    });
    await this.#larder.start();
  }

  /** The file is read by who started us: it knows the flags. */
  #watch(file: ConfigFile): void {
    const channel = this.#channel;
    this.#larder?.watch({
      file,
      load: async () => (await channel.ask('load', undefined, { signal: NEVER })) as Loaded,
      onAccepted: (accepted) => channel.tell('accepted', accepted),
    });
  }

  #drain(o: DrainOrder): Promise<void> {
    this.#ending ??= this.#larder?.drain(o) ?? Promise.resolve();
    return this.#ending;
  }

  #stop(): Promise<void> {
    this.#ending = this.#larder?.stopNow() ?? Promise.resolve();
    return this.#ending;
  }

  /** Nobody is there any more who started us: ends the process when what is in progress is done. */
  async leave(): Promise<void> {
    await this.#drain({ lingers: false }).catch(() => undefined);
    process.exit(0);
  }

  /** Has who started us send nobody here any more, and tell us to drain; unless it was told to stop itself, as with all processes of a service. */
  askToLeave(): void {
    this.#channel.tell('leaving', undefined);
  }

  /** What it has not acknowledged goes to others. */
  async fail(error: unknown): Promise<void> {
    // Closing our copy does not close the connection.
    this.#channel.on('connection', async (_, { handle }) => void (handle as Socket | undefined)?.destroy());
    this.#larder?.logFatal(error);
    await this.#larder?.stopNow();
    process.exit(1);
  }
}

const line = lineOfThisProcess();
if (line === undefined) throw new AppError('INTERNAL', 'start a worker: nobody has started it');
const worker = new ServerWorker(new Channel(line));
line.onEnd(() => void worker.leave());
process.on('SIGTERM', () => worker.askToLeave());
// A terminal sends these to all; who started us decides.
for (const name of ['SIGINT', 'SIGHUP'] as const) process.on(name, () => undefined);
for (const name of ['uncaughtException', 'unhandledRejection'] as const)
  process.on(name, (error: unknown) => void worker.fail(error));
// Who reads the log may die before us.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
