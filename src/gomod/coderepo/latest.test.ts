import { describe, expect, test } from 'vitest';
import { type MemoryCommit, memoryRepository } from '../../../tests/fakes/memory-repository.ts';
import { parseModulePath } from '../module.ts';
import { findLatest } from './latest.ts';
import { codePlace } from './place.ts';

const place = codePlace(parseModulePath('git.test/repo'), {
  root: 'git.test/repo',
  url: 'https://git.test/repo',
  subdirectory: '',
});

async function latestOf(...commits: MemoryCommit[]) {
  return (await findLatest(place, memoryRepository(commits), { signal: new AbortController().signal })).info;
}

const top = { 'go.mod': 'module git.test/repo\n' };

describe('the latest version', () => {
  test('is the highest release, with the tags that decided', async () => {
    const info = await latestOf(
      { name: 'one', files: top, tags: ['v1.2.0', 'v1.10.0'] },
      { name: 'two', tags: ['v2.0.0-rc.1', 'v1.11.0-rc'] },
    );
    expect(info).toMatchObject({
      version: 'v1.10.0',
      origin: { Ref: 'refs/tags/v1.10.0', TagSum: expect.any(String) },
    });
  });

  test('is a pre-release where there is no release', async () => {
    expect(await latestOf({ name: 'one', files: top, tags: ['v1.0.0-rc.1', 'v1.0.0-rc.2'] })).toMatchObject({
      version: 'v1.0.0-rc.2',
    });
  });

  test('is not a retracted one', async () => {
    const files = { 'go.mod': 'module git.test/repo\nretract v1.1.0\n' };
    expect(
      await latestOf({ name: 'one', files: top, tags: ['v1.0.0'] }, { name: 'two', files, tags: ['v1.1.0'] }),
    ).toMatchObject({ version: 'v1.0.0' });
  });

  test('is the commit of HEAD where there are no tags, or all are retracted', async () => {
    const { version, origin } = await latestOf({ name: 'one', files: top });
    expect(version).toMatch(/^v0\.0\.0-20231114221320-/);
    expect(origin).toMatchObject({ Ref: 'HEAD', TagSum: expect.any(String) });
    const files = { 'go.mod': 'module git.test/repo\nretract v1.0.0\n' };
    expect((await latestOf({ name: 'one', files, tags: ['v1.0.0'] })).version).toMatch(/^v0\.0\.0-/);
  });

  test('is +incompatible only where no compatible version has a go.mod', async () => {
    expect(await latestOf({ name: 'one', tags: ['v1.0.0'] }, { name: 'two', tags: ['v2.0.0'] })).toMatchObject({
      version: 'v2.0.0+incompatible',
    });
    expect(
      await latestOf({ name: 'one', files: top, tags: ['v1.0.0'] }, { name: 'two', tags: ['v2.0.0'] }),
    ).toMatchObject({ version: 'v1.0.0' });
  });

  test('is not found when the chosen one cannot be had', async () => {
    await expect(
      latestOf({ name: 'one', files: { 'go.mod': 'module x/v2\n' }, tags: ['v1.0.0'] }),
    ).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
