/** What clients hear of checksum databases from a whole Larder, and what the databases hear of the clients. */
import { mkdtempSync, rmSync } from 'node:fs';
import { devNull, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checksumDatabases } from '../../tests/fakes/content.ts';
import { type FakeUpstream, startFakeUpstream } from '../../tests/fakes/fake-upstream.ts';
import { PlainLog, plainKeys } from '../../tests/fakes/plain-log.ts';
import { loadConfig } from '../config/load.ts';
import { composeLarder } from './compose.ts';
import type { Larder } from './larder.ts';

const keys = plainKeys('sum.test');
const others = plainKeys('sum.other.test', 2);
const textOf = (name: string): string => name.replace(/^(.*)@(.*)$/, '$1 $2 h1:x\n$1 $2/go.mod h1:y\n');

let folder = '';
let upstream: FakeUpstream;
let larder: Larder | undefined;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'larder-relay-'));
  const log = new PlainLog({ signerKey: keys.signer, textOf });
  const other = new PlainLog({ signerKey: others.signer, textOf });
  for (let i = 0; i < 300; i++) log.append(`example.com/m${i} v1.0.0 h1:x\n`);
  upstream = await startFakeUpstream({
    content: [checksumDatabases({ 'sumdb/sum.test': log, 'sumdb/sum.other.test': other })],
  });
});
afterEach(async () => {
  await larder?.stopNow();
  await upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A Larder that checks against `sum.test`, and how to ask it. */
async function serve(settings: Readonly<Record<string, string>> = {}) {
  const sets = Object.entries({
    listen: '127.0.0.1:0',
    data: join(folder, 'data'),
    upstream: upstream.base,
    'sumdb.database': keys.verifier,
    'log.level': 'silent',
    ...settings,
  }).map(([key, value]) => `${key}=${value}`);
  const around = { environment: { GOENV: 'off' }, folder, home: folder, localNames: [] };
  const loaded = loadConfig({ values: new Map(), sets }, around);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  larder = await composeLarder(loaded.config, { version: '0.0.0', environment: {}, home: folder, logTo: devNull });
  const { host, port } = await larder.start();
  return async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`http://${host}:${port}/${path}`, { headers });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
}

const QUOTE = 'sumdb/sum.test/lookup/example.com/quote@v1.0.0';

describe('a checksum database through Larder', () => {
  test('is asked once, and afterwards nobody is asked, also when it is dead', async () => {
    const get = await serve();
    const first = await get(QUOTE);
    expect(first.status).toBe(200);
    expect(first.headers.get('x-cache')).toBe('miss');
    const tiles = ['8/0/000', '8/0/001.p/45', '8/1/000.p/1'].map((tile) => `sumdb/sum.test/tile/${tile}`);
    for (const tile of tiles) expect((await get(tile)).status).toBe(200);
    upstream.clearLog();
    await upstream.close();
    for (const path of [QUOTE, ...tiles, 'sumdb/sum.test/supported', 'sumdb/sum.test/tile/8/0/001.p/7']) {
      const { status, headers } = await get(path);
      expect([path, status, headers.get('x-cache')]).toEqual([path, 200, 'hit']);
    }
    expect((await get(QUOTE)).text).toBe(first.text);
    expect(upstream.requests).toEqual([]);
  });

  test('is given out when it is on the list, and no other is', async () => {
    const get = await serve({ 'sumdb.relay': others.verifier });
    expect((await get('sumdb/sum.test/supported')).status).toBe(200);
    expect((await get('sumdb/sum.other.test/lookup/example.com/quote@v1.0.0')).status).toBe(200);
    upstream.clearLog();
    for (const rest of ['supported', 'latest', 'lookup/example.com/quote@v1.0.0', 'tile/8/0/000'])
      expect((await get(`sumdb/sum.third.test/${rest}`)).status).toBe(404);
    expect(upstream.requests).toEqual([]);
  });

  test('hears nothing of who asks', async () => {
    const get = await serve();
    const secrets = {
      authorization: 'Basic aHVudGVyMg==',
      cookie: 'c=hunter2',
      'x-request-id': 'hunter2',
      via: 'hunter2',
    };
    expect((await get(`${QUOTE}?token=hunter2`, secrets)).status).toBe(200);
    expect(upstream.count(/lookup/)).toBe(1);
    const heard = JSON.stringify(upstream.requests);
    for (const secret of ['hunter2', 'aHVudGVyMg']) expect(heard).not.toContain(secret);
  });

  test('hears no name that noSumdb matches; the client is told what to set', async () => {
    const get = await serve({ noSumdb: 'corp.example' });
    const refused = await get('sumdb/sum.test/lookup/corp.example/secret@v1.0.0');
    expect(refused.status).toBe(403);
    expect(refused.text).toMatch(/corp\.example\/secret.*GONOSUMDB.*GOPRIVATE/);
    expect(upstream.count(/secret/)).toBe(0);
    expect((await get(QUOTE)).status).toBe(200);
  });

  test('would hear the name if nothing matched it', async () => {
    const get = await serve();
    expect((await get('sumdb/sum.test/lookup/corp.example/secret@v1.0.0')).status).toBe(200);
    expect(upstream.count(/secret/)).toBe(1);
  });

  test('is asked about a name that noProxy matches, but through no proxy', async () => {
    const get = await serve({ noProxy: 'corp.example' });
    // There is no host sum.test, so who asks it itself cannot tell.
    expect((await get('sumdb/sum.test/lookup/corp.example/secret@v1.0.0')).status).toBe(503);
    expect(upstream.count(/secret/)).toBe(0);
  });

  test('is asked for toolchains, whatever is private: go checks them always', async () => {
    const get = await serve({ noSumdb: 'golang.org', noProxy: 'golang.org' });
    const lookup = 'sumdb/sum.test/lookup/golang.org/toolchain@v0.0.1-go1.22.3.linux-amd64';
    expect((await get(lookup)).status).toBe(200);
  });

  test('is not asked when the client wants only what is stored', async () => {
    const get = await serve();
    const paths = [QUOTE, 'sumdb/sum.test/tile/8/0/000', 'sumdb/sum.test/latest'];
    for (const path of paths) expect((await get(`cached-only/${path}`)).status).toBe(404);
    for (const path of paths) expect((await get(path, { 'Disable-Module-Fetch': 'true' })).status).toBe(404);
    expect(upstream.requests).toEqual([]);
    const now = await get(QUOTE);
    expect((await get(`cached-only/${QUOTE}`)).text).toBe(now.text);
  });

  test('that lies has its lie refused, and never as "not here"', async () => {
    const get = await serve();
    upstream.fault(({ path }) => (path.includes('/tile/8/0/') ? { corruptAt: 5 } : undefined));
    expect((await get(QUOTE)).status).toBe(502);
    expect((await get('sumdb/sum.test/tile/8/0/000')).status).toBeGreaterThanOrEqual(502);
  });

  test('that is down is 503, and never "not here"', async () => {
    const get = await serve();
    upstream.fault(({ path }) => (path.includes('/sumdb/') ? { answer: { status: 500 } } : undefined));
    expect((await get(QUOTE)).status).toBe(503);
  });
});
