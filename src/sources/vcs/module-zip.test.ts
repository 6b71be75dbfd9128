import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { makeRepository, type RepositoryFile } from '../../../tests/fakes/git-repositories.ts';
import { plainTreeArchive } from '../../../tests/fakes/plain-tree-archive.ts';
import { tarHeader } from '../../../tests/fakes/tar-header.ts';
import type { ModulePath, Version } from '../../gomod/module.ts';
import { memorySource } from '../../gomod/zip/byte-source.ts';
import { openModuleZip } from '../../gomod/zip/inspect.ts';
import { readContents } from '../../gomod/zip/reader.ts';
import { AppError } from '../../std/errors.ts';
import { moduleZip, type TreeArchive } from './module-zip.ts';

const scratch = mkdtempSync(join(tmpdir(), 'larder-module-zip-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const ask = { signal: new AbortController().signal };
const module = { path: 'corp.example/m' as ModulePath, version: 'v1.0.0' as Version };
const GO_MOD = 'module corp.example/m\n';

type Files = Readonly<Record<string, RepositoryFile>>;
let repositories = 0;

async function repositoryOf(files: Files): Promise<TreeArchive> {
  const folder = join(scratch, `${repositories++}.git`);
  await makeRepository(folder, { commits: [{ files }] });
  return plainTreeArchive(folder);
}

async function zipOf(archive: TreeArchive, directory: string): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(moduleZip(archive, { module, commit: 'main', directory }, ask)));
}

/** The same tree with something in it that looks like attributes, so that files are taken from an archive however few they are. */
function archived(archive: TreeArchive): TreeArchive {
  const files: TreeArchive['files'] = async (commit, directory, o) => {
    const name = Buffer.from(`${directory === '' ? '' : `${directory}/`}.gitattributes`);
    const listed = await archive.files(commit, directory, o);
    return listed.some((one) => name.equals(one.name)) ? listed : [...listed, { name, mode: '120000', type: 'blob' }];
  };
  return { ...archive, files };
}

/** Names and contents in the zip of the module in `directory`, in its order: the same in both ways to come by them. */
async function filesOf(archive: TreeArchive, directory = ''): Promise<(readonly [name: string, content: string])[]> {
  const bytes = await zipOf(archive, directory);
  expect(bytes.equals(await zipOf(archived(archive), directory))).toBe(true);
  const zip = openModuleZip(memorySource(bytes), module.path, module.version);
  const contents = new Map<string, string>(zip.entries.map(({ name }) => [name, '']));
  await readContents(zip, {
    content: (part, { name }) => contents.set(name, (contents.get(name) ?? '') + Buffer.from(part).toString('latin1')),
    done: () => undefined,
  });
  return [...contents].map(([name, content]) => [name.slice('corp.example/m@v1.0.0/'.length), content]);
}

async function namesOf(files: Files, directory = ''): Promise<string[]> {
  return (await filesOf(await repositoryOf(files), directory)).map(([name]) => name);
}

describe('the zip of a module', () => {
  test('holds the files below its folder, in the order of the tree', async () => {
    const files = { 'go.mod': GO_MOD, 'sub/go.mod': GO_MOD, 'sub/b/c.go': 'c', 'sub/b.go': 'b', 'subother/x.go': 'x' };
    expect(await namesOf(files, 'sub')).toEqual(['b.go', 'b/c.go', 'go.mod']);
    expect(await namesOf(files)).toEqual(['go.mod', 'subother/x.go']);
  });

  test('may hold nothing', async () => {
    expect(await namesOf({})).toEqual([]);
  });

  test('leaves out links, submodules and what other modules own', async () => {
    const files = {
      'a.go': 'a',
      'go.mod': { mode: '120000', content: 'a.go' },
      link: { mode: '120000', content: 'a.go' },
      module: { mode: '160000', commit: '17'.repeat(20) },
      'other/GO.MOD': GO_MOD,
      'other/x.go': 'x',
      'linked/go.mod': { mode: '120000', content: '../go.mod' },
      'linked/y.go': 'y',
      'vendor/modules.txt': '',
      'vendor/a.example/b/c.go': 'c',
    } as const;
    expect(await namesOf(files)).toEqual(['a.go', 'linked/y.go', 'vendor/modules.txt']);
  });

  test('has contents as attributes make them, and nothing left out or put in on export', async () => {
    const attributes = '*.txt eol=crlf\n*.id ident\n* export-subst\nprivate.txt export-ignore\n*.bin filter=lfs\n';
    const archive = await repositoryOf({
      '.gitattributes': attributes,
      'a.txt': 'one\ntwo\n',
      'b.bin': 'a pointer\n',
      'c.id': '$Id$ $Format:%H$\n',
      'private.txt': 'p',
    });
    const files = new Map(await filesOf(archive));
    expect(files.get('a.txt')).toBe('one\r\ntwo\r\n');
    expect(files.get('b.bin')).toBe('a pointer\n');
    expect(files.get('c.id')).toMatch(/^\$Id: [0-9a-f]{40} \$ \$Format:%H\$\n$/);
    expect(files.get('private.txt')).toBe('p');
  });

  // The rule of old leaves out nearly all below a vendor folder that is not at the top.
  test.each([
    ['go 1.23', ['go.mod', 'vendor/modules.txt']],
    ['go 1.24', ['go.mod', 'x/vendor/y.go']],
  ])('tells what is vendored by the rule of its %s line', async (line, expected) => {
    const files = { 'sub/vendor/modules.txt': 'v', 'sub/x/vendor/y.go': 'y', 'sub/x/vendor/a/z.go': 'z' };
    expect(await namesOf({ ...files, 'sub/go.mod': `${GO_MOD}${line}\n` }, 'sub')).toEqual(expected);
  });

  test('reads that line as it is in the zip, after attributes', async () => {
    const files = { 'go.mod': `${GO_MOD}go 1.24\n`, 'vendor/modules.txt': 'v' };
    expect(await namesOf(files)).toEqual(['go.mod']);
    const attributes = 'go.mod working-tree-encoding=UTF-16LE\n';
    expect(await namesOf({ ...files, '.gitattributes': attributes })).toContain('vendor/modules.txt');
  });

  test('has large files and small ones whole', async () => {
    const sizes = [0, 1, 8191, 8192, 262_144, 262_145, 3_000_000];
    const contents = sizes.map((size) => Buffer.from('0123456789\n'.repeat(size / 11 + 1)).subarray(0, size));
    const files = Object.fromEntries(contents.map((bytes, i) => [`f${i}`, bytes]));
    const found = new Map(await filesOf(await repositoryOf(files)));
    for (const [i, bytes] of contents.entries()) expect(found.get(`f${i}`) === bytes.toString('latin1')).toBe(true);
  });
});

describe('the LICENSE at the root of a repository', () => {
  const sub = { 'sub/go.mod': GO_MOD, 'sub/a.go': 'a' };

  test('goes last into a module that has none', async () => {
    const archive = await repositoryOf({ ...sub, LICENSE: 'all', '.gitattributes': 'LICENSE eol=crlf\n' });
    expect(await filesOf(archive, 'sub')).toEqual([
      ['a.go', 'a'],
      ['go.mod', GO_MOD],
      ['LICENSE', 'all'],
    ]);
  });

  test('of a link is the name it points to', async () => {
    const archive = await repositoryOf({ ...sub, LICENSE: { mode: '120000', content: 'COPYING' } });
    expect(new Map(await filesOf(archive, 'sub')).get('LICENSE')).toBe('COPYING');
  });

  test('does not replace a module’s own, be it a link, nor come from anywhere else', async () => {
    const link = { mode: '120000', content: '../LICENSE' } as const;
    expect(await namesOf({ ...sub, LICENSE: 'all', 'sub/LICENSE': link }, 'sub')).toEqual(['a.go', 'go.mod']);
    expect(await namesOf({ ...sub, license: 'all', 'x/LICENSE': 'x' }, 'sub')).toEqual(['a.go', 'go.mod']);
    expect(await namesOf({ ...sub, 'LICENSE/a': 'a folder' }, 'sub')).toEqual(['a.go', 'go.mod']);
  });

  test.each([
    ['license', 'case-insensitive file name collision: "license" and "LICENSE"'],
    ['LICENSE/why.txt', 'entry "LICENSE" is both a file and a directory'],
  ])('makes a module impossible that has %s', async (name, reason) => {
    const archive = await repositoryOf({ ...sub, LICENSE: 'all', [`sub/${name}`]: 'x' });
    await expect(zipOf(archive, 'sub')).rejects.toThrow(reason);
  });
});

describe('a module that Go refuses is not found, for a reason', () => {
  test.each([
    ['two names that differ by case', ['A.go', 'a.go'], 'case-insensitive file name collision: "A.go" and "a.go"'],
    ['a quote in a name', ["it's.go"], `"it's.go": malformed file path: invalid char "'"`],
    ['a name that Windows keeps for itself', ['aux.go'], 'malformed file path: "aux" disallowed'],
    ['a control character, shown harmlessly', ['a\u{1b}[31m.go'], '"a\\u001b[31m.go": malformed file path'],
    ['a go.mod in capitals', ['GO.MOD'], '"GO.MOD": go.mod files must have lowercase names'],
  ])('%s', async (_what, names, reason) => {
    const zip = zipOf(await repositoryOf(Object.fromEntries(names.map((name) => [name, 'x']))), '');
    await expect(zip).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(zip).rejects.toThrow(`create zip of corp.example/m@v1.0.0: ${names.length > 1 ? '"a.go": ' : ''}`);
    await expect(zip).rejects.toThrow(reason);
  });

  test('a go.mod or LICENSE over 16 MiB', async () => {
    const large = Buffer.alloc(16 * 1024 * 1024 + 1, 0x20);
    for (const name of ['go.mod', 'LICENSE']) {
      const zip = zipOf(await repositoryOf({ [name]: large }), '');
      await expect(zip).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(zip).rejects.toThrow(`${name} file too large (max size is 16777216 bytes)`);
    }
  });

  test('more than 500 MiB in all, as the archive has them, what is left out not counted', async () => {
    const sizes = [
      ['a', 300 * 1024 * 1024],
      ['vendor/x/y', 300 * 1024 * 1024],
      ['b', 200 * 1024 * 1024],
    ] as const;
    const zip = Array.fromAsync(
      moduleZip(claiming([...sizes, ['c', 1]]), { module, commit: 'main', directory: '' }, ask),
    );
    await expect(zip).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(zip).rejects.toThrow('module source tree too large (max size is 524288000 bytes)');
  }, 60_000);
});

test('a module whose zip is larger than Go takes is not found, and not a byte over the limit is given', async () => {
  const archive = await repositoryOf({ a: randomBytes(400_000), 'b/c': randomBytes(300_000) });
  const tree = { module, commit: 'main', directory: '' };
  const [{ length }, given] = [await zipOf(archive, ''), [] as Uint8Array[]];
  const zip = async (maxZipBytes: number): Promise<void> => {
    for await (const part of moduleZip(archive, tree, { ...ask, maxZipBytes })) given.push(part);
  };
  await zip(length);
  given.length = 0;
  await expect(zip(length - 1)).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: `create zip of corp.example/m@v1.0.0: module zip file is too large (limit is ${length - 1} bytes)`,
  });
  expect(given.reduce((sum, part) => sum + part.length, 0)).toBeLessThan(length);
});

describe('attributes', () => {
  const attributes = '*.txt eol=crlf\n';

  test.each<[string, Files, string]>([
    ['beside the files', { 'a.txt': 'a\n', '.gitattributes': attributes }, ''],
    ['in a folder among them', { 'sub/a.txt': 'a\n', 'sub/.gitattributes': attributes }, ''],
    ['above a module in a folder', { 'x/y/a.txt': 'a\n', 'x/.gitattributes': attributes }, 'x/y'],
    ['at the top, above it', { 'x/y/a.txt': 'a\n', '.gitattributes': attributes }, 'x/y'],
  ])('count %s, however few files there are', async (_, files, directory) => {
    const archive = await repositoryOf(files);
    expect((await filesOf(archive, directory)).find(([name]) => name.endsWith('a.txt'))?.[1]).toBe('a\r\n');
  });

  test('that do not reach the files cost no archive, nor do none', async () => {
    const archive = await repositoryOf({ 'm/a.txt': 'a\n', 'other/.gitattributes': attributes });
    const refusing = (): never => {
      throw new Error('an archive was asked for');
    };
    const zip = await zipOf({ ...archive, archive: refusing }, 'm');
    expect(zip.length).toBeGreaterThan(0);
  });
});

describe('a zip is not finished', () => {
  const file = { 'a.go': 'a', 'b.go': 'b' };

  test('when git fails at the end of its archive', async () => {
    const archive = await repositoryOf(file);
    const failing = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
      yield* archive.archive('main', '', ask);
      throw new AppError('UPSTREAM_BAD_RESPONSE', 'git archive: exit code 128');
    };
    await expect(zipOf(archived({ ...archive, archive: failing }), '')).rejects.toThrow('exit code 128');
  });

  test('when the archive leaves out what the tree lists', async () => {
    const archive = await repositoryOf(file);
    const other = await repositoryOf({ 'a.go': 'a' });
    const zip = zipOf(archived({ ...archive, archive: other.archive }), '');
    await expect(zip).rejects.toMatchObject({ code: 'UPSTREAM_BAD_RESPONSE' });
  });

  test('when the LICENSE cannot be read, which is not its absence', async () => {
    const archive = await repositoryOf({ 'sub/go.mod': GO_MOD });
    const unavailable = async (): Promise<undefined> => {
      throw new AppError('UPSTREAM_UNAVAILABLE', 'read LICENSE: no answer');
    };
    const zip = zipOf({ ...archive, file: unavailable }, 'sub');
    await expect(zip).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
  });
});

const BLOCK = Buffer.alloc(1 << 20);

/** A tree with files of zeros, of these sizes. */
function claiming(files: readonly (readonly [name: string, sizeBytes: number])[]): TreeArchive {
  return {
    files: async () => files.map(([name]) => ({ name: Buffer.from(name), mode: '100644', type: 'blob' })),
    file: async () => undefined,
    archive: async function* () {
      for (const [name, sizeBytes] of files) {
        yield tarHeader({ name, size: sizeBytes });
        for (let left = sizeBytes; left > 0; left -= BLOCK.length)
          yield BLOCK.subarray(0, Math.max(512, Math.min(left, BLOCK.length)));
      }
    },
  };
}
