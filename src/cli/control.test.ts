import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { madeUpModule } from '../../tests/fakes/content.ts';
import { startFakeUpstream } from '../../tests/fakes/fake-upstream.ts';
import { run } from './run.ts';

const MAIN = resolve(import.meta.dirname, '../main.ts');

let folder = '';
const started: { child: ChildProcess; ended: Promise<unknown> }[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'larder-told-'));
});
afterEach(async () => {
  for (const { child } of started) child.kill('SIGKILL');
  for (const { ended } of started.splice(0)) await ended;
  rmSync(folder, { recursive: true, force: true });
});

/** A server of the data folder as a process of its own; resolves with its URL when it serves. */
async function server(upstream: string, ...flags: readonly string[]): Promise<string> {
  const args = ['serve', '--listen', '127.0.0.1:0', '--data', 'data', '--upstream', upstream, ...flags];
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: folder,
    env: { PATH: '', HOME: folder, GOENV: 'off', LARDER_SUMDB: 'off', LARDER_DRAIN_ACCEPT: '0' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  started.push({ child, ended: new Promise((done) => child.once('close', done)) });
  let err = '';
  child.stderr.on('data', (data: Buffer) => (err += data.toString()));
  await expect.poll(() => err, { timeout: 60_000 }).toContain('export GOPROXY=');
  return /export GOPROXY=(\S+)/.exec(err)?.[1] ?? '';
}

async function larder(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' };
  const code = await run([...args, '--data', 'data'], {
    stdout: { write: (text: string) => (said.out += text) },
    stderr: { write: (text: string) => (said.err += text) },
    env: { HOME: folder, GOENV: 'off', GOPROXY: 'off' },
    cwd: () => folder,
  });
  return { code, ...said };
}

/** One process in `larder status --json`, as far as it is looked at. */
interface StatusAnswer {
  readonly worker: number;
  readonly answer: {
    readonly pools?: readonly {
      readonly members: readonly { readonly name: string; readonly canaryPercent?: number }[];
    }[];
    readonly workers?: readonly { readonly pid: number }[];
  };
}

/** One line a server, however many processes it has. */
function atPercent(percent: number): RegExp {
  return new RegExp(`^server with pid \\d+: next gets ${percent} % of the modules of mirrors\\n$`);
}

describe('what is asked of running servers', () => {
  test.each([
    ['one process', []],
    ['two workers', ['--workers', '2']],
  ])(
    'a server of %s is made offline and back at run time',
    async (_what, flags) => {
      const upstream = await startFakeUpstream({ content: [madeUpModule('example.com/m', 'v1.0.0')] });
      const url = await server(upstream.base, ...flags);
      const statusOf = async (path: string): Promise<number> => (await fetch(`${url}/example.com/m/@v/${path}`)).status;
      expect(await larder('offline', 'status')).toMatchObject({
        code: 0,
        out: expect.stringContaining(': online') as string,
      });
      expect(await larder('offline', 'on')).toMatchObject({
        code: 0,
        out: expect.stringContaining('offline: nothing') as string,
      });
      const before = upstream.requests.length;
      for (let i = 0; i < 6; i++) expect(await statusOf('v1.0.0.mod')).toBeGreaterThanOrEqual(500);
      expect(upstream.requests.length).toBe(before);
      expect(await larder('offline', 'off')).toMatchObject({ code: 0 });
      // What was answered a moment ago is repeated for as long.
      await expect.poll(() => statusOf('v1.0.0.mod'), { timeout: 10_000 }).toBe(200);
      await upstream.close();
    },
    90_000,
  );

  test('the status tells of every process, for people and as JSON', async () => {
    await server('off', '--workers', '2');
    const { code, out } = await larder('status');
    expect(code).toBe(0);
    for (const text of ['server with pid ', '1: serving, pid ', '2: serving, pid ', 'the store can be read', 'offline'])
      expect(out).toContain(text);
    const [told] = JSON.parse((await larder('status', '--json')).out) as { processes: { worker: number }[] }[];
    expect(told?.processes.map(({ worker }) => worker)).toEqual([0, 1, 2]);
  }, 90_000);

  test.each([
    ['one process', []],
    ['two workers', ['--workers', '2']],
  ])(
    'a canary of a server of %s is steered at run time',
    async (_what, flags) => {
      const upstream = await startFakeUpstream({ content: [] });
      const row = (name: string): string => `{ name: ${name}, url: '${upstream.base}/${name}', pool: mirrors`;
      writeFileSync(
        join(folder, 'larder.yaml'),
        `upstreams:\n  - ${row('hub')} }\n  - ${row('next')}, canary: true }\n`,
      );
      await server('mirrors', ...flags);
      const said = (percent: number): object => ({ code: 0, out: expect.stringMatching(atPercent(percent)) as string });
      expect(await larder('canary', 'promote', 'next')).toMatchObject(said(20));
      expect(await larder('canary', 'rollback', 'next')).toMatchObject(said(0));
      expect((await larder('status')).out).toMatch(/next: .*0 %/);
      expect(await larder('canary', 'start', 'next')).toMatchObject(said(5));
      expect(await larder('canary', 'start', 'hub')).toMatchObject({
        code: 1,
        err: expect.stringContaining('canaries are: next') as string,
      });
      expect(await larder('canary', 'stop', 'next')).toMatchObject({ code: 2 });
      const told = JSON.parse((await larder('canary', 'promote', 'next', '--json')).out) as { processes: object[] }[];
      expect(told[0]?.processes[0]).toMatchObject({ canary: [{ pool: 'mirrors', percent: 20 }] });
      await upstream.close();
    },
    90_000,
  );

  test('a canary that was rolled back stays so in a worker that takes the place of a dead one', async () => {
    const upstream = await startFakeUpstream({ content: [] });
    const row = (name: string): string => `{ name: ${name}, url: '${upstream.base}/${name}', pool: mirrors`;
    writeFileSync(join(folder, 'larder.yaml'), `upstreams:\n  - ${row('hub')} }\n  - ${row('next')}, canary: true }\n`);
    await server('mirrors', '--workers', '2');
    const standing = async (): Promise<{ pid: number; percent: number | undefined }> => {
      const [told] = JSON.parse((await larder('status', '--json')).out) as { processes: StatusAnswer[] }[];
      const [starter, ...workers] = told?.processes ?? [];
      const worker = workers.find((one) => one.worker === 1);
      const percent = worker?.answer.pools?.[0]?.members.find(({ name }) => name === 'next')?.canaryPercent;
      return { pid: starter?.answer.workers?.[0]?.pid ?? 0, percent };
    };
    const { pid, percent } = await standing();
    expect(percent).toBe(5);
    await larder('canary', 'rollback', 'next');
    process.kill(pid, 'SIGKILL');
    await expect
      .poll(
        async () => {
          const now = await standing();
          return now.pid !== pid && now.percent;
        },
        { timeout: 30_000 },
      )
      .toBe(0);
    await upstream.close();
  }, 90_000);

  test('where no server runs they say so, and what to do', async () => {
    for (const args of [['status'], ['offline', 'on'], ['canary', 'start', 'next']])
      expect(await larder(...args)).toMatchObject({
        code: 1,
        err: expect.stringContaining('no server of yours runs on') as string,
      });
  });

  test('offline takes on, off and status', async () => {
    expect(await larder('offline', 'maybe')).toMatchObject({ code: 2 });
  });
});
