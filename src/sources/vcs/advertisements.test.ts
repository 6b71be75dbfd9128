/** Mirrors behind the relay, on a real `git http-backend`: what is asked when it is known what the server can do, and what when that is no longer so. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { growRepository, makeRepository } from '../../../tests/fakes/git-repositories.ts';
import { basic, type GitServer, startGitServer } from '../../../tests/fakes/git-server.ts';
import type { Credentials } from '../../credentials/credentials.ts';
import { createEgressGuard } from '../../io/egress/egress-guard.ts';
import { readEgressRules } from '../../io/egress/rules.ts';
import { createDispatchers } from '../../io/http-dispatcher.ts';
import { systemClock } from '../../std/clock.ts';
import { Advertisements, isAdvertisementOfTwo } from './advertisements.ts';
import { GitRelay } from './git-relay.ts';
import { Git } from './git.ts';
import { Mirrors } from './mirrors.ts';

const signal = new AbortController().signal;
const now = { signal, maxAgeMs: 0 };
const ONE = { commits: [{ files: { 'go.mod': 'module x\n' }, tags: ['v1.0.0'] }] };
const NEXT = [{ files: { 'a.go': 'package x\n' }, tags: ['v1.1.0'] }];

const scratch = mkdtempSync(join(tmpdir(), 'larder-advertisements-'));
const repositories = join(scratch, 'repositories');
/** What the door of /closed/ lets in. */
const accepts: string[] = [];
let server: GitServer;
let monotonic = 0;
/** Passwords, the next one as soon as one was refused. */
let passwords: string[] = [];
let refusals = 0;
const closers: (() => unknown)[] = [];

const credentials: Pick<Credentials, 'http' | 'refused' | 'advice'> = {
  http: ({ origin }) => {
    const password = passwords[Math.min(refusals, passwords.length - 1)];
    const headers = { authorization: basic('u', password ?? '') };
    return Promise.resolve(password === undefined ? undefined : { origin, pathPrefix: '/', headers });
  },
  refused: () => void refusals++,
  advice: () => 'set credentials for it',
};

beforeAll(async () => {
  server = await startGitServer({ repositories, doors: [{ prefix: '/closed/', accepts }] });
});
beforeEach(() => {
  [monotonic, refusals, passwords] = [0, 0, []];
  server.clearLog();
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
afterAll(async () => {
  await server.close();
  rmSync(scratch, { recursive: true, force: true });
});

function makeMirrors(): Mirrors {
  const guard = createEgressGuard({ rules: readEgressRules({ allow: ['127.0.0.1'], ports: [443] }) });
  const times = { connectTimeoutMs: 1000, firstByteTimeoutMs: 1000 };
  const dispatchers = createDispatchers({ ...times, maxConnections: 8, guard, tls: {} });
  const relay = new GitRelay(
    { dispatchers, credentials, userAgent: 'larder/test', idleMs: 5000 },
    new Advertisements(() => monotonic),
  );
  const mirrors = new Mirrors({
    folder: mkdtempSync(join(scratch, 'mirrors-')),
    git: new Git({ program: 'git', path: process.env['PATH'] ?? '' }),
    network: relay,
    rewrite: (url) => new URL(url),
    clock: systemClock,
    limits: { spaceBytes: 1 << 30, repositoryBytes: 1 << 28, fetchMs: 20_000, idleMs: 10_000, perHost: 2 },
    observer: { refreshed: () => undefined, damaged: () => undefined, evicted: () => undefined },
  });
  closers.push(
    () => dispatchers.destroy(),
    () => relay.close(),
    () => mirrors.close(),
  );
  return mirrors;
}

let count = 0;
/** A repository that no test had before, fetched once: what was asked for that is forgotten. */
async function fetched(folder = 'open') {
  const name = `${folder}/r${++count}.git`;
  await makeRepository(join(repositories, name), ONE);
  const mirror = makeMirrors().open(`${server.origin}/${name}`);
  await mirror.snapshot(now);
  expect(asked()).toEqual(['info-refs 200', 'ls-refs 200', 'fetch 200']);
  server.clearLog();
  return { name, path: join(repositories, name), mirror };
}

function asked(): string[] {
  return server.requests.map(({ kind, status }) => `${kind} ${status}`);
}

async function tagsOf(mirror: ReturnType<Mirrors['open']>): Promise<string[]> {
  return [...(await mirror.snapshot(now)).refs.tags.keys()];
}

describe('a server whose abilities are known', () => {
  test('is asked for its refs at once', async () => {
    const { mirror, path } = await fetched();
    await mirror.snapshot(now);
    await growRepository(path, NEXT);
    expect(await tagsOf(mirror)).toEqual(['v1.0.0', 'v1.1.0']);
    expect(asked()).toEqual(['ls-refs 200', 'ls-refs 200', 'fetch 200']);
  });

  test('says again what it can do after five minutes, however often it was asked meanwhile', async () => {
    const { mirror } = await fetched();
    for (monotonic = 100_000; monotonic <= 400_000; monotonic += 100_000) await mirror.snapshot(now);
    expect(server.requests.map(({ kind }) => kind)).toEqual(['ls-refs', 'ls-refs', 'ls-refs', 'info-refs', 'ls-refs']);
  });

  test('that fails is asked once more, from the beginning', async () => {
    const { mirror } = await fetched();
    const fault = { answer: { status: 500 } };
    closers.push(server.fault(({ kind }, nth) => (kind === 'ls-refs' && nth === 1 ? fault : undefined)));
    expect(await tagsOf(mirror)).toEqual(['v1.0.0']);
    expect(asked()).toEqual(['ls-refs 500', 'info-refs 200', 'ls-refs 200']);
  });

  test.each([
    ['gone', { answer: { status: 404 } }, 'NOT_FOUND'],
    ['broken', { answer: { status: 502 } }, 'UPSTREAM_UNAVAILABLE'],
    ['a web page', { answer: { status: 200, headers: { 'content-type': 'text/html' } } }, 'UPSTREAM_BAD_RESPONSE'],
    ['out of reach', { reset: true }, 'UPSTREAM_UNAVAILABLE'],
  ])('and is %s by then fails as one that was never asked before', async (_, fault, code) => {
    const { mirror, name } = await fetched();
    closers.push(server.fault(() => fault));
    const failure = await mirror.snapshot(now).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code });
    expect(server.requests.map(({ kind }) => kind)).toContain('info-refs');
    const stranger = makeMirrors().open(`${server.origin}/${name}`);
    await expect(stranger.snapshot(now)).rejects.toMatchObject({ code, message: (failure as Error).message });
  });

  test('and now has hashes of another kind is understood', async () => {
    const { mirror, path } = await fetched();
    rmSync(path, { recursive: true });
    await makeRepository(path, { ...ONE, objectFormat: 'sha256' });
    expect([...(await mirror.snapshot(now)).refs.tags.values()]).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
  });

  test('and is empty by then is asked no more than another', async () => {
    const { mirror, path } = await fetched();
    rmSync(path, { recursive: true });
    await makeRepository(path, { commits: [] });
    expect(await tagsOf(mirror)).toEqual([]);
    expect(server.count('info-refs')).toBe(0);
  });
});

describe('a repository that has moved', () => {
  test('is followed, and its way is asked for every time', async () => {
    const { mirror, name } = await fetched();
    const other = await fetched();
    await growRepository(other.path, NEXT);
    const to = `${server.origin}/${other.name}/info/refs?service=git-upload-pack`;
    closers.push(
      server.fault(({ kind, target }) => {
        if (!target.includes(name)) return undefined;
        return kind === 'info-refs' ? { redirect: { to } } : { answer: { status: 404 } };
      }),
    );
    for (let i = 0; i < 3; i++) expect(await tagsOf(mirror)).toEqual(['v1.0.0', 'v1.1.0']);
    const redirected = server.requests.filter(({ kind, status }) => kind === 'info-refs' && status === 302);
    expect(redirected).toHaveLength(3);
  });
});

describe('credentials', () => {
  test('go with every question, and others are tried when they are refused', async () => {
    [passwords, accepts[0]] = [['old', 'new'], basic('u', 'old')];
    const { mirror } = await fetched('closed');
    await mirror.snapshot(now);
    expect(asked()).toEqual(['ls-refs 200']);
    accepts[0] = basic('u', 'new');
    server.clearLog();
    expect(await tagsOf(mirror)).toEqual(['v1.0.0']);
    expect(asked()).toEqual(['ls-refs 401', 'info-refs 401', 'info-refs 200', 'ls-refs 200']);
    expect(refusals).toBe(1);
  });

  test('that are good no more are what the failure is about', async () => {
    [passwords, accepts[0]] = [['old'], basic('u', 'old')];
    const { mirror } = await fetched('closed');
    accepts[0] = basic('u', 'new');
    await expect(mirror.snapshot(now)).rejects.toMatchObject({
      code: 'AUTH_REQUIRED',
      message: expect.stringContaining('answered 401, so it wants credentials'),
    });
    expect(refusals).toBe(1);
  });
});

function packets(...lines: readonly string[]): Buffer {
  const framed = lines.map((line) => (line === '' ? '0000' : (line.length + 4).toString(16).padStart(4, '0') + line));
  return Buffer.from(framed.join(''), 'latin1');
}

describe('what is kept', () => {
  const can = ['version 2\n', 'agent=git/2.39.5\n', 'ls-refs=unborn\n', 'fetch=shallow wait-for-done\n', ''];
  test.each([
    ['abilities', packets(...can)],
    ['abilities behind the name of the service', packets('# service=git-upload-pack\n', '', ...can)],
  ])('%s', (_, bytes) => expect(isAdvertisementOfTwo(bytes)).toBe(true));

  const ref = `${'1'.repeat(40)} HEAD\0multi_ack agent=git/2.39.5\n`;
  test.each([
    ['nothing', Buffer.alloc(0)],
    ['the refs of older protocols', packets('# service=git-upload-pack\n', '', ref, '')],
    ['the first version', packets('version 1\n', ref, '')],
    ['refs among abilities', packets('version 2\n', ref, '')],
    ['an error', packets('ERR not today\n')],
    ['an error among abilities', packets('version 2\n', 'ERR not today\n', '')],
    ['no end', packets(...can.slice(0, -1))],
    ['more after the end', packets(...can, 'x\n', '')],
    ['two ends', packets(...can, '')],
    ['half a packet', packets(...can).subarray(0, 20)],
    ['no packets', Buffer.from('<html>')],
    ['a packet without a length', Buffer.from('0001000eversion 2\n0000')],
  ])('and nothing else: not %s', (_, bytes) => expect(isAdvertisementOfTwo(bytes)).toBe(false));
});
