/** Modules straight from repositories, through a whole server: real git on both sides, on loopback. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CertificateAuthority, hasOpenssl } from '../../tests/fakes/certificates.ts';
import { madeUpModule } from '../../tests/fakes/content.ts';
import { type FakeUpstream, startFakeUpstream } from '../../tests/fakes/fake-upstream.ts';
import { growRepository, makeRepository } from '../../tests/fakes/git-repositories.ts';
import { basic, type GitServer, startGitServer } from '../../tests/fakes/git-server.ts';
import { packetLine } from '../../tests/fakes/pack-bombs.ts';
import { skipUnless } from '../../tests/skip.ts';
import { plainKeys } from '../../tests/fakes/plain-log.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { Around } from './around.ts';
import { composeLarder } from './compose.ts';
import type { Larder } from './larder.ts';
import { initLedger } from './ledger-tools.ts';

const LIB = 'private.test/lib';
const FIXED = ['info', 'mod', 'zip'].map((kind) => `${LIB}/@v/v1.1.0.${kind}`);
const MUTABLE = [`${LIB}/@v/list`, `${LIB}/@latest`, `${LIB}/@v/main.info`];

let folder = '';
let upstream: FakeUpstream;
let host: GitServer;
let commit = '';
const running: Larder[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'larder-git-'));
  const files = { 'go.mod': `module ${LIB}\n\ngo 1.21\n`, 'lib.go': 'package lib\n' };
  const commits = [
    { files, tags: ['v1.0.0'] },
    { name: 'second', files: { 'lib.go': 'package lib // more\n' }, tags: ['v1.1.0'] },
  ];
  commit = (await makeRepository(join(folder, 'repos/lib.git'), { commits })).commits.get('second') ?? '';
  await makeRepository(join(folder, 'repos/team/closed.git'), { commits });
  const doors = [{ prefix: '/team/', accepts: [basic('larder', 'canary-77')] }];
  host = await startGitServer({ repositories: join(folder, 'repos'), doors });
  // A public upstream that has something under the same name.
  upstream = await startFakeUpstream({ content: [madeUpModule(LIB, 'v1.1.0', { zipBytes: 1000 })] });
});
afterEach(async () => {
  await stop();
  await Promise.all([upstream.close(), host.close()]);
  rmSync(folder, { recursive: true, force: true });
});

async function stop(): Promise<void> {
  await Promise.all(running.splice(0).map((one) => one.stopNow()));
}

function configured(keys: Readonly<Record<string, string>>): Config {
  const all = {
    listen: '127.0.0.1:0',
    data: join(folder, 'data'),
    upstream: upstream.base,
    'sumdb.database': 'off',
    'git.aliases': `${LIB}=${host.origin}/lib`,
    'log.level': 'debug',
    'ladder.patience': '0',
    ...keys,
  };
  const flags = { values: new Map(), sets: Object.entries(all).map(([key, value]) => `${key}=${value}`) };
  const loaded = loadConfig(flags, { environment: { GOENV: 'off' }, folder, home: folder, localNames: [] });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.config;
}

const aroundOf = (environment: Record<string, string> = {}): Around => ({
  version: '0',
  environment: { PATH: process.env['PATH'] ?? '', ...environment },
  home: folder,
  logTo: join(folder, 'log.jsonl'),
});

async function serve(keys: Readonly<Record<string, string>> = {}, environment: Record<string, string> = {}) {
  const larder = await composeLarder(configured(keys), aroundOf(environment));
  running.push(larder);
  const { port } = await larder.start();
  return async (target: string): Promise<{ status: number; text: string }> => {
    const response = await fetch(`http://127.0.0.1:${port}/${target}`);
    return { status: response.status, text: Buffer.from(await response.arrayBuffer()).toString('latin1') };
  };
}

const stored = (path: string): string[] =>
  existsSync(join(folder, 'data', path))
    ? readdirSync(join(folder, 'data', path), { recursive: true }).map(String)
    : [];

describe('a private module', () => {
  test('comes from its repository alone, and lies in its own part of the store, with its place in the repository', async () => {
    const get = await serve({ private: 'private.test' });
    for (const target of [...MUTABLE, ...FIXED]) expect([target, (await get(target)).status]).toEqual([target, 200]);
    expect((await get(`${LIB}/@v/list`)).text).toBe('v1.0.0\nv1.1.0\n');
    expect(upstream.requests).toEqual([]);
    await stop();
    expect([...stored('download'), ...stored('meta'), ...stored('mutable')]).toEqual([]);
    const names = stored('scopes/private');
    for (const kind of ['info', 'mod', 'zip']) expect(names).toContain(join('download', LIB, '@v', `v1.1.0.${kind}`));
    const record = join(folder, 'data/scopes/private/meta', LIB, '@v/v1.1.0.zip.json');
    expect(JSON.parse(readFileSync(record, 'utf8'))).toMatchObject({
      source: 'direct',
      anchor: { url: `${host.origin}/lib`, commit, tree: expect.stringMatching(/^[0-9a-f]{40}$/), tag: 'v1.1.0' },
    });
  });

  test('costs one fetch however much is asked, and none when it is stored', async () => {
    const get = await serve({ private: 'private.test' });
    await Promise.all([...MUTABLE, ...FIXED].map(get));
    expect(host.count('fetch')).toBe(1);
    host.clearLog();
    for (const target of FIXED) expect((await get(target)).status).toBe(200);
    expect(host.requests).toEqual([]);
    expect((await get('metrics')).text).toMatch(/larder_git_fetches_total\{result="ok"\} 1\n/);
    expect(readdirSync(join(folder, 'data/.mirrors'))).toHaveLength(1);
  });

  test('goes on being served while its repository is down; what is new then is a failure that names it', async () => {
    const get = await serve({ private: 'private.test' });
    for (const target of [...MUTABLE, ...FIXED]) await get(target);
    await host.down();
    for (const target of [...MUTABLE, ...FIXED]) expect([target, (await get(target)).status]).toEqual([target, 200]);
    const { status, text } = await get(`${LIB}/@v/v1.2.0.info`);
    expect(status).toBeGreaterThanOrEqual(502);
    expect(text).toContain(host.origin);
  });

  test('is had though its repository is down for a moment, because the go command asks only once', async () => {
    const get = await serve({ private: 'private.test', 'ladder.patience': '60s' });
    await host.down();
    const answer = get(FIXED[0] ?? '');
    const cut = new Promise((resolve) => setTimeout(resolve, 300, 'waits'));
    expect(await Promise.race([answer.then(({ status }) => status), cut])).toBe('waits');
    await host.up();
    expect((await answer).status).toBe(200);
  });

  test('of which the repository has no such version is not found, as Go says it', async () => {
    const get = await serve({ private: 'private.test' });
    const { status, text } = await get(`${LIB}/@v/v9.9.9.info`);
    expect([status, text]).toEqual([404, expect.stringContaining('unknown revision v9.9.9')]);
  });

  test('of which its host knows no repository is not found: to somebody whom it lets in, and where it lets in everybody', async () => {
    const row = `url=${host.origin}/team,username=larder,password=canary-77`;
    for (const [place, keys] of [
      ['none', {}],
      ['team/none', { credentials: row }],
    ] as const) {
      const get = await serve({ 'git.aliases': `${LIB}=${host.origin}/${place}`, private: 'private.test', ...keys });
      const { status, text } = await get(FIXED[0] ?? '');
      expect([place, status, text]).toEqual([place, 404, expect.stringContaining('repository not found')]);
      await stop();
    }
  });

  test('behind a door that is closed is a failure that says what to set, and never "not found"', async () => {
    const aliases = { 'git.aliases': `${LIB}=${host.origin}/team/closed`, private: 'private.test' };
    const closed = await serve(aliases);
    const { status, text } = await closed(FIXED[1] ?? '');
    expect(status).toBe(502);
    expect(text).toContain(host.origin);
    expect(text).toContain('credentials');
    await stop();
    const row = `url=${host.origin}/team,username=larder,password=env:SECRET`;
    const open = await serve({ ...aliases, credentials: row }, { SECRET: 'canary-77' });
    expect((await open(FIXED[1] ?? '')).status).toBe(200);
    await stop();
    expect(readFileSync(join(folder, 'log.jsonl'), 'utf8')).not.toContain('canary-77');
  });

  test('tells nobody a secret that its host repeats', async () => {
    const row = `url=${host.origin}/team,username=larder,password=env:SECRET`;
    const keys = { 'git.aliases': `${LIB}=${host.origin}/team/closed`, private: 'private.test', credentials: row };
    const say = (words: string): void => {
      const answer = { status: 200, headers: { 'content-type': 'application/x-git-upload-pack-result' } };
      const body = packetLine(`ERR upstream connect failed: ${words}`);
      host.fault(({ kind }) => (kind === 'ls-refs' ? { answer: { ...answer, body } } : undefined));
    };
    const get = await serve(keys, { SECRET: 'canary-77' });
    say(`you sent ${basic('larder', 'canary-77')}, which is canary-77`);
    const { status, text } = await get(FIXED[1] ?? '');
    expect(status).toBeGreaterThanOrEqual(500);
    // What it says is shown, and that is the control.
    expect(text).toContain('you sent Basic [secret], which is [secret]');
    expect(text).not.toContain('canary-77');
  });

  test('whose credentials cannot be read any more is a failure that names the place, until they can be', async () => {
    const secret = join(folder, 'password');
    writeFileSync(secret, 'canary-77\n');
    const get = await serve({
      'git.aliases': `${LIB}=${host.origin}/team/closed`,
      private: 'private.test',
      credentials: `url=${host.origin}/team,username=larder,password=file:${secret}`,
    });
    rmSync(secret);
    for (const target of [...MUTABLE, ...FIXED]) {
      const { status, text } = await get(target);
      expect([target, status, text]).toEqual([target, 503, expect.stringContaining(`${host.origin}/team`)]);
    }
    writeFileSync(secret, 'canary-77\n');
    // A failure is the answer to everybody for a second.
    await expect.poll(async () => (await get(FIXED[1] ?? '')).status, { timeout: 5000 }).toBe(200);
  });

  test('is logged by our own ledger, and no checksum database of others hears of it', async () => {
    const database = plainKeys('sum.test').verifier;
    const keys = {
      private: 'private.test',
      'sumdb.database': database,
      'ledger.key': join(folder, 'ledger.key'),
    };
    const signal = new AbortController().signal;
    await initLedger(configured(keys), aroundOf(), { name: 'ledger.test', signal });
    const get = await serve(keys);
    const { status, text } = await get(`sumdb/ledger.test/lookup/${LIB}@v1.1.0`);
    expect([status, text]).toEqual([200, expect.stringMatching(/^0\nprivate\.test\/lib v1\.1\.0 h1:\S+\n/)]);
    for (const target of [...MUTABLE, ...FIXED]) expect([target, (await get(target)).status]).toEqual([target, 200]);
    expect((await get(`sumdb/sum.test/lookup/${LIB}@v1.1.0`)).status).toBe(403);
    expect(upstream.requests).toEqual([]);
  });

  test('whose tag moves is served as it was, also when its bytes were lost', async () => {
    const get = await serve({ private: 'private.test' });
    const before = await Promise.all(FIXED.map(get));
    const moved = [{ files: { 'lib.go': 'package lib // moved\n' }, tags: ['v1.1.0'] }];
    await growRepository(join(folder, 'repos/lib.git'), moved);
    await stop();
    const again = await serve({ private: 'private.test', 'git.fresh': '0' });
    expect(await Promise.all(FIXED.map(again))).toEqual(before);
    await stop();
    rmSync(join(folder, 'data/scopes/private/download', LIB, '@v/v1.1.0.zip'));
    const lost = await serve({ private: 'private.test', 'git.fresh': '0' });
    expect(await lost(FIXED[2] ?? '')).toEqual(before[2]);
  });

  test('has all its files from one commit, also when its tag moved between them', async () => {
    const get = await serve({ private: 'private.test' });
    expect(await get(`${LIB}/@v/v1.1.0.info`)).toMatchObject({ status: 200 });
    const moved = [{ files: { 'go.mod': `module ${LIB}\n\ngo 1.99\n` }, tags: ['v1.1.0', 'v1.2.0'] }];
    await growRepository(join(folder, 'repos/lib.git'), moved);
    // So that the new place of the tag is known.
    expect(await get(`${LIB}/@v/v1.2.0.mod`)).toMatchObject({ status: 200 });
    expect(await get(`${LIB}/@v/v1.1.0.mod`)).toEqual({ status: 200, text: `module ${LIB}\n\ngo 1.21\n` });
    const { anchor } = JSON.parse(
      readFileSync(join(folder, 'data/scopes/private/meta', LIB, '@v/v1.1.0.mod.json'), 'utf8'),
    ) as { anchor: { commit: string } };
    expect(anchor.commit).toBe(commit);
  });

  test('is what it was for branches and latest, too, when its tag moved', async () => {
    const get = await serve({ private: 'private.test', 'git.fresh': '0' });
    const before = await get(`${LIB}/@v/v1.1.0.zip`);
    const moved = [{ name: 'moved', files: { 'lib.go': 'package lib // moved\n' }, tags: ['v1.1.0'] }];
    await growRepository(join(folder, 'repos/lib.git'), moved);
    for (const target of MUTABLE.slice(1)) {
      const { status, text } = await get(target);
      expect([target, status, text]).toEqual([target, 200, expect.stringContaining(`"Hash":"${commit}"`)]);
      expect(text).toContain('"Version":"v1.1.0"');
    }
    expect((await get(`${LIB}/@v/v1.1.0.info`)).text).toContain(`"Hash":"${commit}"`);
    expect(await get(`${LIB}/@v/v1.1.0.zip`)).toEqual(before);
  });

  test('is a failure, never other bytes, when the commit that its first file came from is gone', async () => {
    const get = await serve({ private: 'private.test', 'git.fresh': '0' });
    expect(await get(`${LIB}/@v/v1.1.0.info`)).toMatchObject({ status: 200 });
    const other = [{ from: 'first', files: { 'lib.go': 'package other\n' }, tags: ['v1.1.0'] }];
    rmSync(join(folder, 'repos/lib.git'), { recursive: true });
    const files = { 'go.mod': `module ${LIB}\n` };
    await makeRepository(join(folder, 'repos/lib.git'), { commits: [{ name: 'first', files }, ...other] });
    const { status, text } = await get(`${LIB}/@v/v1.1.0.zip`);
    expect([status, text]).toEqual([502, expect.stringContaining(`it was made from ${commit}`)]);
  });

  test('on a machine without git cannot be told of, and the server runs all the same', async () => {
    const get = await serve({ private: 'private.test' }, { PATH: join(folder, 'nothing') });
    const { status, text } = await get(FIXED[0] ?? '');
    expect([status, text]).toEqual([503, expect.stringMatching(/run git: no such program/)]);
    expect(text).toContain(host.origin);
    expect((await get('livez')).status).toBe(200);
    await expect.poll(() => readFileSync(join(folder, 'log.jsonl'), 'utf8')).toContain('no git program');
  });
});

describe('a module whose repository the operator names', () => {
  test('comes from there though it is public, and no upstream is asked', async () => {
    const get = await serve();
    for (const target of [...MUTABLE, ...FIXED]) expect([target, (await get(target)).status]).toEqual([target, 200]);
    expect(upstream.requests).toEqual([]);
    expect(stored('scopes')).toEqual([]);
    expect(stored('download')).toContain(join(LIB, '@v/v1.1.0.zip'));
  });

  test('is the upstream\u0027s without the row', async () => {
    const get = await serve({ 'git.aliases': '' });
    expect((await get(FIXED[1] ?? '')).status).toBe(200);
    expect(upstream.requests.length).toBeGreaterThan(0);
    expect(host.requests).toEqual([]);
  });
});

describe('a repository over TLS', () => {
  skipUnless(hasOpenssl(), 'no openssl on this machine');

  test('cannot send us on to an address that nobody allowed', async () => {
    const authority = new CertificateAuthority(mkdtempSync(join(folder, 'ca-')));
    const certificates = join(folder, 'authority.pem');
    writeFileSync(certificates, authority.certificate.cert);
    const repositories = join(folder, 'repos');
    const servers = [1, 2].map(() => startGitServer({ repositories, tls: authority.issue({ names: 'IP:127.0.0.1' }) }));
    const [named, inside] = (await Promise.all(servers)) as [GitServer, GitServer];
    try {
      named.fault(({ target }) => ({ redirect: { to: `${inside.origin}${target}` } }));
      const keys = { private: 'private.test', 'git.aliases': `${LIB}=${named.origin}/lib` };
      const environment = { SSL_CERT_FILE: certificates };
      const refused = await (await serve(keys, environment))(FIXED[1] ?? '');
      expect([refused.status, refused.text]).toEqual([403, expect.stringContaining('egress.')]);
      expect(inside.requests).toEqual([]);
      await stop();
      const allowed = await serve({ ...keys, 'egress.allow': `127.0.0.1:${inside.port}` }, environment);
      expect((await allowed(FIXED[1] ?? '')).status).toBe(200);
    } finally {
      await Promise.all([named.close(), inside.close()]);
    }
  });
});
