/** Starting, pinning and measuring the processes of a benchmark. Linux: /proc and taskset. */
import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../tests/fakes/free-port.ts';

/** A server under measurement. */
export interface Subject {
  readonly name: string;
  /** Without a trailing slash; module paths follow. */
  readonly base: string;
  /** Process whose CPU and memory count; absent for a peer that was only given as a URL. */
  readonly pid?: number;
  stop(): Promise<void>;
}

/** The core that servers run on; the load generator takes the other. One core for the server is the figure that scales. */
const SERVER_CORE = '1';
export const LOAD_CORE = '0';
const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** Seconds of CPU that the process has used, all threads. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

export interface LarderOptions {
  readonly data: string;
  readonly upstream: string;
  readonly set?: readonly string[];
  /** Where it and its children run, as taskset has it; one core unless given. */
  readonly cores?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The shipped program, logging and metrics on, on one core unless told otherwise. Its log goes to a file, as in production. */
export async function startLarder(
  dist: string,
  o: LarderOptions,
): Promise<Subject & { readonly pid: number; readonly startMs: number }> {
  const port = await freePort();
  mkdirSync(o.data, { recursive: true });
  const log = join(o.data, '..', `larder-${port}.log`);
  const node = readFileSync(join(import.meta.dirname, '../tools/node-flags'), 'utf8')
    .trim()
    .split(/\s+/);
  const flags = ['serve', '--listen', `127.0.0.1:${port}`, '--data', o.data, '--upstream', o.upstream];
  for (const pair of o.set ?? []) flags.push('--set', pair);
  const started = performance.now();
  const child = spawn(
    'sh',
    [
      '-c',
      `exec taskset -c ${o.cores ?? SERVER_CORE} "$0" "$@" >>'${log}' 2>&1`,
      process.execPath,
      ...node,
      join(dist, 'main.js'),
      ...flags,
    ],
    {
      // No database knows the modules of a benchmark, unless it has one of its own: then `set` names it.
      env: { ...process.env, GOPROXY: '', LARDER_SUMDB: 'off', ...o.env },
      stdio: 'ignore',
    },
  );
  const base = `http://127.0.0.1:${port}`;
  await ready(`${base}/readyz`, child, log);
  return {
    name: 'larder',
    base,
    pid: pidOf(child),
    startMs: performance.now() - started,
    stop: () => stopped(child, 'SIGTERM'),
  };
}

/** nginx with one worker and sendfile over a GOPROXY tree. */
export async function startNginx(folder: string, tree: string): Promise<Subject & { readonly pid: number }> {
  const port = await freePort();
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'nginx.conf');
  writeFileSync(
    config,
    `daemon off; master_process off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 4096; }
http {
  sendfile on; tcp_nopush on; keepalive_requests 1000000; default_type application/octet-stream;
  access_log ${folder}/access.log combined buffer=64k;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  server { listen 127.0.0.1:${port} backlog=4096; root ${tree}; }
}
`,
  );
  const child = spawn('taskset', ['-c', SERVER_CORE, 'nginx', '-c', config], {
    stdio: 'ignore',
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` },
  });
  const base = `http://127.0.0.1:${port}`;
  await ready(base, child, join(folder, 'error.log'));
  return { name: 'nginx', base, pid: pidOf(child), stop: () => stopped(child, 'SIGTERM') };
}

/** What bench/upstream.ts answers to `count` messages. */
export interface UpstreamCounts {
  readonly total: number;
  readonly zip: number;
}

export interface Upstream extends Subject {
  counts(): Promise<UpstreamCounts>;
  /** Milliseconds before each answer; a negative value never answers. */
  delay(ms: number): Promise<void>;
  /** How fast bodies go out; undefined = as fast as they can. */
  pace(bytesPerSecond: number | undefined): Promise<void>;
}

/** The checksum database of the benchmark: what `sumdb.database` must say to use it, and the counts of what it was asked. */
export interface Database extends Subject {
  readonly setting: string;
  counts(): Promise<{ readonly total: number; readonly lookups: number }>;
  delay(ms: number): Promise<void>;
  /** Whether each lookup finds a tree that has grown. */
  grow(grows: boolean): Promise<void>;
}

/** A proxy that serves a tree, counts, and delays when told; on the load generator's core. */
export async function startUpstream(tree: string, port: number): Promise<Upstream> {
  const { ask, pid, stop } = await startHelper('upstream.ts', [tree, String(port)]);
  return {
    name: 'upstream',
    base: `http://127.0.0.1:${port}`,
    pid,
    counts: () => ask<UpstreamCounts>({ ask: 'counts' }),
    delay: async (ms) => void (await ask({ ask: 'delay', ms })),
    pace: async (bytesPerSecond) => void (await ask({ ask: 'pace', bytesPerSecond })),
    stop,
  };
}

/** A checksum database of the modules of a tree, among 100,000 other records; its log grows with each lookup. */
export async function startDatabase(tree: string): Promise<Database> {
  const port = await freePort();
  const { ask, pid, stop, first } = await startHelper<{ readonly key: string }>('database.ts', [tree, String(port)]);
  const base = `http://127.0.0.1:${port}`;
  return {
    name: 'database',
    base,
    pid,
    setting: `${first.key} ${base}`,
    counts: () => ask({ ask: 'counts' }),
    delay: async (ms) => void (await ask({ ask: 'delay', ms })),
    grow: async (grows) => void (await ask({ ask: 'grow', grows })),
    stop,
  };
}

interface Helper<T> {
  readonly pid: number;
  /** What it said when it was ready. */
  readonly first: T;
  readonly ask: <A>(message: object) => Promise<A>;
  readonly stop: () => Promise<void>;
}

async function startHelper<T = unknown>(program: string, args: readonly string[]): Promise<Helper<T>> {
  const child = fork(join(import.meta.dirname, program), args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const next = <A>(): Promise<A> => {
    const { promise, resolve } = Promise.withResolvers<A>();
    child.once('message', (answer) => resolve(answer as A));
    return promise;
  };
  const first = await next<T>();
  return {
    pid: pidOf(child),
    first,
    ask: <A>(message: object) => {
      const answer = next<A>();
      child.send(message);
      return answer;
    },
    stop: () => stopped(child, 'SIGKILL'),
  };
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('the process did not start');
  return child.pid;
}

async function ready(url: string, child: ChildProcess, log: string): Promise<void> {
  for (let i = 0; i < 2000; i++) {
    if (child.exitCode !== null)
      throw new Error(`exited with ${child.exitCode}: ${readFileSync(log, 'utf8').slice(-2000)}`);
    try {
      await fetch(url);
      return;
    } catch {
      await sleep(5);
    }
  }
  throw new Error(`no answer from ${url}`);
}

async function stopped(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  child.once('exit', () => resolve());
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
  await promise;
  clearTimeout(timer);
}
