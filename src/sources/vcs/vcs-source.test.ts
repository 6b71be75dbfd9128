import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { growRepository, makeRepository, plainGit } from '../../../tests/fakes/git-repositories.ts';
import { type LocalMirrors, localMirrors } from '../../../tests/fakes/local-mirrors.ts';
import { memorySource } from '../../gomod/zip/byte-source.ts';
import { openZip } from '../../gomod/zip/reader.ts';
import { type ModulePath, type ModuleVersion, parseModulePath, type Version } from '../../gomod/module.ts';
import { spooledBytes } from '../../io/spool.ts';
import { systemClock } from '../../std/clock.ts';
import { AppError } from '../../std/errors.ts';
import { CONTRACT_CONTENT, testSource } from '../contract.ts';
import { ModcacheSource } from '../modcache/modcache.ts';
import type { Source, Spool } from '../source.ts';
import type { RepositoryRoot } from './repository-root.ts';
import { type GivesSnapshots, VcsSource } from './vcs-source.ts';

const o = { signal: new AbortController().signal };
const URL_OF = 'https://git.test/corp/tool';
const tool = parseModulePath('go.test/tool');
const sub = parseModulePath('go.test/tool/sub');
const DAY_MS = 86_400_000;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-vcs-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function version(path: ModulePath, text: string): ModuleVersion {
  return { path, version: text as Version };
}

const inMemory: Spool = {
  fill: async (body) => spooledBytes(Buffer.concat(await Array.fromAsync(body))),
};

interface Rig extends LocalMirrors {
  readonly source: Source;
  /** The repository as its owner has it. */
  readonly repository: string;
  readonly commits: ReadonlyMap<string, string>;
}

/** A source over one repository, which answers as long for versions as `versionMs` says, and at once for nothing else. */
async function rig(
  o: {
    versionMs?: number;
    mutableMs?: number;
    find?: () => Promise<RepositoryRoot>;
    /** Between the source and its mirrors. */
    before?: (mirrors: GivesSnapshots) => GivesSnapshots;
  } = {},
): Promise<Rig> {
  const place = await mkdtemp(join(folder, 'rig-'));
  const repository = join(place, 'tool.git');
  const { commits } = await makeRepository(repository, {
    commits: [
      {
        name: 'one',
        files: { 'go.mod': 'module go.test/tool\n', 'a.go': 'package a\n', LICENSE: 'all of it\n' },
        tags: ['v1.0.0'],
      },
      {
        name: 'two',
        files: { 'sub/go.mod': 'module go.test/tool/sub\n', 'sub/b.go': 'package b\n' },
        annotated: ['v1.1.0', 'sub/v0.1.0'],
      },
      { name: 'three', files: { 'a.go': 'package a // more\n' } },
    ],
  });
  const local = localMirrors(join(place, 'mirrors'), (url) => (url === URL_OF ? repository : undefined));
  const root: RepositoryRoot = { kind: 'git', root: 'go.test/tool', url: URL_OF, subdirectory: '', by: 'go-import' };
  const source = new VcsSource({
    name: 'direct',
    discovery: { find: o.find ?? (async () => root) },
    mirrors: o.before?.(local.mirrors) ?? local.mirrors,
    proxyAt: () => {
      throw new Error('no module is at a proxy');
    },
    versionMs: o.versionMs ?? DAY_MS,
    mutableMs: o.mutableMs ?? 0,
    clock: systemClock,
  });
  return { ...local, source, repository, commits };
}

describe('a module in a repository', () => {
  let it: Rig;
  beforeAll(async () => {
    it = await rig();
  });
  afterAll(() => it.mirrors.close());

  test('has the versions of its tags', async () => {
    expect(await it.source.list(tool, o)).toEqual(['v1.0.0', 'v1.1.0']);
    expect(await it.source.list(sub, o)).toEqual(['v0.1.0']);
  });

  test('tells of a version where it is from, down to the tree', async () => {
    const commit = it.commits.get('two');
    const answer = await it.source.query(sub, 'v0.1.0', o);
    expect(answer).toEqual({
      source: 'direct',
      unverified: {
        version: 'v0.1.0',
        time: '2020-09-13T13:26:40Z',
        origin: { VCS: 'git', URL: URL_OF, Subdir: 'sub', Hash: commit, Ref: 'refs/tags/sub/v0.1.0' },
      },
      anchor: {
        url: URL_OF,
        commit,
        tree: plainGit(it.repository, ['rev-parse', `${commit}^{tree}`]),
        tag: 'sub/v0.1.0',
      },
    });
  });

  test('tells a branch, a hash and HEAD as the pseudo-version that they are', async () => {
    const hash = it.commits.get('three') ?? '';
    const pseudo = `v1.1.1-0.20200913142640-${hash.slice(0, 12)}`;
    for (const name of ['main', hash, hash.slice(0, 7), 'latest']) {
      const { unverified, anchor } = await it.source.query(tool, name, o);
      expect(unverified.version).toBe(pseudo);
      expect(anchor).toEqual({ url: URL_OF, commit: hash, tree: expect.stringMatching(/^[0-9a-f]{40}$/) });
    }
    expect((await it.source.latest(tool, o)).unverified.version).toBe('v1.1.0');
  });

  test('gives go.mod and zip of the commit, with the license of the repository for a folder', async () => {
    const mod = await it.source.mod(version(sub, 'v0.1.0'), o);
    expect(Buffer.from(mod.unverified).toString()).toBe('module go.test/tool/sub\n');
    const { unverified, anchor } = await it.source.zip(version(sub, 'v0.1.0'), inMemory, o);
    expect(anchor).toEqual(mod.anchor);
    if (unverified.kind !== 'memory') throw new Error('expected bytes in memory');
    const { entries } = openZip(memorySource(unverified.bytes));
    expect(entries.map(({ name }) => name)).toEqual(
      ['b.go', 'go.mod', 'LICENSE'].map((name) => `go.test/tool/sub@v0.1.0/${name}`),
    );
  });

  test('gives no go.mod and no zip for a pseudo-version that is not one of its commit', async () => {
    const hash = it.commits.get('three')?.slice(0, 12);
    for (const wrong of [
      `v1.1.1-0.20200913142641-${hash}`,
      `v1.9.1-0.20200913142640-${hash}`,
      `v1.0.0-20200913142640-${hash}`,
    ]) {
      await expect(it.source.mod(version(tool, wrong), o)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(it.source.zip(version(tool, wrong), inMemory, o)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
  });

  test('is "not here" in the words of the go command', async () => {
    const asked: [() => Promise<unknown>, RegExp][] = [
      [() => it.source.query(tool, 'v9.9.9', o), /unknown revision v9\.9\.9/],
      [() => it.source.query(tool, 'nobranch', o), /unknown revision nobranch/],
      [() => it.source.mod(version(tool, 'v2.0.0+incompatible'), o), /unknown revision v2\.0\.0/],
      [
        () => it.source.query(parseModulePath('go.test/tool/other'), 'main', o),
        /missing go\.test\/tool\/other\/go\.mod/,
      ],
      [() => it.source.latest(parseModulePath('go.test/tool/v2'), o), /go\.mod has non-\.\.\.\/v2 module path/],
      [() => it.source.query(tool, '--upload-pack=x', o), /unknown revision --upload-pack=x/],
    ];
    for (const [ask, reason] of asked) {
      await expect(ask()).rejects.toMatchObject({ code: 'NOT_FOUND', message: expect.stringMatching(reason) });
    }
  });

  test('does nothing once it was told to stop', async () => {
    const before = it.contacts();
    const stopped = { signal: AbortSignal.abort() };
    await expect(it.source.list(tool, stopped)).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(it.source.zip(version(tool, 'v1.0.0'), inMemory, stopped)).rejects.toMatchObject({ code: 'ABORTED' });
    expect(it.contacts()).toBe(before);
  });

  test('fails as the spool fails', async () => {
    const full: Spool = {
      async fill(body) {
        for await (const _ of body) throw new AppError('TOO_LARGE', 'the spool is full');
        throw new AppError('INTERNAL', 'no body');
      },
    };
    await expect(it.source.zip(version(tool, 'v1.0.0'), full, o)).rejects.toMatchObject({ code: 'TOO_LARGE' });
  });

  test('is answered for many at once, each in full', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => it.source.zip(version(tool, 'v1.0.0'), inMemory, o)));
    expect(new Set(all.map(({ unverified }) => unverified.sha256)).size).toBe(1);
  });
});

describe('how often a repository is asked', () => {
  let it: Rig;
  beforeEach(async () => {
    it = await rig();
    return () => it.mirrors.close();
  });

  test('once for all that is asked about versions that it has, of all its modules', async () => {
    await it.source.query(tool, 'v1.0.0', o);
    const first = it.contacts();
    await it.source.mod(version(tool, 'v1.0.0'), o);
    await it.source.zip(version(tool, 'v1.1.0'), inMemory, o);
    await it.source.zip(version(sub, 'v0.1.0'), inMemory, o);
    expect(it.contacts()).toBe(first);
  });

  test('again for a version that it did not have', async () => {
    await it.source.query(tool, 'v1.0.0', o);
    await growRepository(it.repository, [{ files: { 'new.go': 'package a\n' }, tags: ['v1.2.0'] }]);
    expect((await it.source.mod(version(tool, 'v1.2.0'), o)).anchor).toMatchObject({ tag: 'v1.2.0' });
  });

  test('once more, not twice, for what is not there', async () => {
    await it.source.query(tool, 'v1.0.0', o);
    const before = it.contacts();
    await expect(it.source.query(tool, 'v9.9.9', o)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(it.contacts()).toBe(before + 1);
  });

  /** Mirrors that are asked a second time only after as long as the first took. */
  function hesitant(mirrors: GivesSnapshots): GivesSnapshots {
    let [tookMs, asked] = [0, 0];
    return {
      open: (url) => ({
        snapshot: async (ask) => {
          if (asked++ > 0) await systemClock.sleep(tookMs, o);
          const begun = systemClock.monotonic();
          const snapshot = await mirrors.open(url).snapshot(ask);
          tookMs = systemClock.monotonic() - begun;
          return snapshot;
        },
      }),
    };
  }

  test('no second time when the question was the first, however slow the machine is', async () => {
    await it.source.list(tool, o);
    const contactsOfAList = it.contacts();
    const other = await rig({ before: hesitant });
    await expect(other.source.query(tool, 'v9.9.9', o)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(other.contacts()).toBe(contactsOfAList);
    await other.mirrors.close();
  });

  test('each time for a list or a branch, unless it may be as old as that', async () => {
    await it.source.list(tool, o);
    await growRepository(it.repository, [{ name: 'new', files: { 'new.go': 'package a\n' }, tags: ['v1.3.0'] }]);
    expect(await it.source.list(tool, o)).toContain('v1.3.0');
    expect((await it.source.query(tool, 'main', o)).unverified.version).toBe('v1.3.0');

    const lazy = await rig({ mutableMs: DAY_MS });
    await lazy.source.list(tool, o);
    await growRepository(lazy.repository, [{ tags: ['v1.3.0'] }]);
    expect(await lazy.source.list(tool, o)).not.toContain('v1.3.0');
    expect((await lazy.source.query(tool, 'v1.3.0', o)).unverified.version).toBe('v1.3.0');
    await lazy.mirrors.close();
  });
});

describe('what cannot be told', () => {
  test('is passed on as discovery and the repository say it', async () => {
    for (const code of ['POLICY_DENIED', 'AUTH_REQUIRED', 'UPSTREAM_TIMEOUT'] as const) {
      const it = await rig({ find: async () => Promise.reject(new AppError(code, 'find its repository')) });
      await expect(it.source.list(tool, o)).rejects.toMatchObject({ code });
      await expect(it.source.mod(version(tool, 'v1.0.0'), o)).rejects.toMatchObject({ code });
      await it.mirrors.close();
    }
  });

  test('is "not here" when there is no such repository, or it cannot hold the module', async () => {
    const roots = [
      { kind: 'git', root: 'go.test/tool', url: 'https://git.test/none', subdirectory: '', by: 'go-import' },
      { kind: 'git', root: 'go.test/other', url: URL_OF, subdirectory: '', by: 'go-import' },
    ] as const;
    for (const root of roots) {
      const it = await rig({ find: async () => root });
      await expect(it.source.query(tool, 'v1.0.0', o)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await it.mirrors.close();
    }
  });
});

testSource('a repository that turns out to be a module proxy', async () => {
  const directory = await mkdtemp(join(folder, 'proxy-'));
  for (const [name, content] of Object.entries(CONTRACT_CONTENT)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), content);
  }
  const it = await rig();
  const source = new VcsSource({
    name: 'direct',
    discovery: {
      find: async () => ({ kind: 'proxy', root: 'example.test', url: 'https://proxy.test', by: 'go-import' }),
    },
    mirrors: it.mirrors,
    proxyAt: () => new ModcacheSource({ name: 'inner', directory }),
    versionMs: 0,
    mutableMs: 0,
    clock: systemClock,
  });
  return { source, close: () => it.mirrors.close() };
});
