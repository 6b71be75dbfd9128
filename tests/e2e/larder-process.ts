/** The shipped program as a process of its own, so that it can be killed. */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, fstatSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '../fakes/free-port.ts';

const root = resolve(import.meta.dirname, '../..');

/** Builds the program once per test process; returns the folder of main.js. */
export function build(into: string): string {
  if (!existsSync(join(into, 'main.js'))) {
    execFileSync(join(root, 'node_modules/.bin/rolldown'), ['-c', 'tools/rolldown.config.ts'], {
      cwd: root,
      env: { ...process.env, LARDER_BUILD_DIR: into },
      stdio: 'pipe',
    });
  }
  return into;
}

/** One run of the shipped program: `larder ARGS`. Rejects with what it said unless it succeeds; resolves with its stdout. */
export async function runLarder(
  dist: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(dist, 'main.js'), ...args], {
    env: environment(env),
  });
  return stdout;
}

/** No settings of this machine, nothing checked against a checksum database and no long wait for upstreams that are out, unless `env` says so. */
function environment(env: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  return { ...process.env, GOPROXY: '', GOENV: 'off', LARDER_SUMDB: 'off', LARDER_LADDER_PATIENCE: '1s', ...env };
}

export interface LarderProcess {
  readonly base: string;
  readonly port: number;
  readonly pid: number;
  /** Everything on stderr so far: start block and JSON log lines. */
  log(): string;
  /** The access log lines so far. */
  requests(): readonly { readonly target: string; readonly status: number; readonly result?: string }[];
  signal(signal: NodeJS.Signals): Promise<number | NodeJS.Signals>;
}

export interface LarderProcessOptions {
  readonly dist: string;
  readonly data: string;
  readonly upstream: string;
  readonly flags?: readonly string[];
  /** A free one unless given. */
  readonly port?: number;
  /** A command that runs what is put behind it, under the same process id. */
  readonly within?: readonly string[];
  /** Settings of LARDER_* variables. Unless LARDER_SUMDB is among them, nothing is checked against a checksum database. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts it and waits until it is ready. */
export async function startLarderProcess(o: LarderProcessOptions): Promise<LarderProcess> {
  const port = o.port ?? (await freePort());
  mkdirSync(o.data, { recursive: true });
  const logFile = `${o.data}-${port}.log`;
  const log = openSync(logFile, 'a');
  const before = fstatSync(log).size; // of one that ran with this port and data
  const flags = [
    'serve',
    '--listen',
    `127.0.0.1:${port}`,
    '--data',
    o.data,
    '--upstream',
    o.upstream,
    ...(o.flags ?? []),
  ];
  const [program = '', ...args] = [...(o.within ?? []), process.execPath, join(o.dist, 'main.js'), ...flags];
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', log],
    env: environment(o.env),
  });
  const base = `http://127.0.0.1:${port}`;
  const read = (): string => readFileSync(logFile).toString('utf8', before);
  await ready(base, child, read).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw error;
  });
  if (child.pid === undefined) throw new Error('the process did not start');
  return {
    base,
    port,
    pid: child.pid,
    log: read,
    requests: () =>
      read()
        .split('\n')
        .filter((line) => line.includes('"target"'))
        .map((line) => JSON.parse(line) as { target: string; status: number }),
    signal: (signal) => ended(child, signal),
  };
}

async function ready(base: string, child: ChildProcess, log: () => string): Promise<void> {
  for (let i = 0; i < 1000; i++) {
    if (child.exitCode !== null) throw new Error(`larder exited with ${child.exitCode}:\n${log()}`);
    const answer = await fetch(`${base}/readyz`).catch(() => undefined);
    if (answer?.status === 200) return;
    await sleep(10);
  }
  throw new Error(`larder is not ready:\n${log()}`);
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<number | NodeJS.Signals> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode ?? child.signalCode ?? 0;
  const { promise, resolve } = Promise.withResolvers<number | NodeJS.Signals>();
  child.once('exit', (code, by) => resolve(code ?? by ?? 0));
  child.kill(signal);
  return promise;
}
