import { describe, expect, test } from 'vitest';
import { type MemoryRepository, memoryRepository } from '../../../tests/fakes/memory-repository.ts';
import { AppError } from '../../std/errors.ts';
import { parseModulePath } from '../module.ts';
import { withoutVolatileOrigin } from '../rev-info.ts';
import { findHead, findRevision } from './find-revision.ts';
import { goModOf } from './go-mod.ts';
import { type CodePlace, codePlace } from './place.ts';
import { listVersions } from './versions.ts';

const o = { signal: new AbortController().signal };

function placeOf(module: string, root = 'git.test/repo'): CodePlace {
  return codePlace(parseModulePath(module), { root, url: 'https://git.test/repo', subdirectory: '' });
}

async function versionOf(repository: MemoryRepository, asked: string, module = 'git.test/repo'): Promise<string> {
  return (await findRevision(placeOf(module), repository, asked, o)).info.version;
}

function shortOf(repository: MemoryRepository, name: string): string {
  return repository.hashOf(name).slice(0, 12);
}

const top = { 'go.mod': 'module git.test/repo\n' };

describe('a version that is asked for', () => {
  const repository = memoryRepository([
    { name: 'one', files: top, tags: ['v1.0.0', 'v1.1.0'], branches: ['v1.5.0'] },
    { name: 'two', tags: ['v2.0.0'], branches: ['main'] },
  ]);

  test('is answered with itself, its commit, and where that is from', async () => {
    const found = await findRevision(placeOf('git.test/repo'), repository, 'v1.0.0', o);
    expect(found).toMatchObject({ directory: '', tag: 'v1.0.0', commit: { tree: 'tree of one' } });
    expect(found.info).toEqual({
      version: 'v1.0.0',
      time: '2023-11-14T22:13:20Z',
      origin: { VCS: 'git', URL: 'https://git.test/repo', Hash: repository.hashOf('one'), Ref: 'refs/tags/v1.0.0' },
    });
    expect(withoutVolatileOrigin(found.info)).toEqual(found.info);
  });

  test('is never a branch of that name', async () => {
    await expect(versionOf(repository, 'v1.5.0')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'git.test/repo@v1.5.0: invalid version: resolves to version v1.1.0 (v1.5.0 is not a tag)',
    });
  });

  test('is not found when there is no such tag, in the words of the go command', async () => {
    await expect(versionOf(repository, 'v9.9.9')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'git.test/repo@v9.9.9: invalid version: unknown revision v9.9.9',
    });
  });

  test('is refused when its go.mod is larger than the go command takes', async () => {
    const file = () => Promise.reject(new AppError('TOO_LARGE', 'read an object'));
    const large = { ...memoryRepository([{ name: 'one', tags: ['v1.0.0', 'v2.0.0'] }]), file };
    for (const version of ['v1.0.0', 'v2.0.0+incompatible'])
      await expect(versionOf(large, version)).rejects.toMatchObject({
        code: 'NOT_FOUND',
        message: expect.stringContaining('go.mod file too large (max size is 16777216 bytes)'),
      });
    expect((await listVersions(placeOf('git.test/repo'), large, o)).versions).toEqual(['v1.0.0']);
  });

  test('is refused where the path must have its major version', async () => {
    await expect(versionOf(repository, 'v2.0.0')).rejects.toThrow(
      'module contains a go.mod file, so module path must match major version ("git.test/repo/v2")',
    );
    await expect(versionOf(repository, 'v1.0.0', 'git.test/repo/v2')).rejects.toThrow(/go\.mod/);
    await expect(versionOf(repository, 'v1.0.0+incompatible')).rejects.toThrow(/suffix not allowed/);
  });

  test('is what the tag says and no more: no text of an asker gets into a message raw', async () => {
    await expect(versionOf(repository, 'x\ny\u001b[31m')).rejects.toThrow(/^git\.test\/repo@"x\\ny\\u001b\[31m": /);
  });
});

describe('a branch, a hash or another name', () => {
  const repository = memoryRepository([
    { name: 'root', files: top, branches: ['untagged'] },
    { name: 'release', tags: ['v1.2.3', 'v1.3.0-rc.1', 'nightly'], branches: ['rel'] },
    { name: 'after', branches: ['main'] },
    { name: 'meta', tags: ['v1.6.0+build1'] },
    { name: 'after meta', branches: ['next'] },
    { name: 'aside', from: ['root'], tags: ['v1.9.0-pre'], branches: ['aside'] },
  ]);

  test('is the highest version on its commit', async () => {
    for (const name of ['rel', 'nightly', shortOf(repository, 'release')]) {
      expect(await versionOf(repository, name)).toBe('v1.3.0-rc.1');
    }
    expect(await versionOf(repository, 'v1.2.3')).toBe('v1.2.3');
  });

  test('without one is a pseudo-version after the highest tag in its history', async () => {
    expect(await versionOf(repository, 'untagged')).toBe(`v0.0.0-20231114221320-${shortOf(repository, 'root')}`);
    expect(await versionOf(repository, 'main')).toBe(`v1.3.0-rc.1.0.20231115001320-${shortOf(repository, 'after')}`);
    expect(await versionOf(repository, 'next')).toBe(`v1.6.1-0.20231115021320-${shortOf(repository, 'after meta')}`);
  });

  test('which is what a tag with metadata gives, too', async () => {
    const expected = `v1.6.1-0.20231115011320-${shortOf(repository, 'meta')}`;
    expect(await versionOf(repository, 'v1.6.0+build1')).toBe(expected);
    expect(await versionOf(repository, 'v1.6.0+build1')).toBe(await versionOf(repository, shortOf(repository, 'meta')));
  });

  test('tells by which tags it was decided, and by which ref it was found', async () => {
    const { info, tag } = await findRevision(placeOf('git.test/repo'), repository, 'main', o);
    expect(info.origin).toMatchObject({ Ref: 'refs/heads/main', TagSum: expect.stringMatching(/^t1:/) });
    expect(tag).toBeUndefined();
    expect(withoutVolatileOrigin(info).origin).not.toHaveProperty('TagSum');
  });

  test('the latest is what HEAD points to, also where a tag is called HEAD', async () => {
    const named = memoryRepository([{ name: 'old', files: top, tags: ['HEAD'] }, { name: 'new' }]);
    const { commit } = await findHead(placeOf('git.test/repo'), named, o);
    expect(commit.hash).toBe(named.hashOf('new'));
    expect(await versionOf(named, 'HEAD')).toContain(shortOf(named, 'old'));
  });

  test('HEAD as the latest is named as such; an empty repository has none', async () => {
    const { info } = await findHead(placeOf('git.test/repo'), repository, o);
    expect(info).toMatchObject({ version: 'v1.9.0-pre', origin: { Ref: 'HEAD' } });
    const empty = memoryRepository([], { head: null });
    await expect(findHead(placeOf('git.test/repo'), empty, o)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: /no commits/,
    });
  });
});

describe('retracted versions', () => {
  const retracting = 'module git.test/repo\nretract [v1.1.0, v1.2.0]\n';
  const repository = memoryRepository([
    { name: 'one', files: top, tags: ['v1.0.0'] },
    { name: 'bad', tags: ['v1.1.0'] },
    { name: 'after bad', branches: ['old'] },
    { name: 'fixed', files: { 'go.mod': retracting }, tags: ['v1.3.0'] },
  ]);

  test('can be had by name and are the version of no branch and the base of nothing', async () => {
    expect(await versionOf(repository, 'v1.1.0')).toBe('v1.1.0');
    expect(await versionOf(repository, shortOf(repository, 'bad'))).toMatch(/^v1\.0\.1-0\./);
    expect(await versionOf(repository, 'old')).toMatch(/^v1\.0\.1-0\./);
  });
});

describe('a pseudo-version that is asked for', () => {
  const repository = memoryRepository([
    { name: 'root', files: top },
    { name: 'release', tags: ['v1.2.0', 'v1.2.0+meta'] },
    { name: 'after', branches: ['main'] },
    { name: 'aside', from: ['root'], tags: ['v1.8.0'] },
    { name: 'meta only', from: ['release'], tags: ['v1.4.0+x'] },
  ]);
  const after = shortOf(repository, 'after');
  const time = '20231115001320';

  test.each([
    `v0.0.0-${time}-${after}`,
    `v1.2.1-0.${time}-${after}`,
    `v1.4.1-0.20231115021320-${shortOf(repository, 'meta only')}`,
  ])('is one of its commit: %s', async (version) => expect(await versionOf(repository, version)).toBe(version));

  test.each([
    [`v0.0.0-${time}-${after.slice(0, 11)}`, /shorter than canonical/],
    [`v0.0.0-${time}-${repository.hashOf('after').slice(0, 13)}`, /longer than canonical/],
    [`v0.0.0-${time}-main`, /does not match short name of revision/],
    [`v0.0.0-20231115001321-${after}`, /does not match version-control timestamp \(expected 20231115001320\)/],
    [`v0.0.0-20231315001320-${after}`, /malformed time/],
    [`v1.0.0-${time}-${after}`, /must be v0, not v1/],
    [`v1.2.0-0.${time}-${after}`, /negative patch number/],
    [`v1.5.1-0.${time}-${after}`, /preceding tag \(v1\.5\.0\) not found/],
    [`v1.8.1-0.${time}-${after}`, /not a descendent of preceding tag \(v1\.8\.0\)/],
    [`v1.2.1-0.20231114231320-${shortOf(repository, 'release')}`, /already canonical/],
    [`v0.0.0-${time}-0123456789ab`, /unknown revision 0123456789ab/],
    [`v2.0.0-${time}-${after}`, /module path must match major version/],
    [`v2.0.1-0.${time}-${after}+incompatible`, /module path must match major version/],
  ])('is refused: %s', async (version, reason) => {
    await expect(versionOf(repository, version)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringMatching(reason),
    });
  });
});

describe('+incompatible', () => {
  const repository = memoryRepository([
    { name: 'one', tags: ['v1.0.0'] },
    { name: 'two', tags: ['v2.0.0'], branches: ['main'] },
    { name: 'dir', files: { 'v3/go.mod': 'module git.test/repo/v3\n' }, tags: ['v3.0.0'] },
    { name: 'mod', files: top, tags: ['v4.0.0'] },
  ]);

  test('is added to what has no go.mod', async () => {
    for (const name of ['v2.0.0', 'v2.0.0+incompatible', 'main']) {
      expect(await versionOf(repository, name)).toBe('v2.0.0+incompatible');
    }
  });

  test('must be asked for by name where the major version has a folder of its own', async () => {
    await expect(versionOf(repository, 'v3.0.0')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await versionOf(repository, 'v3.0.0+incompatible')).toBe('v3.0.0+incompatible');
    expect(await versionOf(repository, 'v3.0.0', 'git.test/repo/v3')).toBe('v3.0.0');
  });

  test('is refused to what has a go.mod', async () => {
    await expect(versionOf(repository, 'v4.0.0+incompatible')).rejects.toThrow(/must match major version/);
  });
});

describe('where the module is at a commit', () => {
  async function found(files: Record<string, string>, module: string, version: string, root = 'git.test/repo') {
    const place = placeOf(module, root);
    const tag = place.tagPrefix + version;
    const repository = memoryRepository([{ name: 'only', files, tags: [tag] }]);
    const revision = await findRevision(place, repository, version, o);
    return [revision.directory, Buffer.from(goModOf(place, revision)).toString()];
  }

  test.each<[string, Record<string, string>, string, string, string[]]>([
    ['the top', top, 'git.test/repo', 'v1.0.0', ['', top['go.mod']]],
    ['the top without a go.mod: one is made up', {}, 'git.test/repo', 'v1.0.0', ['', 'module git.test/repo\n']],
    ['a fork with a foreign module line', { 'go.mod': 'module foo' }, 'git.test/repo', 'v1.0.0', ['', 'module foo']],
    ['a folder', { 'sub/go.mod': 'module x/sub' }, 'git.test/repo/sub', 'v1.0.0', ['sub', 'module x/sub']],
    ['the top of v2', { 'go.mod': 'module x/v2' }, 'git.test/repo/v2', 'v2.0.0', ['', 'module x/v2']],
    [
      'the folder of v2',
      { 'go.mod': 'module x', 'v2/go.mod': 'module x/v2' },
      'git.test/repo/v2',
      'v2.0.0',
      ['v2', 'module x/v2'],
    ],
    [
      'gopkg.in in disguise',
      { 'go.mod': 'module gopkg.in/x.v3' },
      'git.test/repo',
      'v1.0.0',
      ['', 'module gopkg.in/x.v3'],
    ],
  ])('%s', async (_what, files, module, version, wanted) => {
    expect(await found(files, module, version)).toEqual(wanted);
  });

  test('a repository that is the v2 module needs no folder, and none is looked at', async () => {
    const files = { 'go.mod': 'module x/v2', 'v2/go.mod': 'module x/v2' };
    expect(await found(files, 'git.test/repo/v2', 'v2.0.0', 'git.test/repo/v2')).toEqual(['', 'module x/v2']);
  });

  test.each<[RegExp, Record<string, string>, string, string]>([
    [/missing git\.test\/repo\/sub\/go\.mod at revision sub\/v1\.0\.0/, top, 'git.test/repo/sub', 'v1.0.0'],
    [/missing git\.test\/repo\/go\.mod and \.\.\.\/v2\/go\.mod/, {}, 'git.test/repo/v2', 'v2.0.0'],
    [
      /go\.mod has non-\.\.\.\/v2 module path "x" \(and \.\.\.\/v2\/go\.mod does not exist\)/,
      { 'go.mod': 'module x' },
      'git.test/repo/v2',
      'v2.0.0',
    ],
    [
      /both have \.\.\.\/v2 module paths/,
      { 'go.mod': 'module x/v2', 'v2/go.mod': 'module x/v2' },
      'git.test/repo/v2',
      'v2.0.0',
    ],
    [
      /v2\/go\.mod has non-\.\.\.\/v2 module path "x"/,
      { 'go.mod': 'module x/v2', 'v2/go.mod': 'module x' },
      'git.test/repo/v2',
      'v2.0.0',
    ],
    [/v2\/go\.mod is missing module path/, { 'v2/go.mod': '' }, 'git.test/repo/v2', 'v2.0.0'],
    [/go\.mod is missing module path/, { 'go.mod': '// nothing' }, 'git.test/repo', 'v1.0.0'],
    [/go\.mod has post-v1 module path "x\/v2"/, { 'go.mod': 'module x/v2' }, 'git.test/repo', 'v1.0.0'],
    [/go\.mod has malformed module path "x\/v1"/, { 'go.mod': 'module x/v1' }, 'git.test/repo', 'v1.0.0'],
  ])('nowhere: %s', async (reason, files, module, version) => {
    await expect(found(files, module, version)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringMatching(reason),
    });
  });
});

test('a commit time that no version can say is refused', async () => {
  const repository = memoryRepository([{ name: 'late', files: top, at: 300_000_000_000, branches: ['main'] }]);
  await expect(versionOf(repository, 'main')).rejects.toMatchObject({ code: 'NOT_FOUND', message: /commit time/ });
});

test('a repository that fails while it is read fails the answer', async () => {
  const repository = memoryRepository([{ name: 'one', files: top, tags: ['v1.0.0'] }]);
  const failing = { ...repository, file: async () => Promise.reject(new Error('lost')) };
  await expect(findRevision(placeOf('git.test/repo'), failing, 'v1.0.0', o)).rejects.toThrow('lost');
});
