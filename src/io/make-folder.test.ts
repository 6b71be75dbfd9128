import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { skipUnless } from '../../tests/skip.ts';
import { makeFolder } from './make-folder.ts';

const o = { attempted: 'write into a' };
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'larder-folder-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe('a folder is made', () => {
  test('with those above it, and with the mode that was asked for', async () => {
    await makeFolder(join(root, 'a/b/c'), { ...o, mode: 0o700 });
    for (const name of ['a', 'a/b', 'a/b/c']) expect((await stat(join(root, name))).mode & 0o777).toBe(0o700);
  });

  test('once, also when several make it at the same time', async () => {
    await Promise.all(Array.from({ length: 8 }, () => makeFolder(join(root, 'a/b/c'), o)));
    await makeFolder(join(root, 'a/b/c'), o);
    expect(existsSync(join(root, 'a/b/c'))).toBe(true);
  });

  test('through a link to a folder', async () => {
    await mkdir(join(root, 'real'));
    await symlink('real', join(root, 'link'));
    await makeFolder(join(root, 'link/a'), o);
    expect(existsSync(join(root, 'real/a'))).toBe(true);
  });

  test('unless a file is in the way', async () => {
    await writeFile(join(root, 'file'), '');
    await expect(makeFolder(join(root, 'file'), o)).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(makeFolder(join(root, 'file/a/b'), o)).rejects.toMatchObject({ code: 'ENOTDIR' });
  });

  describe('on a volume for no files', () => {
    skipUnless(process.platform === 'linux', 'needs /proc, a volume on which nobody can make a folder');

    test('or the folder above takes none; the message names no path', async () => {
      await expect(makeFolder('/proc/larder-test/a/b', o)).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
        message: 'write into a: ENOENT: no folder can be made there: put the data folder on a volume for files',
        detail: { path: '/proc/larder-test' },
      });
    });
  });
});
