/** A server whose data folder is a small volume in a mount namespace of its own, and load on it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Content } from '../fakes/content.ts';
import type { LarderProcess } from '../e2e/larder-process.ts';
import { takeBytes, takeInodes } from './full-volume.ts';

/** Whether volumes can be mounted in a namespace here. */
export const MAY_MOUNT = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'larder-test', '/mnt']).status === 0;

/** The command before a program that has a volume with `options` at `folder`, which nobody else sees. */
export function onVolume(folder: string, options: string): readonly string[] {
  const script = `mount -t tmpfs -o ${options} larder-test "$0" && exec "$@"`;
  return ['unshare', '-m', 'sh', '-c', script, folder];
}

/** `path` as the process `pid` sees it. */
export function seenBy(pid: number, path: string): string {
  return join(`/proc/${pid}/root`, path);
}

/** A trouble of a volume, and its end. */
export interface VolumeFault {
  readonly name: string;
  /** How the volume is mounted. */
  readonly options: string;
  begin(pid: number, folder: string): void | Promise<void>;
  end(pid: number, folder: string): void | Promise<void>;
}

export const VOLUME_FAULTS: readonly VolumeFault[] = [
  {
    name: 'without room (S1)',
    options: 'size=96m',
    begin: (pid, folder) => takeBytes(seenBy(pid, join(folder, 'junk'))),
    end: (pid, folder) => rmSync(seenBy(pid, join(folder, 'junk'))),
  },
  {
    name: 'without inodes (S1)',
    options: 'size=96m,nr_inodes=2000',
    begin: (pid, folder) => takeInodes(seenBy(pid, join(folder, 'many'))),
    end: (pid, folder) => rmSync(seenBy(pid, join(folder, 'many')), { recursive: true }),
  },
  {
    name: 'that was remounted read-only (S2)',
    options: 'size=96m',
    begin: (pid, folder) => remount(pid, folder, 'ro'),
    end: (pid, folder) => remount(pid, folder, 'rw'),
  },
];

/** How long it may go on that the server always has a file open for writing, ms. */
const BUSY_MS = 10_000;

/** The kernel makes nothing read-only while somebody writes to it: tried until there is a moment when nobody does. */
async function remount(pid: number, folder: string, how: 'ro' | 'rw'): Promise<void> {
  const args = ['-t', `${pid}`, '-m', 'mount', '-o', `remount,${how}`, folder];
  for (const until = performance.now() + BUSY_MS; ; await sleep(20)) {
    const { status, stderr } = spawnSync('nsenter', args, { encoding: 'utf8' });
    if (status === 0) return;
    const isBusy = stderr.includes('mount point is busy');
    if (!isBusy || performance.now() > until) throw new Error(`remount ${folder}: ${stderr}`);
  }
}

/** What came of some requests. */
export interface Tally {
  asked: number;
  /** Those that were answered with 200 and exactly the right bytes. */
  right: number;
  /** Up to ten of the others, in words. */
  readonly wrong: string[];
}

/** Asks for each of `targets`, `lanes` at a time, and compares with `truth`. */
export async function askAll(base: string, targets: readonly string[], truth: Content, lanes: number): Promise<Tally> {
  const tally: Tally = { asked: 0, right: 0, wrong: [] };
  const left = [...targets];
  const lane = async (): Promise<void> => {
    for (let target = left.shift(); target !== undefined; target = left.shift())
      await askOne(base, target, truth, tally);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return tally;
}

/** Asks for `targets` again and again until the function returned is called, which resolves with what came of it. At least once each. */
export function keepAsking(
  base: string,
  targets: readonly string[],
  truth: Content,
  lanes: number,
): () => Promise<Tally> {
  const tally: Tally = { asked: 0, right: 0, wrong: [] };
  const until = { isOver: false };
  const lane = async (from: number): Promise<void> => {
    for (let n = from; !until.isOver || tally.asked < targets.length; n += lanes)
      await askOne(base, targets[n % targets.length] ?? '', truth, tally);
  };
  const done = Promise.all(Array.from({ length: lanes }, (_, i) => lane(i)));
  return async () => {
    until.isOver = true;
    await done;
    return tally;
  };
}

async function askOne(base: string, target: string, truth: Content, tally: Tally): Promise<void> {
  const said = await saidTo(`${base}/${target}`);
  tally.asked++;
  if (said === `200 ${digest(truth.get(target) ?? '')}`) tally.right++;
  else if (tally.wrong.length < 10) tally.wrong.push(`${target}: ${said}`);
}

async function saidTo(url: string): Promise<string> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(60_000) });
    const body = Buffer.from(await answer.arrayBuffer());
    return answer.status === 200 ? `200 ${digest(body)}` : `${answer.status} ${body.toString().slice(0, 300)}`;
  } catch (error) {
    return String(error);
  }
}

function digest(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The three files of modules `path@version`. */
export function filesOf(modules: readonly { readonly name: string }[]): readonly string[] {
  return modules.flatMap(({ name }) => {
    const [path, version] = name.split('@');
    return ['info', 'mod', 'zip'].map((kind) => `${path}/@v/${version}.${kind}`);
  });
}

/** Whether the server has stored `target` in `data`: the file and its record. */
export function isStored({ pid }: LarderProcess, data: string, target: string): boolean {
  const at = (path: string): string => seenBy(pid, join(data, path));
  return existsSync(at(`download/${target}`)) && existsSync(at(`meta/${target}.json`));
}

/** A fault that strace lays on system calls of a running process. */
export interface Injection {
  /** Takes it away; resolves when it is. */
  end(): Promise<void>;
}

/** Lays the `rules` (`inject=fsync:error=EIO`) on all threads of the process `pid`, on calls about the `paths` alone when there are some. Resolves when they are in force. */
export async function inject(pid: number, rules: readonly string[], paths: readonly string[] = []): Promise<Injection> {
  const flags = rules.flatMap((rule) => ['-e', rule]).concat(paths.flatMap((path) => ['-P', path]));
  const tracer = spawn('strace', ['-f', '-o', '/dev/null', ...flags, '-p', `${pid}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await attached(tracer);
  return {
    end: async () => {
      const ended = new Promise((done) => tracer.once('close', done));
      tracer.kill('SIGINT');
      await ended;
    },
  };
}

function attached(tracer: ChildProcess): Promise<void> {
  return new Promise((done, fail) => {
    let said = '';
    tracer.stderr?.on('data', (data: Buffer) => {
      said += data.toString();
      if (/attached/.test(said)) done();
    });
    tracer.once('close', () => fail(new Error(`strace: ${said}`)));
  });
}
