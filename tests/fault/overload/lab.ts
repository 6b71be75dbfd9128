/** The processes of an overload test: an upstream, the shipped program, and crowds of clients. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LarderProcess, startLarderProcess } from '../../e2e/larder-process.ts';
import type { Job, Outcome } from './jobs.ts';

/** As the launchers start it. */
const NODE_FLAGS = readFileSync(join(import.meta.dirname, '../../../tools/node-flags'), 'utf8').trim();

/** What the upstream has been asked. */
export interface Asked {
  readonly total: number;
  readonly zip: number;
}

/** An upstream under test. */
export interface Upstream {
  readonly url: string;
  counts(): Promise<Asked>;
  /** Before each answer, ms. */
  delay(ms: number): Promise<Asked>;
}

/** A crowd in a process of its own. */
export interface Crowd {
  run(job: Job): Promise<Outcome>;
}

/** Everything that a test started, ended by `close`. */
export class Lab {
  readonly folder = mkdtempSync(join(tmpdir(), 'larder-overload-'));
  readonly #dist: string;
  readonly #children: ChildProcess[] = [];
  readonly #larders: LarderProcess[] = [];

  constructor(dist: string) {
    this.#dist = dist;
  }

  async upstream(bigBytes = 0): Promise<Upstream> {
    const child = this.#fork('upstream.ts', ['0', String(bigBytes)]);
    const { port } = await next<{ readonly port: number }>(child);
    const ask = (message: object): Promise<Asked> => {
      const answer = next<Asked>(child);
      child.send(message);
      return answer;
    };
    return { url: `http://127.0.0.1:${port}`, counts: () => ask({}), delay: (delay) => ask({ delay }) };
  }

  /** Before the servers at `ports`. */
  async balancer(ports: readonly number[]): Promise<{ readonly port: number; lost(): Promise<number> }> {
    const child = this.#fork('balancer.ts', ports.map(String));
    const { port } = await next<{ readonly port: number }>(child);
    const lost = async (): Promise<number> => {
      const answer = next<{ readonly lost: number }>(child);
      child.send({});
      return (await answer).lost;
    };
    return { port, lost };
  }

  async crowd(): Promise<Crowd> {
    const child = this.#fork('clients.ts', []);
    await next(child);
    return {
      run: async (job) => {
        const answer = next<Outcome | { readonly error: string }>(child);
        child.send(job);
        const outcome = await answer;
        if ('error' in outcome) throw new Error(outcome.error);
        return outcome;
      },
    };
  }

  async larder(
    upstream: string,
    o: {
      readonly flags?: readonly string[];
      readonly within?: readonly string[];
      readonly data?: string;
      readonly port?: number;
    } = {},
  ): Promise<LarderProcess> {
    const { data = 'data', flags = [], ...more } = o;
    const quiet = ['--set', 'log.access=false', ...flags];
    const env = { NODE_OPTIONS: NODE_FLAGS };
    const larder = await startLarderProcess({
      dist: this.#dist,
      data: join(this.folder, data),
      upstream,
      flags: quiet,
      env,
      ...more,
    });
    this.#larders.push(larder);
    return larder;
  }

  async close(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
    await Promise.all(this.#larders.map((larder) => larder.signal('SIGKILL')));
    rmSync(this.folder, { recursive: true, force: true });
  }

  #fork(program: string, args: readonly string[]): ChildProcess {
    const child = fork(join(import.meta.dirname, program), args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#children.push(child);
    return child;
  }
}

function next<T>(child: ChildProcess): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const onExit = (): void => reject(new Error(`${child.spawnfile} ended`));
  child.once('exit', onExit);
  child.once('message', (message) => {
    child.off('exit', onExit);
    resolve(message as T);
  });
  return promise;
}

/** What the process has read so far, from disks and sockets, bytes. */
export function readBytes(pid: number): number {
  return Number(/^rchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]);
}

/** Values of gauges by `name{labels}`, without the prefix. */
export async function gauges(larder: LarderProcess): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${larder.base}/metrics`)).text();
  return new Map(Array.from(text.matchAll(/^larder_(\S+) (\S+)$/gm), ([, name = '', value]) => [name, Number(value)]));
}
