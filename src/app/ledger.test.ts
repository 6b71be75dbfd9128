/** A whole Larder with a ledger: over real sockets, with a checksum database and an upstream that lies when told to. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LyingDatabase, logOf } from '../../tests/fakes/checksum-database.ts';
import { checksumDatabases, madeUpModule } from '../../tests/fakes/content.ts';
import { type FakeUpstream, startFakeUpstream } from '../../tests/fakes/fake-upstream.ts';
import { plainKeys } from '../../tests/fakes/plain-log.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { openNote } from '../gomod/sumdb/note.ts';
import { parseVerifierKey } from '../gomod/sumdb/key.ts';
import { parseRecord, parseTreeHead } from '../gomod/sumdb/text.ts';
import { composeLarder } from './compose.ts';
import type { Larder } from './larder.ts';
import { exportLedger, initLedger, verifyLedger } from './ledger-tools.ts';
import { findUnusable } from './preflight.ts';

const NAME = 'sum.corp.test';
const DATABASE = 'sum.good.test';
const open = madeUpModule('example.com/open', 'v1.0.0');
const secret = madeUpModule('corp.test/secret', 'v1.0.0');
const moved = madeUpModule('corp.test/secret', 'v1.0.0', { goMod: 'module corp.test/secret // moved\n' });
const keys = plainKeys(DATABASE);
const signal = new AbortController().signal;

let folder = '';
let upstream: FakeUpstream;
const running: Larder[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'larder-own-'));
  const database = new LyingDatabase(logOf(keys.signer, new Map([[open.name, open.sums]]), 300));
  upstream = await startFakeUpstream({
    content: [checksumDatabases({ [`sumdb/${DATABASE}`]: database }), open, secret],
  });
});
afterEach(async () => {
  await stopAll();
  await upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

async function stopAll(): Promise<void> {
  await Promise.all(running.splice(0).map((one) => one.stopNow()));
}

function configured(o: Readonly<Record<string, string>> = {}): Config {
  const sets = Object.entries({
    listen: '127.0.0.1:0',
    data: join(folder, 'data'),
    upstream: upstream.base,
    'sumdb.database': keys.verifier,
    noSumdb: 'corp.test',
    'drain.accept': '0',
    'resolver.errorMemo': '0',
    'ledger.key': join(folder, 'ledger.key'),
    ...o,
  });
  const flags = { values: new Map(), sets: sets.map(([key, value]) => `${key}=${value}`) };
  const loaded = loadConfig(flags, { environment: { GOENV: 'off' }, folder, home: folder, localNames: [] });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.config;
}

const around = (environment = {}) => ({
  version: '0.0.0',
  environment,
  home: folder,
  logTo: join(folder, 'log.jsonl'),
});

async function init(): Promise<string> {
  return (await initLedger(configured(), around(), { name: NAME, signal })).verifierKey;
}

type Get = (path: string) => Promise<{ readonly status: number; readonly body: Buffer }>;

async function serve(o: Readonly<Record<string, string>> = {}, environment = {}): Promise<Get> {
  const larder = await composeLarder(configured(o), around(environment));
  running.push(larder);
  const { host, port } = await larder.start();
  return async (path) => {
    const response = await fetch(`http://${host}:${port}/${path}`);
    return { status: response.status, body: Buffer.from(await response.arrayBuffer()) };
  };
}

const lookup = (module: string): string => `sumdb/${NAME}/lookup/${module.replace('/@v/', '@')}`;
const SECRET = 'corp.test/secret@v1.0.0';
const OPEN = 'example.com/open@v1.0.0';

async function sizeOf(get: Get): Promise<number> {
  return Number((await get(`sumdb/${NAME}/latest`)).body.toString().split('\n')[1]);
}

describe('a Larder with a ledger', () => {
  test('says that it serves it, and answers with heads that its key signed', async () => {
    const key = parseVerifierKey(await init());
    const get = await serve();
    expect((await get(`sumdb/${NAME}/supported`)).status).toBe(200);
    expect(parseTreeHead(openNote((await get(`sumdb/${NAME}/latest`)).body, [key]).text).size).toBe(0);
  });

  test('vouches for private modules with the sums of what it stored, and for public ones with what was proven', async () => {
    const key = parseVerifierKey(await init());
    const get = await serve();
    for (const [module, sums] of [
      [SECRET, secret.sums],
      [OPEN, open.sums],
    ] as const) {
      const { status, body } = await get(lookup(module));
      expect(status, String(body)).toBe(200);
      const { id, text, rest } = parseRecord(body);
      expect(text).toBe(sums);
      expect(parseTreeHead(openNote(rest, [key]).text).size).toBeGreaterThan(id);
    }
  });

  test('logs what was verified without being asked', async () => {
    await init();
    const get = await serve();
    await get('corp.test/secret/@v/v1.0.0.mod');
    await get('corp.test/secret/@v/v1.0.0.zip');
    await expect.poll(() => sizeOf(get)).toBe(1);
    await get('example.com/open/@v/v1.0.0.mod');
    await expect.poll(() => sizeOf(get)).toBe(2);
  });

  test('says 404 of what does not exist and logs nothing', async () => {
    await init();
    const get = await serve({ 'sumdb.database': `${keys.verifier} ${upstream.base}/sumdb/${DATABASE}` });
    expect((await get(lookup('corp.test/none@v1.0.0'))).status).toBe(404);
    expect((await get(lookup('example.com/none@v1.0.0'))).status).toBe(404);
    expect(await sizeOf(get)).toBe(0);
  });

  test('cannot tell of a public module while nobody proves it, even when it is served unproven', async () => {
    await init();
    const get = await serve({ 'sumdb.onOutage': 'serve-unverified', 'sumdb.newVersion': '0' });
    const restore = upstream.fault(({ target }) =>
      target.includes('/lookup/') ? { answer: { status: 503 } } : undefined,
    );
    expect((await get('example.com/open/@v/v1.0.0.zip')).status).toBe(200);
    expect((await get(lookup(OPEN))).status).toBe(503);
    expect(await sizeOf(get)).toBe(0);
    restore();
    await expect.poll(async () => (await get(lookup(OPEN))).status, { timeout: 10_000 }).toBe(200);
  }, 20_000);

  test('vouches for no public module while the database is off', async () => {
    await init();
    const get = await serve({ 'sumdb.database': 'off' });
    expect((await get('example.com/open/@v/v1.0.0.zip')).status).toBe(200);
    expect((await get(lookup(OPEN))).status).toBe(503);
    expect(await sizeOf(get)).toBe(0);
  });

  test('never changes the bytes of a private module whose tag was moved, not even when the stored ones are lost', async () => {
    await init();
    const get = await serve();
    expect((await get(lookup(SECRET))).status).toBe(200);
    await stopAll();
    rmSync(join(folder, 'data/download'), { recursive: true });
    rmSync(join(folder, 'data/meta'), { recursive: true });
    await upstream.close();
    upstream = await startFakeUpstream({ content: [moved] });
    const again = await serve();
    expect((await again('corp.test/secret/@v/v1.0.0.mod')).status).toBe(502);
    expect((await again('corp.test/secret/@v/v1.0.0.zip')).status).toBe(502);
    expect(parseRecord((await again(lookup(SECRET))).body).text).toBe(secret.sums);
    await stopAll();
    // The control: without the ledger nothing remembers.
    rmSync(join(folder, 'data'), { recursive: true });
    const without = await (async () => {
      const larder = await composeLarder({ ...configured(), ledger: {} }, around());
      running.push(larder);
      const { host, port } = await larder.start();
      return await fetch(`http://${host}:${port}/corp.test/secret/@v/v1.0.0.zip`);
    })();
    expect(without.status).toBe(200);
  });

  test('goes on where it was after a restart, and writes what it may be checked with', async () => {
    await init();
    const get = await serve();
    await get(lookup(SECRET));
    const before = (await get(`sumdb/${NAME}/latest`)).body;
    await stopAll();
    expect(readFileSync(join(folder, 'ledger.key.head'))).toEqual(before);
    const report = await verifyLedger(configured(), { signal, onProgress: () => undefined });
    expect(report).toMatchObject({ name: NAME, size: 1, checked: 1, published: 1, faults: [] });
    const again = await serve();
    expect((await again(`sumdb/${NAME}/latest`)).body).toEqual(before);
    const exported = join(folder, 'static');
    await exportLedger(configured(), around(), { to: exported, signal, onProgress: () => undefined });
    for (const path of ['latest', `lookup/${SECRET}`, 'tile/8/0/000.p/1', 'tile/8/data/000.p/1'])
      expect(readFileSync(join(exported, path)), path).toEqual((await again(`sumdb/${NAME}/${path}`)).body);
  });

  test('exports over the files of another log, and leaves none of its tiles', async () => {
    const exported = join(folder, 'static');
    const exportNow = () => exportLedger(configured(), around(), { to: exported, signal, onProgress: () => undefined });
    await init();
    await (await serve())(lookup(SECRET));
    await stopAll();
    await exportNow();
    for (const path of ['data', 'ledger.key', 'ledger.key.head']) rmSync(join(folder, path), { recursive: true });
    await init();
    const get = await serve();
    await get(lookup(OPEN));
    await exportNow();
    for (const path of ['latest', `lookup/${OPEN}`, 'tile/8/0/000.p/1', 'tile/8/data/000.p/1'])
      expect(readFileSync(join(exported, path)), path).toEqual((await get(`sumdb/${NAME}/${path}`)).body);
  });

  test('takes its key from the environment', async () => {
    await init();
    const key = readFileSync(join(folder, 'ledger.key'), 'utf8');
    rmSync(join(folder, 'ledger.key'));
    const get = await serve({}, { LARDER_LEDGER_SECRET: key });
    expect((await get(lookup(SECRET))).status).toBe(200);
  });
});

describe('making a ledger', () => {
  test('makes a key that only its owner may read, and never a second one', async () => {
    await init();
    expect(statSync(join(folder, 'ledger.key')).mode & 0o777).toBe(0o600);
    const key = readFileSync(join(folder, 'ledger.key'), 'utf8');
    await expect(init()).rejects.toMatchObject({ detail: { reason: 'ledger-is-there' } });
    expect(readFileSync(join(folder, 'ledger.key'), 'utf8')).toBe(key);
  });

  test.each(['https://sum.corp.test', 'sum.corp.test/', 'a b', '', 'a+b', 'sum.corp.test?x'])(
    'refuses the name %j',
    async (name) => {
      await expect(initLedger(configured(), around(), { name, signal })).rejects.toMatchObject({
        detail: { reason: 'ledger-name-unusable' },
      });
      expect(existsSync(join(folder, 'ledger.key'))).toBe(false);
    },
  );

  test('never begins a log anew that clients have seen', async () => {
    await init();
    await serve();
    await stopAll();
    rmSync(join(folder, 'data'), { recursive: true });
    await expect(init()).rejects.toMatchObject({ detail: { reason: 'ledger-log-gone' } });
  });
});

describe('a Larder with a ledger does not start', () => {
  const reasonOf = async (o: Readonly<Record<string, string>> = {}, environment = {}): Promise<unknown> => {
    try {
      await serve(o, environment);
    } catch (error) {
      expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
      expect(String(error)).not.toContain('PRIVATE');
      return (error as { detail: { reason: unknown } }).detail.reason;
    }
    return undefined;
  };

  test('without its key, or with one that cannot be used', async () => {
    await init();
    const key = join(folder, 'ledger.key');
    chmodSync(key, 0o640);
    expect(await reasonOf()).toBe('ledger-key-open');
    expect(await findUnusable(configured(), around())).toMatchObject([{ detail: { reason: 'ledger-key-open' } }]);
    chmodSync(key, 0o600);
    expect(await reasonOf()).toBeUndefined();
    await stopAll();
    const text = readFileSync(key, 'utf8');
    writeFileSync(key, text.replace(/.....\n$/, 'AAAA\n'));
    expect(await reasonOf()).toBe('ledger-key-unusable');
    writeFileSync(key, plainKeys('sum.other.test').signer);
    expect(await reasonOf({ 'ledger.headFile': join(folder, 'elsewhere') })).toBe('ledger-other-key');
    rmSync(key);
    expect(await reasonOf()).toBe('ledger-key-unusable');
    await expect(composeLarder({ ...configured(), ledger: {} }, around())).rejects.toMatchObject({
      detail: { reason: 'ledger-no-key' },
    });
  });

  test('with a key and no log, or when the second place has no name', async () => {
    writeFileSync(join(folder, 'ledger.key'), plainKeys(NAME).signer, { mode: 0o600 });
    expect(await reasonOf()).toBe('ledger-no-log');
    const larder = composeLarder(
      { ...configured(), ledger: {} },
      around({ LARDER_LEDGER_SECRET: plainKeys(NAME).signer }),
    );
    await expect(larder).rejects.toMatchObject({ detail: { reason: 'ledger-no-head-file' } });
  });

  test('behind what clients have seen', async () => {
    await init();
    const get = await serve();
    await get(lookup(SECRET));
    await stopAll();
    rmSync(join(folder, 'data/ledger'), { recursive: true });
    expect(await reasonOf()).toBe('ledger-log-gone');
  });

  test('under the name of a database of others', async () => {
    await init();
    expect(await reasonOf({ 'sumdb.relay': plainKeys(NAME).verifier })).toBe('ledger-name-taken');
  });
});
