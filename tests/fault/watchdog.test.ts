/** P3 of the reliability rules, with the shipped program: an event loop that stands still ends the process, and a process that was stopped does not end. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, type TestContext } from 'vitest';
import { build, type LarderProcess, startLarderProcess } from '../e2e/larder-process.ts';

const LIMIT_MS = 3000;
/** On SIGUSR2 the main thread does nothing else any more. */
const HANG =
  "import { isMainThread } from 'node:worker_threads';\nif (isMainThread) process.on('SIGUSR2', () => { for (;;); });\n";

let dist: string;
beforeAll(() => {
  dist = build(mkdtempSync(join(tmpdir(), 'larder-watchdog-dist-')));
}, 120_000);
afterAll(() => rmSync(dist, { recursive: true, force: true }));

/** A server with a data folder of its own, ended with the test. */
async function serve(
  { onTestFinished }: Pick<TestContext, 'onTestFinished'>,
  env: Readonly<Record<string, string>>,
  ...flags: readonly string[]
): Promise<LarderProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'larder-watchdog-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const hang = join(folder, 'hang.mjs');
  writeFileSync(hang, HANG);
  const larder = await startLarderProcess({
    dist,
    data: join(folder, 'data'),
    upstream: 'off',
    flags,
    env: { NODE_OPTIONS: `--import=${hang}`, ...env },
  });
  onTestFinished(async () => void (await larder.signal('SIGKILL')));
  return larder;
}

/** `Z` once it has ended: nobody has taken its exit code yet, or somebody has. */
function isGone(pid: number): boolean {
  try {
    return /\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

test.concurrent('a process whose event loop stands still is ended with SIGABRT, and its last line says why', async (context) => {
  const larder = await serve(context, { LARDER_WATCHDOG: `${LIMIT_MS}ms` });
  const ended = larder.signal('SIGUSR2');
  expect(await ended).toBe('SIGABRT');
  const last = JSON.parse(larder.log().trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>;
  expect(last).toMatchObject({ level: 'error', msg: expect.stringContaining('the event loop stands still') });
  expect(last['stoodForMs']).toBeGreaterThanOrEqual(LIMIT_MS);
}, 60_000);

test.concurrent('it stays when the watchdog is off: what is tried here can fail', async (context) => {
  const larder = await serve(context, { LARDER_WATCHDOG: '0' });
  process.kill(larder.pid, 'SIGUSR2');
  await sleep(2.5 * LIMIT_MS);
  expect(isGone(larder.pid)).toBe(false);
}, 60_000);

test.concurrent('a process that was stopped for longer goes on', async (context) => {
  const larder = await serve(context, { LARDER_WATCHDOG: `${LIMIT_MS}ms` });
  for (let i = 0; i < 2; i++) {
    process.kill(larder.pid, 'SIGSTOP');
    await sleep(2 * LIMIT_MS);
    process.kill(larder.pid, 'SIGCONT');
    await context.expect.poll(async () => (await fetch(`${larder.base}/livez`)).status, { timeout: 20_000 }).toBe(200);
  }
  await sleep(LIMIT_MS);
  expect((await fetch(`${larder.base}/livez`)).status).toBe(200);
  expect(larder.log()).not.toContain('stands still');
  expect(await larder.signal('SIGTERM')).toBe(0);
}, 90_000);

test('sixteen threads are there for files and lookups, unless the environment says how many', async (context) => {
  const threads = async (env: Readonly<Record<string, string>>): Promise<number> => {
    const { pid } = await serve(context, env);
    const [, count = ''] = /^Threads:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(count);
  };
  expect((await threads({})) - (await threads({ UV_THREADPOOL_SIZE: '4' }))).toBe(12);
}, 60_000);

test('/healthz/deep is of all workers together', async (context) => {
  const larder = await serve(context, {}, '--workers', '2');
  const text = async (): Promise<string> => await (await fetch(`${larder.base}/healthz/deep`)).text();
  await expect.poll(text, { timeout: 60_000 }).toContain('ok   workers: 2 of 2 answer\n');
  const lines = (await text()).trimEnd().split('\n');
  expect(lines[0]).toBe('ready: the store can be read');
  expect(lines.filter((line) => line.includes(' store: '))).toHaveLength(1);
  expect(lines).toContain('ok   offline: no');
  expect((await fetch(`${larder.base}/startupz`)).status).toBe(200);
}, 90_000);
