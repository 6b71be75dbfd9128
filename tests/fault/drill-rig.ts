/** A server process with a pool of two upstreams, clients that ask it for something cold all the time, and the command that drills it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DrillReport } from '../../src/drill/report.ts';
import { hashGoMod } from '../../src/gomod/dirhash.ts';
import type { Content } from '../fakes/content.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/fake-upstream.ts';

const MAIN = resolve(import.meta.dirname, '../../src/main.ts');
/** Modules that a go.sum of the server pins, so that wrong bytes of them are known as such. */
const MODULES = 20_000;

/** One module after the other, each with one version. */
const modules: Content = {
  get(target) {
    const [, path, extension] = /^(example\.com\/m\d+)\/@v\/v1\.0\.0\.(info|mod)$/.exec(target) ?? [];
    if (path === undefined) return undefined;
    return Buffer.from(extension === 'mod' ? goModOf(path) : '{"Version":"v1.0.0"}');
  },
};

function goModOf(path: string): string {
  return `module ${path}\n`;
}

function goSum(): string {
  return Array.from({ length: MODULES }, (_, n) => {
    const path = `example.com/m${n}`;
    return `${path} v1.0.0/go.mod ${hashGoMod(Buffer.from(goModOf(path)))}\n`;
  }).join('');
}

/** A program, and what it said. */
export interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<number | NodeJS.Signals>;
  readonly out: () => string;
  readonly err: () => string;
}

/** What clients saw. */
export interface Seen {
  /** Wall time, ms. */
  readonly at: number;
  readonly tookMs: number;
  readonly status: number;
}

export interface Drilled {
  readonly one: FakeUpstream;
  readonly two: FakeUpstream;
  readonly url: string;
  readonly server: Run;
  /** Everything that clients asked so far. */
  readonly seen: readonly Seen[];
  /** `larder drill ...` on this server's data. */
  drill(...args: readonly string[]): Run;
  /** Any other command likewise. */
  larder(...args: readonly string[]): Run;
  /** Lines of the log, read as JSON. */
  log(): readonly Readonly<Record<string, unknown>>[];
  /** Asks for something cold, as a client. */
  ask(): Promise<Seen>;
  close(): Promise<void>;
}

export interface DrilledOptions {
  readonly folder: string;
  /** Of the configuration, besides what the rig itself needs. */
  readonly settings?: string;
  /** Requests a second; 0 for none. */
  readonly perSecond?: number;
  /** Those of the pool. */
  readonly upstreams?: readonly ('one' | 'two')[];
}

/** Starts all of it. Close it. */
export async function startDrilled(options: DrilledOptions): Promise<Drilled> {
  const { folder, settings = '', perSecond = 25, upstreams = ['one', 'two'] } = options;
  mkdirSync(folder, { recursive: true });
  const [one, two] = await Promise.all([0, 0].map(() => startFakeUpstream({ content: [modules], latencyMs: 3 })));
  if (one === undefined || two === undefined) throw new Error('no upstreams');
  const rows = {
    one: `  - {name: one, weight: 100, url: "${one.base}", probe: example.com/m0@v1.0.0}`,
    two: `  - {name: two, weight: 1, url: "${two.base}", probe: example.com/m0@v1.0.0}`,
  };
  writeFileSync(join(folder, 'go.sum'), goSum());
  writeFileSync(
    join(folder, 'larder.yaml'),
    [
      'listen: 127.0.0.1:0',
      `data: ${join(folder, 'data')}`,
      'upstream: main',
      'upstreams:',
      ...upstreams.map((name) => rows[name]),
      'sumdb: {database: off}',
      `verify: {goSum: ${join(folder, 'go.sum')}}`,
      'drain: {accept: 0}',
      settings,
    ].join('\n'),
  );
  const server = start(['serve', '--config', join(folder, 'larder.yaml')], folder);
  const url = await urlOf(server);
  const clients = new Clients(url, perSecond);
  return {
    one,
    two,
    url,
    server,
    seen: clients.seen,
    drill: (...args) => start(['drill', ...args, '--data', join(folder, 'data')], folder),
    larder: (...args) => start([...args, '--data', join(folder, 'data')], folder),
    log: () => logIn(server.err()),
    ask: () => clients.ask(),
    close: async () => {
      await clients.stop();
      server.child.kill('SIGKILL');
      await Promise.all([server.ended, one.close(), two.close()]);
    },
  };
}

/** The report that a drill printed with `--json`. */
export function reportOf({ out, err }: Run): DrillReport {
  try {
    return JSON.parse(out()) as DrillReport;
  } catch {
    throw new Error(`no report:\n${out()}${err()}`);
  }
}

function start(args: readonly string[], folder: string): Run {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: folder,
    env: { PATH: '', HOME: folder, GOENV: 'off', LANG: 'C' },
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (err += data.toString()));
  const { promise: ended, resolve: end } = Promise.withResolvers<number | NodeJS.Signals>();
  child.once('close', (code, signal) => end(code ?? signal ?? -1));
  return { child, ended, out: () => out, err: () => err };
}

async function urlOf(server: Run): Promise<string> {
  for (let n = 0; n < 300; n++) {
    const url = /export GOPROXY=(\S+)/.exec(server.err())?.[1];
    if (url !== undefined) return url;
    if (server.child.exitCode !== null) break;
    await sleep(100);
  }
  throw new Error(`the server did not start:\n${server.err()}`);
}

function logIn(text: string): readonly Readonly<Record<string, unknown>>[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** Asks at an even pace, whatever the answers take. */
class Clients {
  readonly seen: Seen[] = [];
  readonly #url: string;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #open = new Set<Promise<unknown>>();
  #next = 1;

  constructor(url: string, perSecond: number) {
    this.#url = url;
    this.#timer = perSecond === 0 ? undefined : setInterval(() => this.#begin(), 1000 / perSecond);
  }

  async ask(): Promise<Seen> {
    const [at, startedAt] = [Date.now(), performance.now()];
    const path = `example.com/m${this.#next++ % MODULES}/@v/v1.0.0.mod`;
    const answer = await fetch(`${this.#url}/${path}`).catch(() => undefined);
    const text = await answer?.text().catch(() => undefined);
    const isRight = text === goModOf(path.split('/@v/')[0] ?? '');
    // A wrong 200 is the worst of all.
    const status = answer?.status === 200 && !isRight ? -1 : (answer?.status ?? 0);
    const seen = { at, tookMs: performance.now() - startedAt, status };
    this.seen.push(seen);
    return seen;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#open);
  }

  #begin(): void {
    const asking = this.ask().finally(() => this.#open.delete(asking));
    this.#open.add(asking);
  }
}
