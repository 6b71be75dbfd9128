import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { skipUnless } from '../../../tests/skip.ts';
import { openDataFolder } from './data-folder.ts';

const o = { signal: new AbortController().signal };
let parent: string;
let root: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'larder-data-'));
  root = join(parent, 'data');
});
afterEach(async () => {
  await rm(parent, { recursive: true, force: true });
});

describe('a data folder', () => {
  test('is made at first use and known again afterwards', async () => {
    const first = await openDataFolder(root, o);
    expect(first).toMatchObject({ root, version: 1, uuid: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    await first.close();
    const second = await openDataFolder(root, o);
    expect(second.uuid).toBe(first.uuid);
    await second.close();
    expect(JSON.parse(await readFile(join(root, 'FORMAT'), 'utf8'))).toEqual({ uuid: first.uuid, version: 1 });
    expect(await readdir(join(root, '.tmp'))).toEqual([]);
  });

  test('gets one uuid when several processes make it at once', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => openDataFolder(root, o)));
    expect(new Set(all.map((one) => one.uuid)).size).toBe(1);
    for (const one of all) await one.close();
  });

  test('may be an empty volume', async () => {
    await mkdir(join(root, 'lost+found'), { recursive: true });
    await (await openDataFolder(root, o)).close();
  });

  test('that holds something else is refused untouched, with what to do', async () => {
    await mkdir(root);
    await writeFile(join(root, 'thesis.tex'), '');
    const opening = openDataFolder(root, o);
    await expect(opening).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: /choose an empty folder/ });
    expect(await readdir(root)).toEqual(['thesis.tex']);
  });

  test.each([
    ['{"uuid":"x","version":2}', /layout is version 2, this Larder knows 1/],
    ['', /damaged/],
    ['{"uuid":5,"version":1}', /damaged/],
    ['null', /damaged/],
  ])('whose FORMAT is %j is refused', async (format, message) => {
    await mkdir(root);
    await writeFile(join(root, 'FORMAT'), format);
    await expect(openDataFolder(root, o)).rejects.toMatchObject({ code: 'CONFIG_INVALID', message });
    expect(await readdir(root)).toEqual(['FORMAT']);
  });

  test('below a file is refused in one line', async () => {
    await writeFile(root, '');
    await expect(openDataFolder(root, o)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  describe('on a volume for no files', () => {
    skipUnless(process.platform === 'linux', 'needs /proc, a volume on which nobody can make a folder');

    test('where none can be made is refused at once, with what to do', async () => {
      const before = performance.now();
      await expect(openDataFolder('/proc/larder-test', o)).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
        message: /^create data folder \/proc\/larder-test: .*put the data folder on a volume for files$/,
      });
      expect(performance.now() - before).toBeLessThan(1000);
    });
  });
});
