/** What a whole server writes down of itself so that it can be found afterwards, though its log says nothing. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { devNull, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sumsOf } from '../../tests/fakes/bundles.ts';
import { madeUpModule } from '../../tests/fakes/content.ts';
import { type FakeUpstream, startFakeUpstream } from '../../tests/fakes/fake-upstream.ts';
import { type Loaded, loadConfig } from '../config/load.ts';
import { composeLarder } from './compose.ts';
import type { Larder } from './larder.ts';

const [NAME, AT] = ['example.com/m@v1.0.0', 'example.com/m/@v/v1.0.0'];

let folder = '';
let upstream: FakeUpstream;
const running: Larder[] = [];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'larder-app-audit-'));
  upstream = await startFakeUpstream({ content: [madeUpModule('example.com/m', 'v1.0.0', { zipBytes: 3000 })] });
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stopNow()));
  await upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

const file = (): string => join(folder, 'larder.yaml');
const shared = (): string => `listen: 127.0.0.1:0
data: ${join(folder, 'data')}
sumdb: {database: off}
log: {level: silent}
tls: {checkEvery: 100ms}
resolver: {errorMemo: 0}
ladder: {patience: 0}
`;

function load(): Loaded {
  const around = { environment: { GOENV: 'off' }, folder, home: folder, localNames: [] };
  return loadConfig({ values: new Map(), sets: [], file: file() }, around);
}

async function serve(rows: string): Promise<{ larder: Larder; get: (path: string) => Promise<string> }> {
  writeFileSync(file(), shared() + rows);
  const loaded = load();
  if (!loaded.ok || loaded.file === undefined) throw new Error(JSON.stringify(loaded));
  const around = { version: '1.2.3', environment: {}, home: folder, logTo: devNull };
  const larder = await composeLarder(loaded.config, around);
  running.push(larder);
  const { port } = await larder.start();
  larder.watch({ file: loaded.file, load: () => Promise.resolve(load()) });
  const get = async (path: string): Promise<string> => await (await fetch(`http://127.0.0.1:${port}/${path}`)).text();
  return { larder, get };
}

const audit = (): string => join(folder, 'data/audit');
const text = (): string =>
  existsSync(audit())
    ? readdirSync(audit())
        .map((name) => readFileSync(join(audit(), name), 'utf8'))
        .join('')
    : '';
const events = (...of: readonly string[]): readonly Record<string, unknown>[] =>
  text()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ event }) => of.includes(event as string));

describe('the audit trail of a server whose log is silent', () => {
  test('has its start and its stop', async () => {
    const { larder } = await serve(`upstream: "${upstream.base}"\n`);
    await larder.drain({ lingers: false });
    await larder.stopNow();
    const told = events('start', 'stop');
    expect(told).toMatchObject([
      { event: 'start', worker: 0, version: '1.2.3', pid: process.pid, offline: false },
      { event: 'stop', how: 'drained' },
    ]);
    expect(new Set(told.map(({ instance }) => instance)).size).toBe(1);
  });

  test('has who is left alone, where the route stands then, and that it is offline on demand', async () => {
    upstream.fault(() => ({ reset: true }));
    const { larder, get } = await serve(
      `upstreams: [{name: a, url: "${upstream.base}", pool: mirrors, token: canary-77}]\nupstream: mirrors\n`,
    );
    await expect
      .poll(async () => (await get(`${AT}.mod`), events('upstream')), { timeout: 15_000 })
      .toMatchObject([{ member: 'a', to: 'open' }]);
    await expect.poll(() => events('ladder'), { timeout: 15_000 }).toMatchObject([{ from: 0, to: 1, why: 'out' }]);
    larder.setOffline('on');
    larder.setOffline('off');
    await expect.poll(() => events('offline')).toMatchObject([{ to: 'on' }, { to: 'off' }]);
    expect(events('ladder').slice(1)).toMatchObject([{ to: 5, why: 'offline' }, { from: 5 }]);
    expect(text()).not.toContain('canary-77');
  });

  test('has drills from their begin to their end', async () => {
    const { larder } = await serve(`upstreams: [{name: a, url: "${upstream.base}"}]\n`);
    const o = { signal: new AbortController().signal };
    await larder.commands.get('drill-start')?.({ id: 'd1', kind: 'disk-full', upstream: 'a', forMs: 60_000 }, o);
    await larder.commands.get('drill-stop')?.({ id: 'd1' }, o);
    await expect
      .poll(() => events('drill').slice(0, 2))
      .toMatchObject([
        { drill: 'd1', change: 'started', report: { kind: 'disk-full' } },
        { drill: 'd1', change: 'ended' },
      ]);
  });

  test('has bytes that are not the proven ones', async () => {
    const sums = join(folder, 'go.sum');
    writeFileSync(sums, sumsOf([NAME]));
    const { get } = await serve(`upstream: "${upstream.base}"\nverify: {goSum: [${sums}]}\n`);
    await get(`${AT}.zip`);
    await expect
      .poll(() => events('security'))
      .toMatchObject([{ kind: 'checksum-mismatch', subject: expect.stringContaining('example.com/m') as string }]);
  });

  test('has configurations that were read again', async () => {
    await serve(`upstream: "${upstream.base}"\n`);
    await new Promise((resolve) => setTimeout(resolve, 150));
    writeFileSync(file(), `${shared()}upstream: off\n`);
    await expect.poll(() => events('reload')).toMatchObject([{ outcome: 'accepted', atNextStart: ['upstream'] }]);
    writeFileSync(file(), `${shared()}nonsense: 1\n`);
    await expect.poll(() => events('reload').slice(1)).toMatchObject([{ outcome: 'refused' }]);
  });

  test('that cannot be written fails nothing, and is counted', async () => {
    const { larder } = await serve(`upstream: "${upstream.base}"\n`);
    await larder.drain({ lingers: false });
    rmSync(audit(), { recursive: true });
    writeFileSync(audit(), 'in the way');
    const again = await serve(`upstream: "${upstream.base}"\n`);
    expect(await again.get(`${AT}.mod`)).toContain('module example.com/m');
    await expect.poll(() => again.get('metrics')).toContain('larder_audit_lines_dropped_total 1\n');
  });

  test('is not there when nothing is to be kept', async () => {
    const { larder } = await serve(`upstream: "${upstream.base}"\naudit: {keep: 0}\n`);
    await larder.drain({ lingers: false });
    expect(existsSync(join(folder, 'data/FORMAT'))).toBe(true);
    expect(existsSync(audit())).toBe(false);
  });
});
