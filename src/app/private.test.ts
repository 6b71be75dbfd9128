/** Private modules in a whole server: nothing public ever answers for one, and nobody public ever hears of one. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { devNull, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { madeUpModule } from '../../tests/fakes/content.ts';
import { type FakeUpstream, startFakeUpstream } from '../../tests/fakes/fake-upstream.ts';
import { loadConfig } from '../config/load.ts';
import { composeLarder } from './compose.ts';
import type { Larder } from './larder.ts';

const LIB = 'private.test/lib';
const QUESTIONS = [
  `${LIB}/@v/list`,
  `${LIB}/@latest`,
  `${LIB}/@v/main.info`,
  ...['info', 'mod', 'zip'].map((kind) => `${LIB}/@v/v1.0.0.${kind}`),
];

let folder = '';
let upstream: FakeUpstream;
const running: Larder[] = [];

/** An upstream that has a module under a name that is ours. */
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'larder-private-'));
  upstream = await startFakeUpstream({ content: [madeUpModule(LIB, 'v1.0.0', { zipBytes: 1000 })] });
});
afterEach(async () => {
  await stop();
  await upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

async function stop(): Promise<void> {
  await Promise.all(running.splice(0).map((one) => one.stopNow()));
}

async function serve(keys: Readonly<Record<string, string>> = {}, environment: Record<string, string> = {}) {
  const all = {
    listen: '127.0.0.1:0',
    data: join(folder, 'data'),
    upstream: upstream.base,
    'sumdb.database': 'off',
    'ladder.patience': '0',
    ...keys,
  };
  const flags = { values: new Map(), sets: Object.entries(all).map(([key, value]) => `${key}=${value}`) };
  const around = { environment: { GOENV: 'off', ...environment }, folder, home: folder, localNames: [] };
  const loaded = loadConfig(flags, around);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const larder = await composeLarder(loaded.config, { version: '0', environment: {}, home: folder, logTo: devNull });
  running.push(larder);
  const { port } = await larder.start();
  return async (path: string): Promise<number> => {
    const response = await fetch(`http://127.0.0.1:${port}/${path}`);
    await response.arrayBuffer();
    return response.status;
  };
}

describe('a private module', () => {
  test.each<[string, Record<string, string>, Record<string, string>]>([
    ['private', { private: 'private.test' }, {}],
    ['noProxy and noSumdb', { noProxy: 'private.test', noSumdb: '*.test/lib' }, {}],
    ['GOPRIVATE of the process', {}, { GOPRIVATE: 'private.test' }],
    ['GONOPROXY and GONOSUMDB of the process', {}, { GONOPROXY: 'private.test', GONOSUMDB: 'private.test' }],
  ])('by %s is asked of no upstream, and none of its answers is served', async (_what, keys, environment) => {
    const get = await serve(keys, environment);
    for (const path of QUESTIONS) expect([path, await get(path)]).not.toEqual([path, 200]);
    expect(upstream.requests).toEqual([]);
    expect(existsSync(join(folder, 'data/download'))).toBe(false);
    expect(existsSync(join(folder, 'data/meta'))).toBe(false);
  });

  test('is served from nothing that was stored while it was public', async () => {
    const get = await serve();
    for (const path of QUESTIONS.filter((one) => !one.includes('main')))
      expect([path, await get(path)]).toEqual([path, 200]);
    expect(readdirSync(join(folder, 'data/download', LIB, '@v')).length).toBeGreaterThan(2);
    await stop();
    upstream.clearLog();
    const privately = await serve({ private: 'private.test' });
    for (const path of QUESTIONS) {
      expect([path, await privately(path)]).not.toEqual([path, 200]);
      expect([path, await privately(`cached-only/${path}`)]).not.toEqual([path, 200]);
    }
    expect(upstream.requests).toEqual([]);
  });
});
