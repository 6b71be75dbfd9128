import { messageOf } from '../../src/std/errors.ts';
import { type LarderProcess, startLarderProcess } from '../e2e/larder-process.ts';
import type { FakedTime } from '../fault/faked-time.ts';
import type { Replica } from './ground.ts';

export interface ReplicaOptions {
  readonly dist: string;
  readonly data: string;
  readonly config: string;
  readonly env: Readonly<Record<string, string>>;
  /** Its clock; undefined where the machine has no libfaketime. */
  readonly time: FakedTime | undefined;
}

/** The shipped program as a process that can be killed, stopped, and given another time. */
export class LarderReplica implements Replica {
  /** What it did not do when it was told to: end with 0 at SIGTERM, serve again. */
  readonly failures: string[] = [];
  readonly #options: ReplicaOptions;
  #process: LarderProcess | undefined;
  #isEnded = false;

  constructor(options: ReplicaOptions) {
    this.#options = options;
  }

  get port(): number {
    return this.#running.port;
  }

  get pid(): number {
    return this.#running.pid;
  }

  /** Everything that it said, since it was last started. */
  log(): string {
    return this.#running.log();
  }

  async start(port?: number): Promise<void> {
    const { dist, data, config, env, time } = this.#options;
    this.#process = await startLarderProcess({
      dist,
      data,
      env: { ...env, ...time?.env },
      upstream: 'mirrors',
      flags: ['--config', config],
      ...(port !== undefined && { port }),
    });
  }

  async restart(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const { port, pid } = this.#running;
    const exit = await this.#running.signal(signal);
    if (this.#isEnded) return;
    if (signal === 'SIGTERM' && exit !== 0) this.failures.push(`process ${pid} ended with ${exit} at SIGTERM`);
    try {
      await this.start(port);
    } catch (error) {
      this.failures.push(`did not start again after ${signal}: ${messageOf(error)}`);
      throw error;
    }
  }

  /** Members of its pool that it asks nothing now. None where it does not answer. */
  async leftAlone(): Promise<readonly string[]> {
    try {
      const answer = await fetch(`http://127.0.0.1:${this.port}/status`, {
        headers: { accept: 'application/json' },
        signal: AbortSignal.timeout(2000),
      });
      const { pools } = (await answer.json()) as {
        pools: readonly { members: readonly { name: string; state: string }[] }[];
      };
      return pools.flatMap(({ members }) =>
        members.filter(({ state }) => state === 'open' || state === 'half-open').map(({ name }) => name),
      );
    } catch {
      return [];
    }
  }

  pause(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  goOn(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  setClock(days: number): void {
    this.#options.time?.setDays(days);
  }

  async end(): Promise<void> {
    this.#isEnded = true;
    await this.#process?.signal('SIGKILL');
  }

  get #running(): LarderProcess {
    if (this.#process === undefined) throw new Error('the replica was not started');
    return this.#process;
  }
}
