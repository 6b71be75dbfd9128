/** P11 of the failure matrix: a log that cannot be written costs lines and no answer. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { build } from '../e2e/larder-process.ts';
import { type Content, madeUpModule } from '../fakes/content.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/fake-upstream.ts';
import { freePort } from '../fakes/free-port.ts';
import { skipUnless } from '../skip.ts';
import { askAll, filesOf } from './disk-rig.ts';

const modules = Array.from({ length: 10 }, (_, i) => madeUpModule(`example.com/m${i}`, 'v1.0.0', { zipBytes: 2000 }));
const truth: Content = { get: (target) => modules.map((one) => one.get(target)).find((body) => body !== undefined) };
const TIMES = 60;
const targets = Array.from({ length: TIMES }, () => filesOf(modules)).flat();
const scratch = mkdtempSync(join(tmpdir(), 'larder-log-'));
let upstream: FakeUpstream;
let child: ChildProcess | undefined;

beforeAll(async () => {
  build(join(scratch, 'dist'));
  upstream = await startFakeUpstream({ content: modules });
}, 120_000);
afterEach(() => void child?.kill('SIGKILL'));
afterAll(async () => {
  await upstream.close();
  rmSync(scratch, { recursive: true, force: true });
});

/** A server that logs to `stderr`; resolves with its base when it is ready. */
async function serve(stderr: number | 'pipe'): Promise<string> {
  const data = mkdtempSync(join(scratch, 'data-'));
  // The start block with the port goes where the log goes.
  const port = await freePort();
  const args = ['serve', '--listen', `127.0.0.1:${port}`, '--data', data, '--upstream', upstream.base];
  child = spawn(process.execPath, [join(scratch, 'dist/main.js'), ...args], {
    stdio: ['ignore', 'ignore', stderr],
    env: { ...process.env, GOPROXY: '', GOENV: 'off', LARDER_SUMDB: 'off' },
  });
  const base = `http://127.0.0.1:${port}`;
  for (let i = 0; i < 1000; i++) {
    if ((await fetch(`${base}/readyz`).catch(() => undefined))?.status === 200) return base;
    await sleep(20);
  }
  throw new Error('larder is not ready');
}

async function expectAllServed(base: string): Promise<void> {
  expect(await askAll(base, targets, truth, 8)).toMatchObject({ right: targets.length, wrong: [] });
}

async function ended(): Promise<unknown> {
  const exit = new Promise((done) => child?.once('exit', (code, signal) => done(code ?? signal)));
  child?.kill('SIGTERM');
  return exit;
}

describe('a log', () => {
  describe('on a full disk', () => {
    skipUnless(existsSync('/dev/full'), 'there is no /dev/full');
    test('costs no answer, and the server ends as it should', async () => {
      const full = openSync('/dev/full', 'w');
      const base = await serve(full);
      closeSync(full);
      await expectAllServed(base);
      expect(await ended()).toBe(0);
    }, 120_000);
  });

  test('that nobody reads costs no answer, and the server ends as it should', async () => {
    const base = await serve('pipe');
    child?.stderr?.pause();
    await expectAllServed(base);
    expect(await ended()).toBe(0);
  }, 120_000);

  test('that is read has a line for each request: what is tried above is more than a pipe holds', async () => {
    const file = join(scratch, 'log');
    const log = openSync(file, 'w');
    const base = await serve(log);
    closeSync(log);
    await expectAllServed(base);
    expect(await ended()).toBe(0);
    const text = readFileSync(file, 'utf8');
    expect(text.match(/"target":"\/example/g)?.length).toBe(targets.length);
    expect(text.length).toBeGreaterThan(4 * 65_536);
  }, 120_000);
});
