/** What a whole Larder believes: over real sockets, with a checksum database and upstreams that lie when told to. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { answersFrom, LyingDatabase, logOf } from '../../tests/fakes/checksum-database.ts';
import { checksumDatabases, type MadeUpModule, madeUpModule } from '../../tests/fakes/content.ts';
import { type FakeUpstream, startFakeUpstream } from '../../tests/fakes/fake-upstream.ts';
import { plainKeys } from '../../tests/fakes/plain-log.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { composeLarder } from './compose.ts';
import type { Larder } from './larder.ts';

const DATABASE = 'sum.good.test';
const QUOTE = 'example.com/quote/@v/v1.0.0';
const LATER = 'example.com/later/@v/v1.0.0';
const quote = madeUpModule('example.com/quote', 'v1.0.0');
const later = madeUpModule('example.com/later', 'v1.0.0');
const evil = madeUpModule('example.com/quote', 'v1.0.0', {
  goMod: 'module example.com/quote // evil\n',
  files: [{ name: 'evil.go', content: 'package quote' }],
});
const toolchain = madeUpModule('golang.org/toolchain', 'v0.0.1-go1.26.0.linux-amd64');
const TOOLCHAIN = 'golang.org/toolchain/@v/v0.0.1-go1.26.0.linux-amd64';
const keys = plainKeys(DATABASE);

let folder = '';
let upstream: FakeUpstream;
let database: LyingDatabase;
const running: Larder[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'larder-proof-'));
  const sums = new Map([quote, later, toolchain].map((one: MadeUpModule) => [one.name, one.sums]));
  database = new LyingDatabase(logOf(keys.signer, sums, 300));
  const content = [checksumDatabases({ [`sumdb/${DATABASE}`]: database }), quote, later, toolchain];
  upstream = await startFakeUpstream({ content });
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stopNow()));
  await upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A server that is told of the database by its name and key alone: the upstream says that it relays it. */
function configured(o: Readonly<Record<string, string>>): Config {
  const sets = Object.entries({
    listen: '127.0.0.1:0',
    data: join(folder, 'data'),
    upstream: upstream.base,
    'sumdb.database': keys.verifier,
    'drain.accept': '0',
    'resolver.errorMemo': '0',
    ...o,
  });
  const flags = { values: new Map(), sets: sets.map(([key, value]) => `${key}=${value}`) };
  const loaded = loadConfig(flags, { environment: { GOENV: 'off' }, folder, home: folder, localNames: [] });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.config;
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly retryAfter: string | null;
}

interface Server {
  readonly larder: Larder;
  readonly get: (path: string) => Promise<Answer>;
}

async function serve(o: Readonly<Record<string, string>> = {}): Promise<Server> {
  const logTo = join(folder, 'log.jsonl');
  const larder = await composeLarder(configured(o), { version: '0.0.0', environment: {}, home: folder, logTo });
  running.push(larder);
  const { host, port } = await larder.start();
  return {
    larder,
    get: async (path) => {
      const response = await fetch(`http://${host}:${port}/${path}`);
      const body = Buffer.from(await response.arrayBuffer()).toString('latin1');
      return { status: response.status, body, retryAfter: response.headers.get('retry-after') };
    },
  };
}

const isStored = (path: string): boolean => existsSync(join(folder, 'data/download', path));
const verificationOf = (path: string): unknown =>
  (JSON.parse(readFileSync(join(folder, 'data/meta', `${path}.json`), 'utf8')) as { verification: unknown })
    .verification;

function quarantined(): string[] {
  const all = join(folder, 'data/quarantine');
  return existsSync(all)
    ? readdirSync(all, { recursive: true, encoding: 'utf8' }).filter((name) => /[0-9a-f]{64}$/.test(name))
    : [];
}

/** Security events in the log; they are written within a tenth of a second. */
function events(): { readonly kind: string }[] {
  const lines = readFileSync(join(folder, 'log.jsonl'), 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as { msg: string; kind: string }).filter(({ msg }) => msg === 'security');
}

/** Nobody answers about checksums. Returns how to end that. */
const databaseDown = (): (() => void) =>
  upstream.fault(({ target }) => (target.startsWith('sumdb/') ? { answer: { status: 503 } } : undefined));

describe('a public module', () => {
  test('is stored with the place of its proof in the record', async () => {
    const { get } = await serve();
    for (const kind of ['info', 'mod', 'zip']) expect((await get(`${QUOTE}.${kind}`)).status).toBe(200);
    for (const kind of ['mod', 'zip'])
      expect(verificationOf(`${QUOTE}.${kind}`)).toEqual({
        by: 'sumdb',
        database: DATABASE,
        record: 0,
        treeSize: database.log.size,
      });
    expect(verificationOf(`${QUOTE}.info`)).toEqual({ by: 'form' });
  });

  test('costs one lookup, for its go.mod and its zip together', async () => {
    const { get } = await serve();
    await get(`${LATER}.zip`); // the log and the right edge of its tree are known from here on
    upstream.clearLog();
    await get(`${QUOTE}.mod`);
    await get(`${QUOTE}.zip`);
    expect(upstream.count(/\/lookup\//)).toBe(1);
    expect(upstream.count(/\/sumdb\//)).toBe(1);
  });

  test.each(['mod', 'zip'])(
    'whose .%s is not what is proven is neither served nor stored, and somebody is told',
    async (kind) => {
      upstream.add(evil);
      const { get } = await serve();
      const { status, body } = await get(`${QUOTE}.${kind}`);
      expect(status).toBe(502);
      expect(body).toContain('[CHECKSUM_MISMATCH]');
      expect(isStored(`${QUOTE}.${kind}`)).toBe(false);
      expect(quarantined()).toHaveLength(1);
      await expect.poll(events).toMatchObject([{ kind: 'checksum-mismatch', subject: 'example.com/quote@v1.0.0' }]);
      const [event] = events();
      expect(event).toMatchObject({ found: expect.stringMatching(/^h1:/) as string, database: DATABASE });
      expect(quote.sums).toContain((event as unknown as { expected: string }).expected);
      expect((await get('metrics')).body).toContain('larder_security_events_total{kind="checksum-mismatch"} 1');
    },
  );

  test('that is not what is proven is served where nothing is proven: the attack is real', async () => {
    upstream.add(evil);
    const { get } = await serve({ 'sumdb.database': 'off' });
    expect((await get(`${QUOTE}.zip`)).body).toContain('evil.go');
    expect(verificationOf(`${QUOTE}.zip`)).toEqual({ by: 'exemption', because: 'off' });
  });

  test('is had from the next source when the first one lies', async () => {
    const lying = await startFakeUpstream({ content: [evil] });
    const { get } = await serve({ upstream: `${lying.base},${upstream.base}` });
    for (const kind of ['mod', 'zip']) expect((await get(`${QUOTE}.${kind}`)).body).not.toContain('evil');
    expect(lying.count(/\/@v\//)).toBe(2);
    await lying.close();
  });
});

describe('a version that was just published', () => {
  test('is waited for when the database has not heard of it', async () => {
    const { get } = await serve();
    const lookups = (): number => upstream.count(/\/lookup\//);
    upstream.fault(({ target }) =>
      /\/lookup\//.test(target) && lookups() <= 2 ? { answer: { status: 404 } } : undefined,
    );
    expect((await get(`${QUOTE}.mod`)).status).toBe(200);
    expect(lookups()).toBeGreaterThan(2);
    expect(verificationOf(`${QUOTE}.mod`)).toMatchObject({ by: 'sumdb' });
  });

  test('is refused with 503 when nobody ever hears of it, never with 404', async () => {
    const { get } = await serve({ 'sumdb.newVersion': '1s' });
    upstream.add(madeUpModule('example.com/unheard', 'v1.0.0'));
    const { status, body, retryAfter } = await get('example.com/unheard/@v/v1.0.0.mod');
    expect(status).toBe(503);
    expect(retryAfter).not.toBeNull();
    expect(body).toContain('[SUMDB_UNAVAILABLE]');
  });
});

describe('while the database is down', () => {
  test('what is stored is served, and what is not is refused for now', async () => {
    const { get } = await serve();
    await get(`${QUOTE}.zip`);
    databaseDown();
    expect((await get(`${QUOTE}.zip`)).status).toBe(200);
    // The go.mod was never asked for; its line is in the record that is stored.
    expect((await get(`${QUOTE}.mod`)).status).toBe(200);
    const { status, retryAfter, body } = await get(`${LATER}.zip`);
    expect([status, retryAfter === null]).toEqual([503, false]);
    expect(body).toContain('[SUMDB_UNAVAILABLE]');
    expect(isStored(`${LATER}.zip`)).toBe(false);
  });

  test('the operator may have modules served unproven; they are proven as soon as it is back', async () => {
    const heal = databaseDown();
    const first = await serve({ 'sumdb.onOutage': 'serve-unverified' });
    expect((await first.get(`${QUOTE}.zip`)).status).toBe(200);
    expect(verificationOf(`${QUOTE}.zip`)).toMatchObject({ by: 'unproven', database: DATABASE });
    await first.larder.stopNow();
    heal();
    const second = await serve();
    expect((await second.get(`${QUOTE}.zip`)).status).toBe(200);
    await expect.poll(() => verificationOf(`${QUOTE}.zip`)).toMatchObject({ by: 'sumdb', record: 0 });
    expect((await second.get(`${QUOTE}.zip`)).status).toBe(200);
  });

  test('and what was served unproven and is wrong is taken away when it is back', async () => {
    const heal = databaseDown();
    const tampered = upstream.fault(({ target }) =>
      target.endsWith('.mod') ? { answer: { body: Buffer.from('module evil\n') } } : undefined,
    );
    const first = await serve({ 'sumdb.onOutage': 'serve-unverified' });
    expect((await first.get(`${QUOTE}.mod`)).body).toBe('module evil\n');
    await first.larder.stopNow();
    heal();
    tampered();
    const second = await serve();
    await second.get(`${QUOTE}.mod`);
    await expect.poll(() => isStored(`${QUOTE}.mod`)).toBe(false);
    await expect.poll(events).toMatchObject([{ kind: 'unproven-mismatch' }]);
    expect((await second.get(`${QUOTE}.mod`)).body).toBe('module example.com/quote\n');
    expect(verificationOf(`${QUOTE}.mod`)).toMatchObject({ by: 'sumdb' });
  });
});

describe('a database that lies', () => {
  test('about the past is believed in nothing: the module is refused, and the fork is told of', async () => {
    const { get } = await serve();
    await get(`${LATER}.zip`);
    const sums = new Map([[quote.name, evil.sums]]);
    database.tell(answersFrom(logOf(keys.signer, sums, 400)));
    upstream.add(evil);
    const { status, body } = await get(`${QUOTE}.zip`);
    expect(status).toBe(502);
    expect(body).toContain('[SUMDB_INCONSISTENT]');
    await expect.poll(events).toMatchObject([{ kind: 'log-fork', subject: DATABASE }]);
    expect((await get(`${LATER}.zip`)).status).toBe(200);
  });
});

describe('what is exempt', () => {
  test('is told to no database, and its record says which pattern did it', async () => {
    const { get } = await serve({ noSumdb: 'other.example,example.com/quote' });
    expect((await get(`${QUOTE}.zip`)).status).toBe(200);
    expect(upstream.count(/\/sumdb\//)).toBe(0);
    const pattern = 'example.com/quote';
    expect(verificationOf(`${QUOTE}.zip`)).toEqual({ by: 'exemption', because: 'pattern', pattern });
    expect((await get(`sumdb/${DATABASE}/lookup/${quote.name}`)).status).toBe(403);
  });

  test('is never a toolchain: no pattern and no switch does it', async () => {
    const patterns = await serve({ noSumdb: '*,golang.org/*' });
    expect((await patterns.get(`${TOOLCHAIN}.zip`)).status).toBe(200);
    expect(verificationOf(`${TOOLCHAIN}.zip`)).toMatchObject({ by: 'sumdb', database: DATABASE });
    await patterns.larder.stopNow();
    rmSync(join(folder, 'data'), { recursive: true });
    // With it off nobody but Go's own database is asked, and that one is out of reach.
    upstream.fault(({ target }) =>
      target.startsWith('sumdb/sum.golang.org/') ? { answer: { status: 503 } } : undefined,
    );
    const off = await serve({ 'sumdb.database': 'off', 'fetch.connect': '100ms', 'fetch.firstByte': '100ms' });
    expect((await off.get(`${TOOLCHAIN}.zip`)).status).toBe(503);
    expect((await off.get(`${QUOTE}.zip`)).status).toBe(200);
  });
});

test('a database is given out through the proxy when it is the one that proves, or named to be', async () => {
  const { get } = await serve();
  expect((await get(`sumdb/${DATABASE}/supported`)).status).toBe(200);
  expect((await get(`sumdb/${DATABASE}/lookup/${quote.name}`)).body).toContain(quote.sums);
  expect((await get('sumdb/sum.golang.org/supported')).status).toBe(404);
  const off = await serve({ 'sumdb.database': 'off', data: join(folder, 'other') });
  expect((await off.get(`sumdb/${DATABASE}/supported`)).status).toBe(404);
  const relaying = await serve({ 'sumdb.database': 'off', 'sumdb.relay': keys.verifier, data: join(folder, 'third') });
  expect((await relaying.get(`sumdb/${DATABASE}/lookup/${quote.name}`)).body).toContain(quote.sums);
});

test('one name with two keys is refused before anything starts', () => {
  const other = plainKeys(DATABASE, 2).verifier;
  const composed = composeLarder(configured({ 'sumdb.relay': other }), {
    version: '0.0.0',
    environment: {},
    home: folder,
    logTo: join(folder, 'log.jsonl'),
  });
  return expect(composed).rejects.toMatchObject({ code: 'CONFIG_INVALID', detail: { reason: 'sumdb-unusable' } });
});

describe('a version that an upstream makes up', () => {
  const byUrl = (): string => `${keys.verifier} ${upstream.base}/sumdb/${DATABASE}`;
  const made = { Version: 'v1.9.9', Time: '2026-01-02T03:04:05Z' };
  beforeEach(() =>
    upstream.fault(({ target }) => {
      if (target === 'example.com/quote/@v/list') return { answer: { body: Buffer.from('v1.0.0\nv1.9.9\n') } };
      if (/quote\/(@latest|@v\/v1\.9\.9\.info)$/.test(target))
        return { answer: { status: 200, body: Buffer.from(JSON.stringify(made)) } };
      return undefined;
    }),
  );

  test('is neither listed nor the latest while the database does not know it', async () => {
    const { get } = await serve({ 'sumdb.database': byUrl() });
    expect((await get('example.com/quote/@v/list')).body).toBe('v1.0.0\n');
    expect(JSON.parse((await get('example.com/quote/@latest')).body)).toMatchObject({ Version: 'v1.0.0' });
  });

  test.each([
    ['the database is off', (): string => 'off'],
    ['the database cannot tell', (): string => `${keys.verifier} http://127.0.0.1:1`],
  ])('would be both when %s', async (_, database) => {
    const { get } = await serve({ 'sumdb.database': database() });
    expect((await get('example.com/quote/@v/list')).body).toBe('v1.0.0\nv1.9.9\n');
    expect(JSON.parse((await get('example.com/quote/@latest')).body)).toMatchObject({ Version: 'v1.9.9' });
  });
});
