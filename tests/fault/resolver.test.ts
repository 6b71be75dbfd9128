/**
 * U9 of the reliability rules with the shipped program: the resolver answers no more. What is stored is served as before, and the upstream is reached where it was. The short form ends within the minute
 * in which addresses are fresh; RESOLVER_WAIT=75s is the long one.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { build } from '../e2e/larder-process.ts';
import { skipUnless } from '../skip.ts';
import type { ResolverReport } from './resolver-lab.ts';

const WAIT_MS = 1000 * Number.parseInt(process.env['RESOLVER_WAIT'] ?? '0', 10);
const MAY_SEPARATE = spawnSync('unshare', ['-n', '-m', 'ip', 'link', 'set', 'lo', 'up']).status === 0;
const LAB = join(import.meta.dirname, 'resolver-lab.ts');
const SETUP = `ip link set lo up &&
  mount --bind "$1/resolv.conf" /etc/resolv.conf && mount --bind "$1/hosts" /etc/hosts && shift && exec "$@"`;
/** Far more than any answer takes, and less than the five seconds after which the system's resolver asks again. */
const SOON_MS = 3500;

let dist: string;
let scratch: string;

async function runLab(
  name: string,
  { waitMs = 0, env = {} }: { readonly waitMs?: number; readonly env?: Readonly<Record<string, string>> },
): Promise<ResolverReport> {
  const folder = join(scratch, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'resolv.conf'), 'nameserver 127.0.0.53\n');
  writeFileSync(join(folder, 'hosts'), '127.0.0.1 localhost\n::1 localhost\n');
  const args = ['-n', '-m', 'sh', '-c', SETUP, 'sh', folder, process.execPath, LAB, dist, folder, String(waitMs)];
  const child = spawn('unshare', args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    timeout: 170_000 + waitMs,
    killSignal: 'SIGKILL',
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (err += data.toString()));
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`the lab ended with ${String(code)}: ${err}`);
  return JSON.parse(out) as ResolverReport;
}

describe('while the resolver is silent', () => {
  skipUnless(MAY_SEPARATE, 'network namespaces are not allowed here');
  beforeAll(() => {
    scratch = mkdtempSync(join(tmpdir(), 'larder-resolver-'));
    dist = build(join(scratch, 'dist'));
  }, 120_000);
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  test(
    'zips come from disk as before, the upstream is reached where it was, and nobody is told that a module does not exist',
    async () => {
      const report = await runLab('sixteen', { waitMs: WAIT_MS });
      const { before, during, cold, later, unknown } = report;
      expect(report.questionsUnanswered).toBeGreaterThan(8);
      expect([...before.statuses, ...during.statuses].every((status) => status === 200)).toBe(true);
      expect(during.slowestMs).toBeLessThan(SOON_MS);
      expect([...cold.statuses, ...later.statuses]).toEqual([200, 200, 200, 200]);
      expect(Math.max(cold.slowestMs, later.slowestMs)).toBeLessThan(SOON_MS);
      expect(unknown.statuses.filter((status) => status < 500)).toEqual([]);
    },
    200_000 + WAIT_MS,
  );

  test('with one thread they wait for it: what is tried here can fail', async () => {
    const { during } = await runLab('one', { env: { UV_THREADPOOL_SIZE: '1' } });
    expect(during.slowestMs).toBeGreaterThan(SOON_MS);
  }, 200_000);
});
