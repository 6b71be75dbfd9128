import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { plainZip } from '../../../tests/fakes/plain-zip.ts';
import { skipUnless } from '../../../tests/skip.ts';
import { type ModuleVersion, parseModulePath, type Version } from '../../gomod/module.ts';
import { createSpoolDirectory } from '../../io/spool.ts';
import { openTempDirectory } from '../../io/temp-directory.ts';
import { CONTRACT_CONTENT, testSource } from '../contract.ts';
import type { Spool } from '../source.ts';
import { ModcacheSource } from './modcache.ts';
import { treeFailure } from './tree-file.ts';

const o = { signal: new AbortController().signal };
const path = parseModulePath('x.test/m');
const ZIP = plainZip([{ name: 'x.test/m@v1.0.0/go.mod', content: 'module x.test/m\n' }]);
const H1 = `h1:${'A'.repeat(43)}=`;

let folder: string;
let spool: Spool;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-modcache-'));
  spool = createSpoolDirectory({ temp: await openTempDirectory(folder) }).spool(1 << 30);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function tree(
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<{ source: ModcacheSource; directory: string }> {
  const directory = await mkdtemp(join(folder, 'tree-'));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), content);
  }
  return { source: new ModcacheSource({ name: 'tree', directory }), directory };
}

function version(text: string): ModuleVersion {
  return { path, version: text as Version };
}

testSource('modcache', async () => tree(CONTRACT_CONTENT));

describe('a module cache', () => {
  test('lists what its list lacks, and not the pseudo-versions and transient files in it', async () => {
    const { source } = await tree({
      'x.test/m/@v/list': 'v1.0.0\nv0.0.0-20240102030405-0123456789ab\n',
      'x.test/m/@v/v1.0.0.mod': 'module x.test/m\n',
      'x.test/m/@v/v1.1.0-!r!c1.mod': 'module x.test/m\n',
      'x.test/m/@v/v0.0.0-20240102030405-0123456789ab.mod': 'module x.test/m\n',
      'x.test/m/@v/v1.2.0.lock': '',
      'x.test/m/@v/v1.3.0.zip123.tmp': '',
      'x.test/m/@v/v1.4.0.partial': '',
      'x.test/m/@v/v1.5.0.info': '{"Version":"v1.5.0"}',
    });
    expect(await source.list(path, o)).toEqual(['v1.0.0', 'v1.1.0-RC1']);
  });

  test('without a list file is listed by its files; with neither, the module is not here', async () => {
    const { source } = await tree({ 'x.test/m/@v/v1.0.0.mod': '', 'x.test/n/@v/v1.0.0.lock': '' });
    expect(await source.list(path, o)).toEqual(['v1.0.0']);
    await expect(source.list(parseModulePath('x.test/n'), o)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('an empty list file is a module without tags', async () => {
    const { source } = await tree({ 'x.test/m/@v/list': '' });
    expect(await source.list(path, o)).toEqual([]);
  });

  test.each([
    ['none, when there are releases', ['v1.0.0', 'v1.1.0-rc1'], undefined],
    ['none, when there is a pre-release', ['v0.0.1-rc1', 'v0.0.2-0.20240102030405-0123456789ab'], undefined],
    [
      'the newest commit',
      [
        'v0.0.0-20230102030405-0123456789ab',
        'v0.0.0-20240102030405-0123456789ab',
        'v0.0.0-20220102030405-ffffffffffff',
      ],
      'v0.0.0-20240102030405-0123456789ab',
    ],
  ])('tells the latest of what it holds: %s', async (_, versions, latest) => {
    const { source } = await tree(
      Object.fromEntries(versions.map((one) => [`x.test/m/@v/${one}.info`, `{"Version":"${one}"}`])),
    );
    const asked = source.latest(path, o);
    if (latest === undefined) await expect(asked).rejects.toMatchObject({ code: 'NOT_FOUND' });
    else expect((await asked).unverified.version).toBe(latest);
  });

  test('has no latest when it holds only go.mod files', async () => {
    const { source } = await tree({ 'x.test/m/@v/v1.0.0.mod': 'module x.test/m\n' });
    await expect(source.latest(path, o)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test.each([
    ['info', { 'x.test/m/@v/v1.0.0.info': Buffer.alloc(40) }],
    ['mod', { 'x.test/m/@v/v1.0.0.mod': Buffer.alloc(40) }],
    ['zip', { 'x.test/m/@v/v1.0.0.zip': Buffer.alloc(400) }],
    ['zip', { 'x.test/m/@v/v1.0.0.zip': '' }],
    ['list', { 'x.test/m/@v/list': Buffer.alloc(8) }],
    ['mod', { 'x.test/m/@v/v1.0.0.mod/inside': 'a folder' }],
  ])('a damaged .%s is an error, and not "not here"', async (kind, files) => {
    const { source } = await tree(files);
    const asked = {
      info: () => source.query(path, 'v1.0.0', o),
      mod: () => source.mod(version('v1.0.0'), o),
      zip: () => source.zip(version('v1.0.0'), spool, o),
      list: () => source.list(path, o),
    };
    await expect(asked[kind as keyof typeof asked]()).rejects.toMatchObject({ code: 'UPSTREAM_BAD_RESPONSE' });
  });

  test('says what the cache says its zip hashes to, and nothing when that note is damaged', async () => {
    const { source } = await tree({
      'x.test/m/@v/v1.0.0.zip': ZIP,
      'x.test/m/@v/v1.0.0.ziphash': H1,
      'x.test/m/@v/v1.1.0.zip': ZIP,
      'x.test/m/@v/v1.1.0.ziphash': Buffer.alloc(47),
    });
    expect((await source.zip(version('v1.0.0'), spool, o)).claimedH1).toBe(H1);
    expect(await source.zip(version('v1.1.0'), spool, o)).not.toHaveProperty('claimedH1');
  });

  describe('a missing permission', () => {
    skipUnless(process.getuid?.() !== 0, 'root may read every file');

    test('is an error, and not "not here"', async () => {
      const { source, directory } = await tree({ 'x.test/m/@v/v1.0.0.mod': 'module x.test/m\n' });
      await chmod(join(directory, 'x.test/m/@v/v1.0.0.mod'), 0);
      await expect(source.mod(version('v1.0.0'), o)).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    });
  });

  test.each([
    ['ENOENT', 'NOT_FOUND'],
    ['ENOTDIR', 'NOT_FOUND'],
    ['EACCES', 'UPSTREAM_UNAVAILABLE'],
    ['EPERM', 'UPSTREAM_UNAVAILABLE'],
    ['EIO', 'UPSTREAM_UNAVAILABLE'],
    ['EMFILE', 'UPSTREAM_UNAVAILABLE'],
    ['EISDIR', 'UPSTREAM_BAD_RESPONSE'],
  ])('%s is %s', (code, meaning) => {
    expect(treeFailure(Object.assign(new Error('x'), { code }), 'read').code).toBe(meaning);
  });

  test('a tree that does not exist has nothing', async () => {
    const source = new ModcacheSource({ name: 'tree', directory: join(folder, 'nowhere') });
    await expect(source.mod(version('v1.0.0'), o)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(source.list(path, o)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
