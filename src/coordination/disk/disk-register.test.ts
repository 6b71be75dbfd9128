import { rmSync, writeFileSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openTempDirectory, type TempDirectory } from '../../io/temp-directory.ts';
import { checkedRegister } from '../checked.ts';
import { describeRegister } from '../contract.ts';
import { DiskRegister } from './disk-register.ts';
import { encodeGeneration, generationName } from './generation-file.ts';

const o = { signal: new AbortController().signal };

async function newRoot(): Promise<string> {
  return await mkdtemp(join(tmpdir(), 'larder-register-'));
}

describeRegister('disk', async () => {
  const root = await newRoot();
  const temps = [await openTempDirectory(root), await openTempDirectory(root)] as const;
  return {
    registers: [
      checkedRegister(new DiskRegister({ root, temp: temps[0] })),
      checkedRegister(new DiskRegister({ root, temp: temps[1] })),
    ],
    close: async () => {
      for (const temp of temps) await temp.close();
      await rm(root, { recursive: true, force: true });
    },
  };
});

describe('the disk register', () => {
  let root: string;
  let temp: TempDirectory;
  let register: DiskRegister;
  const write = async (...values: string[]): Promise<void> => {
    let held = await register.create('n', Buffer.from(values[0] ?? ''), o);
    for (const value of values.slice(1)) held = await register.replace(held, Buffer.from(value), o);
  };
  const value = async (): Promise<string | undefined> => {
    const held = await register.read('n', o);
    return held === undefined ? undefined : Buffer.from(held.value).toString();
  };
  const newest = async (): Promise<string> => join(root, 'n', (await readdir(join(root, 'n'))).sort().at(-1) ?? '');

  beforeEach(async () => {
    root = await newRoot();
    temp = await openTempDirectory(root);
    register = new DiskRegister({ root, temp });
  });
  afterEach(async () => {
    await temp.close();
    await rm(root, { recursive: true, force: true });
  });

  test('keeps the last two generations and no temporary file', async () => {
    await write('1', '2', '3', '4', '5');
    expect(await readdir(join(root, 'n'))).toHaveLength(2);
    expect(await readdir(temp.path)).toEqual([]);
  });

  test.each([
    ['lost its end', (path: string) => truncate(path, 90)],
    ['is empty', (path: string) => truncate(path, 0)],
    ['holds zeros', async (path: string) => writeFile(path, Buffer.alloc((await readFile(path)).length))],
    ['has one bit flipped', async (path: string) => writeFile(path, flipped(await readFile(path)))],
  ])('falls back to the generation before when the newest %s, and goes on above it', async (_what, damage) => {
    await write('one', 'two', 'three is the newest');
    const path = await newest();
    await chmod(path, 0o644);
    await damage(path);
    expect(await value()).toBe('two');
    const held = await register.read('n', o);
    if (held === undefined) throw new Error('no value');
    await register.replace(held, Buffer.from('four'), o);
    expect(await value()).toBe('four');
  });

  test('a name whose only generation is torn can be created again', async () => {
    await write('one');
    await chmod(await newest(), 0o644);
    await truncate(await newest(), 3);
    expect(await value()).toBeUndefined();
    await write('again');
    expect(await value()).toBe('again');
  });

  test('a writer whose number was passed and pruned meanwhile is told CONFLICT', async () => {
    await write('1');
    const old = await register.read('n', o);
    if (old === undefined) throw new Error('no value');
    // The slow writer has looked; by the time it links generation 2 the others are at 4 and have pruned 1 and 2.
    const slow = new DiskRegister({ root, temp: { ...temp, newPath: () => passTo4(join(root, 'n'), temp.newPath()) } });
    await expect(slow.replace(old, Buffer.from('late'), o)).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await value()).toBe('4');
  });
});

function flipped(bytes: Buffer): Buffer {
  bytes[bytes.length - 3]! ^= 1; // the files here are longer than that
  return bytes;
}

function passTo4(folder: string, path: string): string {
  for (const n of [3, 4]) writeFileSync(join(folder, generationName(n)), encodeGeneration(Buffer.from(String(n))));
  rmSync(join(folder, generationName(1)));
  return path;
}
