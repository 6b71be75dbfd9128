import { describe, expect, test } from 'vitest';
import { type MemoryCommit, type MemoryRepository, memoryRepository } from '../../../tests/fakes/memory-repository.ts';
import { parseModulePath } from '../module.ts';
import { codePlace } from './place.ts';
import { listVersions } from './versions.ts';

const o = { signal: new AbortController().signal };

async function versionsOf(repository: MemoryRepository, module = 'git.test/repo', root = 'git.test/repo') {
  const place = codePlace(parseModulePath(module), { root, url: repository.url, subdirectory: '' });
  return (await listVersions(place, repository, o)).versions;
}

function tagged(...tags: string[]): MemoryRepository {
  return memoryRepository([{ name: 'only', tags }]);
}

describe('the versions of a module', () => {
  test('are the tags that are whole canonical versions, lowest first', async () => {
    const repository = tagged('v1.10.0', 'v1.2.0', 'v0.1.0-rc.1', 'v1', 'v1.2', 'v1.3.0+meta', '1.4.0', 'v01.5.0', 'x');
    expect(await versionsOf(repository)).toEqual(['v0.1.0-rc.1', 'v1.2.0', 'v1.10.0']);
  });

  test('are no pseudo-versions, whatever the tags are called', async () => {
    expect(await versionsOf(tagged('v0.0.0-20200101000000-0123456789ab', 'v1.0.0'))).toEqual(['v1.0.0']);
  });

  test('of a folder are the tags below it; the major version is no part of the folder', async () => {
    const repository = tagged('v1.0.0', 'sub/v1.1.0', 'sub/v2.0.0', 'sub/v2/v2.1.0', 'subs/v1.2.0');
    expect(await versionsOf(repository, 'git.test/repo/sub')).toEqual(['v1.1.0']);
    expect(await versionsOf(repository, 'git.test/repo/sub/v2')).toEqual(['v2.0.0']);
  });

  test('stand by the name of the tag alone: one on a tree is listed', async () => {
    const repository = memoryRepository([{ name: 'only' }], { oddTags: { 'v1.0.0': 'ee', 'v2.0.0': 'ff' } });
    expect(await versionsOf(repository)).toEqual(['v1.0.0', 'v2.0.0+incompatible']);
  });

  test('of gopkg.in/x.v1-unstable are none', async () => {
    expect(await versionsOf(tagged('v1.0.0'), 'gopkg.in/x.v1-unstable', 'gopkg.in/x.v1-unstable')).toEqual([]);
    expect(await versionsOf(tagged('v1.0.0'), 'gopkg.in/x.v1', 'gopkg.in/x.v1')).toEqual(['v1.0.0']);
  });

  test('need no file of a repository whose tags all fit', async () => {
    const repository = tagged('v0.9.0', 'v1.0.0', 'sub/v2.0.0');
    await versionsOf(repository);
    await versionsOf(repository, 'git.test/repo/v2');
    expect(repository.reads).toEqual([]);
  });
});

describe('+incompatible versions', () => {
  const goMod = { 'go.mod': 'module git.test/repo\n' };
  const first: MemoryCommit = { name: 'one', tags: ['v1.0.0'] };

  test('are listed when nothing has a go.mod', async () => {
    const repository = memoryRepository([
      first,
      { name: 'two', tags: ['v2.0.0', 'v2.1.0-rc.1'] },
      { name: 'three', tags: ['v3.0.0'] },
    ]);
    expect(await versionsOf(repository)).toEqual([
      'v1.0.0',
      'v2.0.0+incompatible',
      'v2.1.0-rc.1+incompatible',
      'v3.0.0+incompatible',
    ]);
  });

  test('are not, once the highest compatible version has a go.mod', async () => {
    const repository = memoryRepository([
      { ...first, files: goMod },
      { name: 'two', files: { 'go.mod': null }, tags: ['v2.0.0'] },
    ]);
    expect(await versionsOf(repository)).toEqual(['v1.0.0']);
  });

  test('are left out by the major whose highest version has a go.mod', async () => {
    const repository = memoryRepository([
      first,
      { name: 'two', tags: ['v2.0.0'] },
      { name: 'two with', files: goMod, tags: ['v2.1.0'] },
      { name: 'three', files: { 'go.mod': null }, tags: ['v3.0.0'] },
    ]);
    expect(await versionsOf(repository)).toEqual(['v1.0.0', 'v3.0.0+incompatible']);
  });

  test('are for the top of a repository alone', async () => {
    expect(await versionsOf(tagged('sub/v2.0.0'), 'git.test/repo/sub')).toEqual([]);
    expect(await versionsOf(tagged('v3.0.0'), 'git.test/repo/v2')).toEqual([]);
  });
});
