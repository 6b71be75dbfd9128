import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { growRepository, makeRepository, plainGit } from '../../../tests/fakes/git-repositories.ts';
import { startGitServer, type GitServer } from '../../../tests/fakes/git-server.ts';
import { systemClock } from '../../std/clock.ts';
import type { AppError } from '../../std/errors.ts';
import type { GitNetwork } from './git-network.ts';
import { Git } from './git.ts';
import { mirrorKey } from './mirror-folder.ts';
import type { MirrorLimits, MirrorObserver } from './mirror-limits.ts';
import { type MirrorCounts, Mirrors } from './mirrors.ts';

const signal = new AbortController().signal;
const now = { signal, maxAgeMs: 0 };
const LIMITS: MirrorLimits = {
  spaceBytes: 1 << 30,
  repositoryBytes: 1 << 28,
  fetchMs: 20_000,
  idleMs: 10_000,
  perHost: 2,
};
const PATH = process.env['PATH'] ?? '';

let room: string;
let repositories: string;
let server: GitServer;
let mirrors: Mirrors;
let heard: string[];
let failures: AppError[];
let undoFault = (): void => undefined;

beforeAll(async () => {
  repositories = mkdtempSync(join(tmpdir(), 'larder-repositories-'));
  server = await startGitServer({ repositories });
});
afterAll(async () => {
  await server.close();
  rmSync(repositories, { recursive: true, force: true });
});
beforeEach(() => {
  room = mkdtempSync(join(tmpdir(), 'larder-mirrors-'));
  heard = [];
  failures = [];
  mirrors = makeMirrors();
});
afterEach(async () => {
  undoFault();
  undoFault = () => undefined;
  await mirrors.close();
  server.clearLog();
  rmSync(room, { recursive: true, force: true });
});

/** `https://git.corp.example/NAME` is NAME on the server, reached without a relay between. */
const network: GitNetwork = {
  open: async (url) => ({
    url: `${server.origin}${url.pathname}`,
    environment: {},
    failure: () => undefined,
    close: () => undefined,
  }),
};

const observer: MirrorObserver = {
  refreshed: ({ failure }) => {
    heard.push(failure === undefined ? 'refreshed' : failure.code);
    if (failure !== undefined) failures.push(failure);
  },
  damaged: () => void heard.push('damaged'),
  evicted: () => void heard.push('evicted'),
};

function makeMirrors(
  limits: Partial<MirrorLimits> = {},
  more: { network?: GitNetwork; program?: string; bounds?: Partial<MirrorCounts> } = {},
): Mirrors {
  return new Mirrors({
    folder: room,
    git: new Git({ program: more.program ?? 'git', path: PATH }),
    network: more.network ?? network,
    rewrite: (url) => new URL(url),
    clock: systemClock,
    limits: { ...LIMITS, ...limits },
    observer,
    ...(more.bounds && { bounds: more.bounds }),
  });
}

let count = 0;
/** A name that no test had before. */
function newName(): string {
  return `r${++count}.git`;
}

function urlOf(name: string): string {
  return `https://git.corp.example/${name}`;
}

function folderOf(name: string): string {
  return join(repositories, name);
}

function mirrorFolder(name: string): string {
  return join(room, mirrorKey(urlOf(name)));
}

const GO_MOD = { 'go.mod': 'module git.corp.example/x\n' };

async function smallRepository(name: string): Promise<ReadonlyMap<string, string>> {
  const made = await makeRepository(folderOf(name), {
    commits: [
      { name: 'one', files: GO_MOD, tags: ['v1.0.0'], at: 1_700_000_000 },
      { name: 'two', files: { 'sub/a.go': 'package a\n' }, annotated: ['v1.1.0'] },
      { name: 'side', from: 'one', on: 'side', files: { 'b.go': 'package b\n' } },
    ],
  });
  return made.commits;
}

function at(commits: ReadonlyMap<string, string>, name: string): string {
  return commits.get(name) ?? '';
}

describe('first contact', () => {
  test('takes HEAD, branches and tags in one fetch, annotated tags peeled', async () => {
    const name = newName();
    const commits = await smallRepository(name);
    const { refs } = await mirrors.open(urlOf(name)).snapshot(now);
    expect(refs.head).toBe(at(commits, 'two'));
    expect(Object.fromEntries(refs.branches)).toEqual({ main: at(commits, 'two'), side: at(commits, 'side') });
    expect(Object.fromEntries(refs.tags)).toEqual({ 'v1.0.0': at(commits, 'one'), 'v1.1.0': at(commits, 'two') });
    expect(server.requests.map((one) => one.kind)).toEqual(['info-refs', 'ls-refs', 'fetch']);
  });

  test('50 who ask at once share one fetch, also when the first of them leaves', async () => {
    const name = newName();
    await smallRepository(name);
    const mirror = mirrors.open(urlOf(name));
    const leaving = new AbortController();
    const first = expect(mirror.snapshot({ signal: leaving.signal, maxAgeMs: 0 })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    const others = Array.from({ length: 50 }, () => mirrors.open(urlOf(name)).snapshot(now));
    leaving.abort();
    await first;
    const snapshots = await Promise.all(others);
    expect(new Set(snapshots).size).toBe(1);
    expect(server.count('fetch')).toBe(1);
  });

  test('goes on when everybody has left', async () => {
    const name = newName();
    await smallRepository(name);
    const leaving = new AbortController();
    const asked = expect(mirrors.open(urlOf(name)).snapshot({ signal: leaving.signal, maxAgeMs: 0 })).rejects.toThrow();
    leaving.abort();
    await asked;
    await mirrors.settled();
    expect(heard).toEqual(['refreshed']);
  });

  test('a repository of sha256 hashes is one like others', async () => {
    const name = newName();
    const made = await makeRepository(folderOf(name), {
      objectFormat: 'sha256',
      commits: [{ name: 'one', files: GO_MOD, tags: ['v1.0.0'] }],
    });
    const snapshot = await mirrors.open(urlOf(name)).snapshot(now);
    const hash = at(made.commits, 'one');
    expect(hash).toHaveLength(64);
    expect(snapshot.refs.tags.get('v1.0.0')).toBe(hash);
    expect((await snapshot.commit(hash, now))?.tree).toHaveLength(64);
    expect(await snapshot.expand(hash.slice(0, 12), now)).toEqual([hash]);
  });

  test('a repository that changes its hashes is fetched anew', async () => {
    const name = newName();
    await smallRepository(name);
    const mirror = mirrors.open(urlOf(name));
    await mirror.snapshot(now);
    rmSync(folderOf(name), { recursive: true });
    await makeRepository(folderOf(name), { objectFormat: 'sha256', commits: [{ files: GO_MOD }] });
    expect((await mirror.snapshot(now)).refs.head).toHaveLength(64);
  });

  test('an empty repository has no refs, and leaves no folder', async () => {
    const name = newName();
    plainGit(repositories, ['init', '--quiet', '--bare', folderOf(name)]);
    const mirror = mirrors.open(urlOf(name));
    const snapshot = await mirror.snapshot(now);
    expect(snapshot.refs).toMatchObject({ tags: new Map(), branches: new Map() });
    expect(snapshot.refs.head).toBeUndefined();
    expect(await snapshot.commit('0'.repeat(40), now)).toBeUndefined();
    expect(readdirSync(room)).toEqual([]);
    await growRepository(folderOf(name), [{ files: GO_MOD, on: 'main' }]);
    plainGit(folderOf(name), ['symbolic-ref', 'HEAD', 'refs/heads/main']);
    expect((await mirror.snapshot(now)).refs.head).toBeDefined();
  });

  test('a HEAD that names no branch is absent, and the branches are there; one that comes is seen, one that goes is forgotten', async () => {
    const name = newName();
    const commits = await smallRepository(name);
    const head = (to: string): string => plainGit(folderOf(name), ['symbolic-ref', 'HEAD', to]);
    head('refs/heads/none');
    const mirror = mirrors.open(urlOf(name));
    const { refs } = await mirror.snapshot(now);
    expect(refs.head).toBeUndefined();
    expect(refs.branches.get('main')).toBe(at(commits, 'two'));
    head('refs/heads/side');
    expect((await mirror.snapshot(now)).refs.head).toBe(at(commits, 'side'));
    head('refs/heads/none');
    expect((await mirror.snapshot(now)).refs.head).toBeUndefined();
  });

  test('a repository that is not there leaves no folder', async () => {
    const asked = mirrors.open(urlOf('none.git')).snapshot(now);
    await expect(asked).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('fetch https://git.corp.example/none.git: repository not found'),
    });
    expect(failures[0]?.message).not.toContain('127.0.0.1');
    expect(readdirSync(room)).toEqual([]);
  });
});

describe('refs', () => {
  test('what changed is seen: moved tags, new ones, and those that went', async () => {
    const name = newName();
    const commits = await smallRepository(name);
    const mirror = mirrors.open(urlOf(name));
    const before = await mirror.snapshot(now);
    plainGit(folderOf(name), ['tag', '--force', 'v1.0.0', at(commits, 'side')]);
    plainGit(folderOf(name), ['tag', '--delete', 'v1.1.0']);
    const grown = await growRepository(folderOf(name), [{ name: 'three', files: { x: 'x' }, tags: ['v1.2.0'] }]);
    const after = await mirror.snapshot(now);
    expect(Object.fromEntries(after.refs.tags)).toEqual({
      'v1.0.0': at(commits, 'side'),
      'v1.2.0': at(grown.commits, 'three'),
    });
    expect(before.refs.tags.get('v1.0.0')).toBe(at(commits, 'one'));
  });

  test('a branch takes the place of a folder of branches', async () => {
    const name = newName();
    const commits = await smallRepository(name);
    const mirror = mirrors.open(urlOf(name));
    plainGit(folderOf(name), ['branch', 'a/b', at(commits, 'one')]);
    await mirror.snapshot(now);
    plainGit(folderOf(name), ['branch', '-D', 'a/b']);
    plainGit(folderOf(name), ['branch', 'a', at(commits, 'one')]);
    expect([...(await mirror.snapshot(now)).refs.branches.keys()].sort()).toEqual(['a', 'main', 'side']);
  });

  test('when nothing changed, the remote is asked once and nothing is fetched', async () => {
    const name = newName();
    await smallRepository(name);
    const mirror = mirrors.open(urlOf(name));
    const before = await mirror.snapshot(now);
    server.clearLog();
    expect(await mirror.snapshot(now)).toBe(before);
    expect(server.requests.map((one) => one.kind)).toEqual(['info-refs', 'ls-refs']);
  });

  test('what is young enough is not asked for again, also by the next process', async () => {
    const name = newName();
    const commits = await smallRepository(name);
    const { refs } = await mirrors.open(urlOf(name)).snapshot(now);
    await mirrors.open(urlOf(name)).snapshot({ signal, maxAgeMs: 60_000 });
    await mirrors.close();
    mirrors = makeMirrors();
    server.clearLog();
    const again = await mirrors.open(urlOf(name)).snapshot({ signal, maxAgeMs: 60_000 });
    expect(again.refs).toEqual(refs);
    expect((await again.commit(at(commits, 'two'), now))?.hash).toBe(at(commits, 'two'));
    expect(server.requests).toEqual([]);
    await sleep(20);
    await mirrors.open(urlOf(name)).snapshot({ signal, maxAgeMs: 10 });
    expect(server.count('ls-refs')).toBe(1);
  });

  test('what is asked for now is not answered with what was asked for a moment ago', async () => {
    const name = newName();
    const commits = await smallRepository(name);
    const mirror = mirrors.open(urlOf(name));
    await mirror.snapshot(now);
    server.clearLog();
    // The answer is made at once and arrives late.
    const hold = Promise.withResolvers<void>();
    undoFault = server.fault(({ kind }) => {
      if (kind === 'ls-refs') hold.resolve();
      return kind === 'ls-refs' ? { trickle: { bytes: 100, everyMs: 200 } } : undefined;
    });
    const early = mirror.snapshot(now);
    await hold.promise;
    await seen(() => server.requests.some(({ status }) => status === 200));
    await sleep(100);
    plainGit(folderOf(name), ['tag', 'v3.0.0', at(commits, 'two')]);
    const late = Array.from({ length: 5 }, () => mirror.snapshot(now));
    for (const { refs } of await Promise.all(late)) expect(refs.tags.has('v3.0.0')).toBe(true);
    await early;
    expect(server.count('ls-refs')).toBe(2);
  });

  test('tags of tags are peeled to their end, tags on trees and files are on no commit', async () => {
    const name = newName();
    const commits = await smallRepository(name);
    const git = (...args: string[]): string =>
      plainGit(folderOf(name), ['-c', 'user.name=x', '-c', 'user.email=x@corp.example', ...args]);
    git('tag', '-a', '-m', 'x', 'deep1', 'v1.1.0');
    git('tag', '-a', '-m', 'x', 'deep2', 'deep1');
    git('tag', '-a', '-m', 'x', 'on-tree', `${at(commits, 'one')}^{tree}`);
    git('tag', 'light-tree', `${at(commits, 'one')}^{tree}`);
    git('tag', 'on-file', `${at(commits, 'one')}:go.mod`);
    const snapshot = await mirrors.open(urlOf(name)).snapshot(now);
    expect(snapshot.refs.tags.get('deep2')).toBe(at(commits, 'two'));
    for (const tag of ['on-tree', 'light-tree', 'on-file']) {
      const target = snapshot.refs.tags.get(tag) ?? '';
      expect(target).toMatch(/^[0-9a-f]{40}$/);
      expect(await snapshot.commit(target, now)).toBeUndefined();
      expect(await snapshot.isAncestor(target, at(commits, 'two'), now)).toBe(false);
    }
    expect(await snapshot.ancestorTags(at(commits, 'two'), now)).toEqual(['deep1', 'deep2', 'v1.0.0', 'v1.1.0']);
    expect(heard).toEqual(['refreshed']);
  });

  test('refs of pull requests do not exist', async () => {
    const name = newName();
    const commits = await smallRepository(name);
    plainGit(folderOf(name), ['update-ref', 'refs/pull/1/head', at(commits, 'side')]);
    plainGit(folderOf(name), ['branch', '-D', 'side']);
    const snapshot = await mirrors.open(urlOf(name)).snapshot(now);
    expect([...snapshot.refs.branches.keys()]).toEqual(['main']);
    expect(await snapshot.commit(at(commits, 'side'), now)).toBeUndefined();
    expect(await snapshot.expand(at(commits, 'side').slice(0, 12), now)).toEqual([]);
  });
});

describe('what a snapshot knows', () => {
  test('commits with tree and committer time, ancestors, and the files of commits', async () => {
    const name = newName();
    const commits = await smallRepository(name);
    const snapshot = await mirrors.open(urlOf(name)).snapshot(now);
    const [one, two, side] = ['one', 'two', 'side'].map((commit) => at(commits, commit)) as [string, string, string];
    const tree = plainGit(folderOf(name), ['rev-parse', `${one}^{tree}`]);
    expect(await snapshot.commit(one, now)).toEqual({ hash: one, tree, time: new Date(1_700_000_000_000) });
    expect(await snapshot.commit(tree, now)).toBeUndefined();
    expect(await snapshot.commit('f'.repeat(40), now)).toBeUndefined();
    expect(await snapshot.commit('--all', now)).toBeUndefined();
    expect(await snapshot.isAncestor(one, two, now)).toBe(true);
    expect(await snapshot.isAncestor(one, one, now)).toBe(true);
    expect(await snapshot.isAncestor(two, side, now)).toBe(false);
    expect(await snapshot.ancestorTags(side, now)).toEqual(['v1.0.0']);
    expect(await snapshot.expand(two.slice(0, 7), now)).toEqual([two]);
    expect(await snapshot.expand('--all00', now)).toEqual([]);
    expect(String(await snapshot.file(two, 'sub/a.go', now))).toBe('package a\n');
    for (const path of ['sub', 'none', 'go.mod/x', './go.mod', '', '../x', 'a\nb', '/go.mod', 'sub/'])
      expect(await snapshot.file(two, path, now), path).toBeUndefined();
  });

  test('a commit that only a deleted branch had is unknown from then on, though its objects are still there', async () => {
    const name = newName();
    const commits = await smallRepository(name);
    const side = at(commits, 'side');
    const mirror = mirrors.open(urlOf(name));
    const before = await mirror.snapshot(now);
    plainGit(folderOf(name), ['branch', '-D', 'side']);
    const after = await mirror.snapshot(now);
    expect(await after.commit(side, now)).toBeUndefined();
    expect(await after.expand(side.slice(0, 10), now)).toEqual([]);
    expect((await before.commit(side, now))?.hash).toBe(side);
    expect(plainGit(mirrorFolder(name), ['cat-file', '-t', side])).toBe('commit');
  });

  test('what looks like a hash of another kind is the start of one: of no commit that is unreachable', async () => {
    const name = newName();
    const files = GO_MOD;
    const { commits } = await makeRepository(folderOf(name), {
      objectFormat: 'sha256',
      commits: [
        { name: 'one', files },
        { name: 'side', from: 'one', on: 'side', files: { 'b.go': 'package b\n' } },
      ],
    });
    const mirror = mirrors.open(urlOf(name));
    await mirror.snapshot(now);
    plainGit(folderOf(name), ['branch', '-D', 'side']);
    const snapshot = await mirror.snapshot(now);
    for (const hash of [at(commits, 'one'), at(commits, 'side')])
      expect(await snapshot.commit(hash.slice(0, 40), now)).toBeUndefined();
    expect(await snapshot.expand(at(commits, 'one').slice(0, 40), now)).toEqual([at(commits, 'one')]);
    expect(await snapshot.expand(at(commits, 'side').slice(0, 40), now)).toEqual([]);
  });

  test('a file past 16 MiB is refused, and the next is read', async () => {
    const name = newName();
    const made = await makeRepository(folderOf(name), {
      commits: [{ name: 'one', files: { ...GO_MOD, big: Buffer.alloc((16 << 20) + 1), most: Buffer.alloc(16 << 20) } }],
    });
    const snapshot = await mirrors.open(urlOf(name)).snapshot(now);
    const hash = at(made.commits, 'one');
    await expect(snapshot.file(hash, 'big', now)).rejects.toMatchObject({ code: 'TOO_LARGE' });
    const [most, small] = await Promise.all([snapshot.file(hash, 'most', now), snapshot.file(hash, 'go.mod', now)]);
    expect(most?.length).toBe(16 << 20);
    expect(String(small)).toBe(GO_MOD['go.mod']);
  });

  test('wrong clocks hide nothing', async () => {
    const name = newName();
    const commits = Array.from({ length: 60 }, (_, i) => ({
      name: `c${i}`,
      files: { n: String(i) },
      // Time runs backwards, but for the first commit, which is from the future.
      at: i === 0 ? 1_900_000_000 : 1_700_000_000 - i * 1000,
      ...(i === 0 ? { tags: ['v1.0.0'] } : {}),
    }));
    const made = await makeRepository(folderOf(name), { commits });
    const snapshot = await mirrors.open(urlOf(name)).snapshot(now);
    for (const commit of ['c0', 'c1', 'c30', 'c58'])
      expect((await snapshot.commit(at(made.commits, commit), now))?.hash).toBe(at(made.commits, commit));
    expect(await snapshot.ancestorTags(at(made.commits, 'c59'), now)).toEqual(['v1.0.0']);
  });

  test('its files, and an archive of a folder with the attributes of the tree', async () => {
    const name = newName();
    const made = await makeRepository(folderOf(name), {
      commits: [
        {
          name: 'one',
          files: {
            '.gitattributes': '*.txt eol=crlf\nhidden export-ignore\nsubst export-subst\n',
            'sub/go.mod': 'module x\n',
            'sub/a.txt': 'a\nb\n',
            'sub/hidden': 'h',
            'sub/subst': '$Format:%H$\n',
            'sub/deep/link': { mode: '120000', content: '../a.txt' },
            'sub/module': { mode: '160000', commit: '1'.repeat(40) },
          },
        },
      ],
    });
    const hash = at(made.commits, 'one');
    const snapshot = await mirrors.open(urlOf(name)).snapshot(now);
    const listed = (await snapshot.files(hash, 'sub', now)).map(({ name: path, mode, type }) => [
      String(path),
      mode,
      type,
    ]);
    expect(listed).toEqual([
      ['sub/a.txt', '100644', 'blob'],
      ['sub/deep', '040000', 'tree'],
      ['sub/deep/link', '120000', 'blob'],
      ['sub/go.mod', '100644', 'blob'],
      ['sub/hidden', '100644', 'blob'],
      ['sub/module', '160000', 'commit'],
      ['sub/subst', '100644', 'blob'],
    ]);
    const tar = await everything(snapshot.archive(hash, 'sub', now));
    const show = (path: string): string => execFileSync('tar', ['xO', path], { input: tar }).toString();
    expect(show('sub/a.txt')).toBe('a\r\nb\r\n');
    expect(show('sub/subst')).toBe('$Format:%H$\n');
    expect(show('sub/hidden')).toBe('h');
    expect((await snapshot.files(hash, '', now)).map((file) => String(file.name)).slice(0, 2)).toEqual([
      '.gitattributes',
      'sub',
    ]);
    for (const folder of ['none', 'sub/a.txt', '--output=x', '..'])
      await expect(snapshot.files(hash, folder, now), folder).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(everything(snapshot.archive(hash, '*', now))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

async function everything(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of chunks) parts.push(part);
  return Buffer.concat(parts);
}

describe('a damaged mirror is made again', () => {
  function packOf(name: string, ending: string): string {
    const folder = join(mirrorFolder(name), 'objects/pack');
    return join(folder, readdirSync(folder).find((file) => file.endsWith(ending)) ?? '');
  }

  test.each([
    ['a cut pack', (name: string) => truncateSync(packOf(name, '.pack'), 40)],
    ['a cut index', (name: string) => truncateSync(packOf(name, '.idx'), 100)],
    ['a pack that is gone', (name: string) => rmSync(packOf(name, '.pack'))],
    ['no folder', (name: string) => rmSync(mirrorFolder(name), { recursive: true })],
    ['no HEAD', (name: string) => rmSync(join(mirrorFolder(name), 'HEAD'))],
  ])('%s, while it is read', async (_, damage) => {
    const name = newName();
    const commits = await smallRepository(name);
    const snapshot = await mirrors.open(urlOf(name)).snapshot(now);
    const two = at(commits, 'two');
    mirrors.open(urlOf(name)).reader.close();
    damage(name);
    expect((await snapshot.commit(two, now))?.hash).toBe(two);
    expect(String(await snapshot.file(two, 'sub/a.go', now))).toBe('package a\n');
    expect((await everything(snapshot.archive(two, '', now))).length).toBeGreaterThan(1000);
    expect(heard).toEqual(['refreshed', 'damaged', 'refreshed']);
  });

  test.each([
    ['a lock that was left', (name: string) => writeFileSync(join(mirrorFolder(name), 'refs/heads/main.lock'), '')],
    [
      'refs full of zeros',
      (name: string) => writeFileSync(join(mirrorFolder(name), 'refs/heads/main'), Buffer.alloc(41)),
    ],
    ['no objects', (name: string) => rmSync(join(mirrorFolder(name), 'objects/pack'), { recursive: true })],
    ['a wrong configuration', (name: string) => writeFileSync(join(mirrorFolder(name), 'config'), '[core')],
  ])('%s, when it is refreshed', async (_, damage) => {
    const name = newName();
    await smallRepository(name);
    const mirror = mirrors.open(urlOf(name));
    await mirror.snapshot(now);
    const grown = await growRepository(folderOf(name), [{ name: 'next', files: { n: 'n' }, tags: ['v1.9.0'] }]);
    mirror.reader.close();
    damage(name);
    const after = await mirror.snapshot(now);
    expect(after.refs.tags.get('v1.9.0')).toBe(at(grown.commits, 'next'));
    expect(after.refs.branches.get('main')).toBe(at(grown.commits, 'next'));
    expect(heard).toContain('damaged');
  });

  test('one that was killed in the middle of a fetch', async () => {
    const name = newName();
    await smallRepository(name);
    const mirror = mirrors.open(urlOf(name));
    await mirror.snapshot(now);
    await mirrors.settled();
    await growRepository(folderOf(name), [{ files: { big: randomText(2 << 20) }, tags: ['v2.0.0'] }]);
    undoFault = server.fault(({ kind }) =>
      kind === 'fetch' ? { trickle: { bytes: 20_000, everyMs: 20 } } : undefined,
    );
    const asked = mirror.snapshot(now).catch(() => undefined);
    await seen(() => readdirSync(join(mirrorFolder(name), 'objects/pack')).some((file) => file.startsWith('tmp_')));
    await mirrors.close();
    await asked;
    undoFault();
    undoFault = () => undefined;
    mirrors = makeMirrors();
    expect((await mirrors.open(urlOf(name)).snapshot(now)).refs.tags.has('v2.0.0')).toBe(true);
  });

  test('what stays wrong is said: the repository, not the folder', async () => {
    const name = newName();
    await smallRepository(name);
    undoFault = server.fault(({ kind }) => (kind === 'fetch' ? { rewrite: (body) => flipped(body) } : undefined));
    const asked = mirrors.open(urlOf(name)).snapshot(now);
    await expect(asked).rejects.toMatchObject({
      code: 'UPSTREAM_BAD_RESPONSE',
      message: expect.stringContaining('git refuses what it was sent'),
    });
    undoFault();
    expect(readdirSync(room)).toEqual([]);
    await expect(mirrors.open(urlOf(name)).snapshot(now)).resolves.toBeDefined();
  });
});

/** Changes a byte inside the pack. */
function flipped(body: Buffer): Buffer {
  const pack = body.indexOf('PACK');
  const copy = Buffer.from(body);
  if (pack >= 0) copy.writeUInt8(copy.readUInt8(pack + 40) ^ 0xff, pack + 40);
  return copy;
}

function randomText(bytes: number): string {
  return execFileSync('head', ['-c', String(bytes / 2), '/dev/urandom'], { maxBuffer: bytes }).toString('hex');
}

async function seen(what: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !what(); i++) await sleep(10);
  expect(what()).toBe(true);
}

/** The processes of git, and what it starts, that work on this test's mirrors. */
function gitProcesses(): string[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`GIT_DIR=${room}`);
      } catch {
        return false;
      }
    });
}

describe('limits', () => {
  test('of what is remembered: the names of many branches and tags are forgotten with the mirror that is used least', async () => {
    const names = [newName(), newName(), newName()];
    for (const name of names) await smallRepository(name);
    const looked = async (bounds: Partial<MirrorCounts>): Promise<readonly boolean[]> => {
      mirrors = makeMirrors({}, { bounds });
      const opened = names.map((name) => mirrors.open(urlOf(name)));
      for (const one of opened) await one.snapshot(now);
      return opened.toReversed().map((one, index) => mirrors.open(urlOf(names.at(-1 - index) ?? '')) === one);
    };
    const listed = 3 * 500;
    expect(await looked({ listedBytes: listed })).toEqual([true, true, true]);
    await mirrors.close();
    expect(await looked({ listedBytes: 300 })).toEqual([true, false, false]);
    await mirrors.close();
    expect(await looked({ remembered: 1 })).toContain(false);
  });

  test('of how many are on disk: the least used go, however small they are', async () => {
    mirrors = makeMirrors({}, { bounds: { kept: 2 } });
    const names = [newName(), newName(), newName(), newName()];
    for (const name of names) {
      await smallRepository(name);
      await mirrors.open(urlOf(name)).snapshot(now);
      await mirrors.settled();
    }
    expect(heard.filter((what) => what === 'evicted')).toHaveLength(2);
    expect(readdirSync(room).toSorted()).toEqual(
      names
        .slice(2)
        .map((name) => mirrorKey(urlOf(name)))
        .toSorted(),
    );
  });

  test('a repository that is too large is refused while it arrives, leaves nothing, and is not fetched again soon', async () => {
    mirrors = makeMirrors({ repositoryBytes: 200_000 });
    const name = newName();
    await makeRepository(folderOf(name), { commits: [{ files: { ...GO_MOD, big: randomText(4 << 20) } }] });
    undoFault = server.fault(({ kind }) =>
      kind === 'fetch' ? { trickle: { bytes: 20_000, everyMs: 100 } } : undefined,
    );
    const before = performance.now();
    await expect(mirrors.open(urlOf(name)).snapshot(now)).rejects.toMatchObject({
      code: 'TOO_LARGE',
      message: `fetch ${urlOf(name)}: the repository is larger than 200000 bytes`,
    });
    expect(performance.now() - before).toBeLessThan(6000);
    undoFault();
    expect(readdirSync(room)).toEqual([]);
    server.clearLog();
    await expect(mirrors.open(urlOf(name)).snapshot(now)).rejects.toMatchObject({ code: 'TOO_LARGE' });
    expect(server.requests).toEqual([]);
  });

  test.each([
    ['that says nothing any more', { idleMs: 400 }, { hang: 'after-head' as const }],
    ['that trickles', { fetchMs: 1200 }, { trickle: { bytes: 10, everyMs: 100 } }],
  ])('a server %s is left, and no process stays', async (_, limits, fault) => {
    mirrors = makeMirrors(limits);
    const name = newName();
    await smallRepository(name);
    undoFault = server.fault(({ kind }) => (kind === 'fetch' ? fault : undefined));
    const asked = mirrors.open(urlOf(name)).snapshot(now);
    asked.catch(() => undefined);
    await seen(() => gitProcesses().length > 1);
    await expect(asked).rejects.toMatchObject({
      code: 'UPSTREAM_TIMEOUT',
      message: expect.stringContaining(`fetch ${urlOf(name)}: `),
    });
    expect(gitProcesses()).toEqual([]);
    expect(readdirSync(room)).toEqual([]);
    undoFault();
  });

  test('the least used mirrors make room for others, and come back when they are read', async () => {
    const names = [newName(), newName(), newName()];
    for (const name of names)
      await makeRepository(folderOf(name), {
        commits: [{ name: 'one', files: { ...GO_MOD, big: randomText(400_000) } }],
      });
    mirrors = makeMirrors({ spaceBytes: 500_000 });
    const first = await mirrors.open(urlOf(names[0] ?? '')).snapshot(now);
    await mirrors.settled();
    await mirrors.open(urlOf(names[1] ?? '')).snapshot(now);
    await mirrors.settled();
    await sleep(20);
    await mirrors.open(urlOf(names[0] ?? '')).snapshot(now);
    await mirrors.settled();
    await mirrors.open(urlOf(names[2] ?? '')).snapshot(now);
    await mirrors.settled();
    expect(names.map((name) => existsSync(mirrorFolder(name)))).toEqual([true, false, true]);
    expect(heard.filter((word) => word === 'evicted')).toHaveLength(1);
    rmSync(mirrorFolder(names[0] ?? ''), { recursive: true });
    expect(String(await first.file(first.refs.head ?? '', 'go.mod', now))).toBe(GO_MOD['go.mod']);
  });

  test('a mirror that is being read stays', async () => {
    const names = [newName(), newName()];
    for (const name of names)
      await makeRepository(folderOf(name), { commits: [{ files: { ...GO_MOD, big: randomText(400_000) } }] });
    mirrors = makeMirrors({ spaceBytes: 300_000 });
    const first = await mirrors.open(urlOf(names[0] ?? '')).snapshot(now);
    const reading = first.archive(first.refs.head ?? '', '', now)[Symbol.asyncIterator]();
    await reading.next();
    await mirrors.open(urlOf(names[1] ?? '')).snapshot(now);
    await mirrors.settled();
    expect(existsSync(mirrorFolder(names[0] ?? ''))).toBe(true);
    await reading.return?.();
  });

  test('a host sees so many fetches at a time and no more', async () => {
    let open = 0;
    let most = 0;
    const counted: GitNetwork = {
      open: async (url, o) => {
        most = Math.max(most, ++open);
        const remote = await network.open(url, o);
        return { ...remote, close: () => void open-- };
      },
    };
    mirrors = makeMirrors({}, { network: counted });
    const names = Array.from({ length: 6 }, newName);
    for (const name of names) await smallRepository(name);
    await Promise.all(names.map((name) => mirrors.open(urlOf(name)).snapshot(now)));
    expect(most).toBe(2);
    expect(open).toBe(0);
  });
});

describe('several processes on one folder', () => {
  test('fetch at the same time, and both have it', async () => {
    const name = newName();
    await smallRepository(name);
    const other = makeMirrors();
    for (let round = 0; round < 5; round++) {
      const grown = await growRepository(folderOf(name), [
        { name: 'next', files: { n: String(round) }, tags: [`v2.${round}.0`] },
      ]);
      const both = await Promise.all([mirrors, other].map((each) => each.open(urlOf(name)).snapshot(now)));
      for (const { refs } of both) expect(refs.tags.get(`v2.${round}.0`)).toBe(at(grown.commits, 'next'));
    }
    await other.close();
  });

  test('one takes a mirror away that the other reads', async () => {
    const name = newName();
    const commits = await smallRepository(name);
    const snapshot = await mirrors.open(urlOf(name)).snapshot(now);
    const other = makeMirrors();
    await other.open(urlOf(name)).drop();
    await other.close();
    expect(String(await snapshot.file(at(commits, 'two'), 'sub/a.go', now))).toBe('package a\n');
    expect((await snapshot.commit(at(commits, 'one'), now))?.hash).toBe(at(commits, 'one'));
    expect((await everything(snapshot.archive(at(commits, 'one'), '', now))).length).toBeGreaterThan(1000);
  });
});
