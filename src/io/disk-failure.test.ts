import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { describe, expect, test } from 'vitest';
import { diskFailure, isWithoutRoom } from './disk-failure.ts';

const systemError = (code: string, message: string): Error => Object.assign(new Error(message), { code });

describe('a failure of the disk', () => {
  test('says what to do, and keeps the path out of what clients see', () => {
    const error = systemError('ENOSPC', "ENOSPC: no space left on device, open '/srv/larder/x'");
    expect(diskFailure(error, 'write download/x', '/srv/larder/x')).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: 'write download/x: ENOSPC: the volume of the data folder is full: free space or inodes, or enlarge it',
      detail: { system: 'ENOSPC', path: '/srv/larder/x' },
    });
  });

  test('without advice is told in the words of the system, also without its path', async () => {
    const error = await readFile(tmpdir()).catch((failure: unknown) => failure);
    expect(diskFailure(error, 'read x').message).toBe('read x: EISDIR: illegal operation on a directory');
    const renaming = systemError('EBUSY', "EBUSY: resource busy or locked, rename '/srv/a, b' -> '/srv/c'");
    expect(diskFailure(renaming, 'publish x').message).toBe('publish x: EBUSY: resource busy or locked');
  });

  test.each([
    ['ENOSPC', true],
    ['EDQUOT', true],
    ['EROFS', true],
    ['EIO', false],
  ])('%s is a want of room: %s', (code, expected) => {
    expect(isWithoutRoom(diskFailure(systemError(code, code), 'write x'))).toBe(expected);
  });
});
