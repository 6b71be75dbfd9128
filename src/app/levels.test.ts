/** The five levels of the ladder below the first, through a whole Larder: what answers when what is above it is out, and what says so. */
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bundler, sumsOf, writeBundle } from '../../tests/fakes/bundles.ts';
import { LyingDatabase, logOf } from '../../tests/fakes/checksum-database.ts';
import { checksumDatabases, type Content, madeUpModule } from '../../tests/fakes/content.ts';
import { type FakeUpstream, startFakeUpstream } from '../../tests/fakes/fake-upstream.ts';
import { makeRepository } from '../../tests/fakes/git-repositories.ts';
import { type GitServer, startGitServer } from '../../tests/fakes/git-server.ts';
import { plainKeys } from '../../tests/fakes/plain-log.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { composeLarder } from './compose.ts';
import type { Larder } from './larder.ts';
import { initLedger } from './ledger-tools.ts';

const NAME = 'example.com/m@v1.0.0';
const AT = 'example.com/m/@v/v1.0.0';
const [MOD, ZIP, INFO] = [`${AT}.mod`, `${AT}.zip`, `${AT}.info`];
const DATABASE = 'sum.good.test';
const keys = plainKeys(DATABASE);
const made = madeUpModule('example.com/m', 'v1.0.0', { zipBytes: 2000 });

let folder = '';
const closers: (() => unknown)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'larder-levels-'));
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
});

async function upstream(...more: readonly Content[]): Promise<FakeUpstream> {
  const fake = await startFakeUpstream({ content: [made, ...more] });
  closers.push(() => fake.close());
  return fake;
}

const out = (): { readonly reset: true } => ({ reset: true });

interface Answer {
  readonly status: number;
  readonly level: string | null;
  readonly text: string;
  readonly retryAfter: string | null;
}

interface Server {
  readonly larder: Larder;
  get(path: string): Promise<Answer>;
  /** The page of the state. */
  status(): Promise<{ ladder: unknown[]; pools: unknown[]; offline: boolean }>;
}

/** Where the data lies, and which checksum database is asked. */
interface Variant {
  readonly data?: string;
  readonly database?: string;
}

function configured(file: string, { data = 'data', database = 'off' }: Variant = {}): Config {
  const path = join(folder, 'larder.yaml');
  const shared = `listen: 127.0.0.1:0\ndata: ${join(folder, data)}\nsumdb: {database: "${database}"}\n`;
  writeFileSync(path, `${shared}resolver: {errorMemo: 0, metadataDeadline: 5s}\n${file}`);
  const surroundings = { environment: { GOENV: 'off' }, folder, home: folder, localNames: [] };
  const loaded = loadConfig({ values: new Map(), sets: ['ladder.patience=1s'] }, surroundings);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.config;
}

const around = () => ({
  version: '1.2.3',
  environment: { PATH: process.env['PATH'] ?? '' },
  home: folder,
  logTo: join(folder, 'log'),
});

async function serve(file: string, o: Variant = {}): Promise<Server> {
  const larder = await composeLarder(configured(file, o), around());
  closers.push(() => larder.stopNow());
  const { host, port } = await larder.start();
  const url = `http://${host}:${port}`;
  return {
    larder,
    get: async (target) => {
      const answer = await fetch(`${url}/${target}`);
      const text = Buffer.from(await answer.arrayBuffer()).toString('latin1');
      const { headers, status } = answer;
      return { status, text, level: headers.get('Larder-Level'), retryAfter: headers.get('Retry-After') };
    },
    status: async () => (await fetch(`${url}/status`)).json() as never,
  };
}

const levelOf = async (server: Server, target: string): Promise<string> => {
  const { status, level } = await server.get(target);
  return `${status} at ${level}`;
};

/** The lines of the log about the ladder; they are written within a tenth of a second. */
function steps(): readonly { readonly from: number; readonly to: number; readonly why: string }[] {
  const lines = readFileSync(join(folder, 'log'), 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line)).filter(({ kind }) => kind === 'ladder') as never;
}

test('0: what the first upstream has, and what is stored while it is well', async () => {
  const a = await upstream();
  const server = await serve(`upstream: "${a.base}"\n`);
  expect(await levelOf(server, MOD)).toBe('200 at 0');
  expect(await levelOf(server, MOD)).toBe('200 at 0');
  expect(await levelOf(server, 'example.com/none/@v/v1.0.0.mod')).toBe('404 at 0');
  expect((await server.get('metrics')).text).toContain('larder_answers_total{route="default",level="0"} 2');
});

describe('1', () => {
  test('what is stored, while the upstream is out; what is not stored fails, and is never said not to exist', async () => {
    const a = await upstream();
    const server = await serve(`upstream: "${a.base}"\n`);
    await server.get(MOD);
    a.fault(out);
    const missing = await server.get(INFO);
    expect([missing.status, missing.retryAfter === null]).toEqual([502, false]);
    await expect.poll(async () => (await server.get(INFO), levelOf(server, MOD)), { timeout: 15_000 }).toBe('200 at 1');
    expect((await server.status()).ladder).toMatchObject([{ route: 'default', level: 1, name: 'local', why: 'out' }]);
    expect((await server.get('metrics')).text).toContain('larder_ladder_level{route="default"} 1');
    await expect.poll(steps).toMatchObject([{ from: 0, to: 1, why: 'out' }]);
  });

  test('also a module cache is what is here', async () => {
    const a = await upstream();
    a.fault(out);
    const cache = join(folder, 'gomodcache');
    writeBundle(
      cache,
      { [MOD]: made.get(MOD) ?? '', [INFO]: made.get(INFO) ?? '', [ZIP]: made.get(ZIP) ?? '' },
      { id: 'x' },
    );
    const server = await serve(`upstream: "${a.base}"\nmodcache: [${join(cache, 'download')}]\n`);
    expect(await levelOf(server, MOD)).toBe('200 at 0');
    expect(a.requests).toEqual([]);
  });
});

describe('2', () => {
  test('another upstream that stands in for the first, and the route once the first is left alone', async () => {
    const [a, b] = [await upstream(), await upstream()];
    a.fault(out);
    const server = await serve(`upstream: "${a.base}|${b.base}"\n`);
    expect(await levelOf(server, MOD)).toBe('200 at 2');
    await expect
      .poll(async () => (await server.get('example.com/none/@v/list'), levelOf(server, MOD)), { timeout: 10_000 })
      .toBe('200 at 1');
    expect((await server.status()).ladder).toMatchObject([{ level: 2, name: 'other-upstreams' }]);
  });

  test('not another one behind a comma: it stands in for nobody', async () => {
    const [a, b] = [await upstream(), await upstream()];
    a.fault(out);
    const server = await serve(`upstream: "${a.base},${b.base}"\n`);
    expect((await server.get(MOD)).status).toBe(502);
    expect(b.requests).toEqual([]);
  });

  test('another member of a pool is the pool itself: 0', async () => {
    const [a, b] = [await upstream(), await upstream()];
    a.fault(out);
    const server = await serve(`upstreams:\n  - {name: a, url: "${a.base}"}\n  - {name: b, url: "${b.base}"}\n`);
    expect(await levelOf(server, MOD)).toBe('200 at 0');
  });

  test('a peer, of what it has', async () => {
    const [a, peer] = [await upstream(), await upstream()];
    a.fault(out);
    const server = await serve(`upstream: "${a.base}"\npeers:\n  - {name: larder-b, url: "${peer.base}"}\n`);
    for (const target of [MOD, INFO, ZIP]) expect(await levelOf(server, target)).toBe('200 at 2');
    const question = peer.requests.find(({ target }) => target === MOD);
    expect(question?.headers['disable-module-fetch']).toBe('true');
  });
});

describe('3', () => {
  /** A store with a bundle of the module. */
  function bundled(zip: Uint8Array | string = made.get(ZIP) ?? ''): string {
    const store = join(folder, 'bundles');
    const [, zipLine = '', modLine = ''] = /(h1:\S+)\n.*(h1:\S+)/.exec(sumsOf([NAME])) ?? [];
    const modules = [{ path: 'example.com/m', version: 'v1.0.0', zip: zipLine, mod: modLine }] as never;
    const files = { [MOD]: made.get(MOD) ?? '', [INFO]: made.get(INFO) ?? '', [ZIP]: zip };
    writeBundle(join(store, 'b1'), files, { id: 'b1', modules });
    symlinkSync('b1', join(store, 'current'));
    return `ladder: {bundles: ["${store}"], bundleKeys: ["${bundler.verifier.text}"]}\n`;
  }

  test('a bundle, when upstreams and peers are out; not before', async () => {
    const [a, peer] = [await upstream(), await upstream()];
    const server = await serve(`upstream: "${a.base}"\npeers:\n  - {name: p, url: "${peer.base}"}\n${bundled()}`);
    expect(await levelOf(server, INFO)).toBe('200 at 0');
    a.fault(out);
    peer.fault(out);
    expect(await levelOf(server, MOD)).toBe('200 at 3');
    expect(await levelOf(server, ZIP)).toBe('200 at 3');
    expect((await server.get('metrics')).text).toContain('larder_answers_total{route="default",level="3"} 2');
  });

  test('a bundle never says that something does not exist', async () => {
    const a = await upstream();
    a.fault(out);
    const server = await serve(`upstream: "${a.base}"\n${bundled()}`);
    expect((await server.get('example.com/other/@v/v1.0.0.mod')).status).toBe(502);
  });
});

describe('4', () => {
  const LIB = 'lib.test/lib.git';
  let host: GitServer;
  beforeEach(async () => {
    const files = { 'go.mod': `module ${LIB}\n\ngo 1.21\n`, 'lib.go': 'package lib\n' };
    await makeRepository(join(folder, 'repos/lib.git'), { commits: [{ files, tags: ['v1.0.0'] }] });
    host = await startGitServer({ repositories: join(folder, 'repos') });
    closers.push(() => host.close());
  });

  const git = (): string =>
    `git: {insecure: lib.test, rewrites: [{from: "https://lib.test/", to: "${host.origin}/"}]}\n`;

  /** The lines of a go.sum file for it. */
  async function sums(): Promise<string> {
    const server = await serve(`upstream: direct\n${git()}`, { data: 'other' });
    const lines = [];
    for (const [kind, tail] of [
      ['zip', ''],
      ['mod', '/go.mod'],
    ]) {
      expect((await server.get(`${LIB}/@v/v1.0.0.${kind}`)).status).toBe(200);
      const record = JSON.parse(readFileSync(join(folder, 'other/meta', LIB, `@v/v1.0.0.${kind}.json`), 'utf8'));
      lines.push(`${LIB} v1.0.0${tail} ${(record as { h1: string }).h1}\n`);
    }
    return lines.join('');
  }

  const isStored = (): boolean => existsSync(join(folder, 'data/download', LIB, '@v/v1.0.0.zip'));
  const verificationOf = (kind: 'mod' | 'zip'): unknown =>
    JSON.parse(readFileSync(join(folder, 'data/meta', LIB, `@v/v1.0.0.${kind}.json`), 'utf8')).verification;

  test('the repository itself, of what is proven, when the upstreams are out and `direct` is listed', async () => {
    const a = await upstream();
    a.fault(out);
    writeFileSync(join(folder, 'trusted.sum'), await sums());
    const server = await serve(
      `upstream: "${a.base},direct"\nverify: {goSum: [${join(folder, 'trusted.sum')}]}\n${git()}`,
    );
    for (const kind of ['info', 'mod', 'zip'])
      expect(await levelOf(server, `${LIB}/@v/v1.0.0.${kind}`)).toBe('200 at 4');
    expect(isStored()).toBe(true);
  });

  test('of what the checksum database proves', async () => {
    const database = new LyingDatabase(logOf(keys.signer, new Map([[`${LIB}@v1.0.0`, await sums()]]), 300));
    const a = await upstream(checksumDatabases({ [`sumdb/${DATABASE}`]: database }));
    a.fault(({ target }) => (target.startsWith('sumdb/') ? undefined : out()));
    const server = await serve(`upstream: "${a.base},direct"\n${git()}`, {
      database: `${keys.verifier} ${a.base}/sumdb/${DATABASE}`,
    });
    for (const kind of ['info', 'mod', 'zip'])
      expect(await levelOf(server, `${LIB}/@v/v1.0.0.${kind}`)).toBe('200 at 4');
    expect(verificationOf('zip')).toMatchObject({ by: 'sumdb' });
  });

  test('of what our ledger has seen before', async () => {
    const ledger = `noSumdb: lib.test\nledger: {key: ${join(folder, 'ledger.key')}}\n${git()}`;
    const signal = new AbortController().signal;
    await initLedger(configured(ledger), around(), { name: 'sum.corp.test', signal });
    const before = await serve(`upstream: direct\n${ledger}`);
    for (const kind of ['mod', 'zip']) expect((await before.get(`${LIB}/@v/v1.0.0.${kind}`)).status).toBe(200);
    const head = async (): Promise<string> =>
      (await before.get('sumdb/sum.corp.test/latest')).text.split('\n')[1] ?? '';
    await expect.poll(head).toBe('1');
    await before.larder.stopNow();
    for (const kind of ['download', 'meta']) rmSync(join(folder, 'data', kind), { recursive: true });
    const a = await upstream();
    a.fault(out);
    const server = await serve(`upstream: "${a.base},direct"\n${ledger}`);
    for (const kind of ['mod', 'zip']) expect(await levelOf(server, `${LIB}/@v/v1.0.0.${kind}`)).toBe('200 at 4');
    expect(verificationOf('zip')).toMatchObject({ by: 'ledger' });
  });

  test('not of another commit than that from which a file of the version is stored, though somebody vouches for it', async () => {
    const before = await serve(`upstream: direct\n${git()}`);
    expect((await before.get(`${LIB}/@v/v1.0.0.info`)).status).toBe(200);
    await before.larder.stopNow();
    for (const gone of ['data/.mirrors', 'repos/lib.git']) rmSync(join(folder, gone), { recursive: true });
    const files = { 'go.mod': `module ${LIB}\n\ngo 1.22\n`, 'lib.go': 'package lib // moved\n' };
    await makeRepository(join(folder, 'repos/lib.git'), { commits: [{ files, tags: ['v1.0.0'] }] });
    const a = await upstream();
    a.fault(out);
    writeFileSync(join(folder, 'trusted.sum'), await sums());
    const file = `upstream: "${a.base},direct"\nverify: {goSum: [${join(folder, 'trusted.sum')}]}\n${git()}`;
    const server = await serve(file);
    for (const kind of ['mod', 'zip']) expect((await server.get(`${LIB}/@v/v1.0.0.${kind}`)).status).toBe(502);
    expect(isStored()).toBe(false);
    expect(readFileSync(join(folder, 'log'), 'utf8')).toContain('which no branch or tag of');
    // Where nothing of it is stored the new commit is as good as any that is proven.
    const empty = await serve(file, { data: 'empty' });
    for (const kind of ['mod', 'zip']) expect(await levelOf(empty, `${LIB}/@v/v1.0.0.${kind}`)).toBe('200 at 4');
  });

  test('not of what nobody vouches for, though the operator has switched databases off', async () => {
    const a = await upstream();
    a.fault(out);
    const server = await serve(`upstream: "${a.base},direct"\n${git()}`);
    for (const kind of ['info', 'mod', 'zip']) expect((await server.get(`${LIB}/@v/v1.0.0.${kind}`)).status).toBe(502);
    expect(isStored()).toBe(false);
    expect(readFileSync(join(folder, 'log'), 'utf8')).toContain('"code":"POLICY_DENIED"');
  });

  test('not at all where `direct` is not listed', async () => {
    const a = await upstream();
    a.fault(out);
    writeFileSync(join(folder, 'trusted.sum'), await sums());
    const sum = `verify: {goSum: [${join(folder, 'trusted.sum')}]}\n`;
    const asked = host.requests.length;
    const server = await serve(`upstream: "${a.base}"\n${sum}${git()}`);
    expect((await server.get(`${LIB}/@v/v1.0.0.mod`)).status).toBe(502);
    expect(host.requests).toHaveLength(asked);
  });
});

describe('5', () => {
  test('what is stored, and what is not is refused as offline, whoever would have it; and back, at run time', async () => {
    const a = await upstream();
    const server = await serve(
      `upstreams:\n  - {name: a, url: "${a.base}", pool: mirrors}\nupstream: mirrors,direct\n`,
    );
    await server.get(MOD);
    server.larder.setOffline('on');
    const asked = a.requests.length;
    expect(await levelOf(server, MOD)).toBe('200 at 5');
    const refused = await server.get(INFO);
    expect(refused).toMatchObject({ status: 503, level: '5' });
    expect(refused.retryAfter).not.toBeNull();
    expect(refused.text).toMatch(/offline: .*larder offline off.*\[OFFLINE\]/);
    for (const other of ['example.com/none/@v/list', 'example.com/none/@latest', 'other.test/x/@v/v1.0.0.zip'])
      expect([other, (await server.get(other)).status]).toEqual([other, 503]);
    expect(await server.status()).toMatchObject({ offline: true, ladder: [{ level: 5, name: 'static' }] });
    expect(a.requests).toHaveLength(asked);
    server.larder.setOffline('off');
    expect(await levelOf(server, INFO)).toBe('200 at 0');
    await expect.poll(steps).toMatchObject([
      { from: 0, to: 5, why: 'offline' },
      { from: 5, to: 0, why: 'online' },
    ]);
  });

  test('from the start, when the configuration says so', async () => {
    const a = await upstream();
    const server = await serve(`upstreams:\n  - {name: a, url: "${a.base}"}\noffline: true\n`);
    expect(await levelOf(server, MOD)).toBe('503 at 5');
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect(a.requests).toEqual([]);
  });

  test('ends what is under way outside', async () => {
    const a = await upstream();
    a.fault(() => ({ hang: 'before-head' }));
    const server = await serve(`upstream: "${a.base}"\n`);
    const asked = server.get(MOD);
    await expect.poll(() => a.requests.length).toBe(1);
    server.larder.setOffline('on');
    expect((await asked).text).toContain('[OFFLINE]');
  });
});

test('the page of the state has names and figures, no address and no secret', async () => {
  const a = await upstream();
  const url = 'https://user:canary-99@127.0.0.1:1/canary-path';
  const server = await serve(
    `upstreams:\n  - {name: a, url: "${a.base}", pool: mirrors, token: canary-98}\nupstream: "mirrors,${url}"\n`,
  );
  await server.get(MOD);
  const page = await server.status();
  expect(page).toMatchObject({
    version: '1.2.3',
    offline: false,
    ladder: [{ route: 'default', level: 0, name: 'normal', why: 'start' }],
    pools: [
      { name: 'mirrors', isUsable: true, members: [{ name: 'a', state: 'up' }] },
      { name: expect.any(String) as string, isUsable: true },
    ],
    store: { ready: true },
  });
  const text = JSON.stringify(page);
  expect(text).not.toMatch(/canary|https?:|\/mod/);
});

test('the page of the state is not there when it is switched off', async () => {
  const server = await serve('status: {enabled: false}\nupstream: off\n');
  expect((await server.get('status')).status).toBe(404);
});
