import { mkdir, mkdtemp, readdir, rm, stat, symlink, truncate, writeFile, chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { createSpoolDirectory, spooledBytes } from '../../io/spool.ts';
import { openTempDirectory } from '../../io/temp-directory.ts';
import { checkedStore } from '../checked.ts';
import { describeBlobStore } from '../contract.ts';
import { DiskStore } from './disk-store.ts';

const o = { signal: new AbortController().signal };
const cleanups: (() => Promise<void>)[] = [];

async function diskStore() {
  const root = await mkdtemp(join(tmpdir(), 'larder-disk-'));
  const temp = await openTempDirectory(root);
  const close = async (): Promise<void> => {
    await temp.close();
    await rm(root, { recursive: true, force: true });
  };
  return { root, temp, inner: new DiskStore({ root, temp }), close };
}

async function opened() {
  const one = await diskStore();
  cleanups.push(one.close);
  return { ...one, store: checkedStore(one.inner) };
}

/** Runs `act` as a user who may read `root` but not `closed`: for root every folder is open. */
async function asStranger(root: string, closed: string, act: () => Promise<void>): Promise<void> {
  await chmod(root, 0o755);
  await chmod(closed, 0);
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  try {
    await act();
  } finally {
    if (isRoot) process.seteuid?.(0);
    await chmod(closed, 0o755);
  }
}

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

describeBlobStore('disk', async () => {
  const { inner, close } = await diskStore();
  return { store: checkedStore(inner), close };
});

describe('the disk store', () => {
  test('keeps a blob as a read-only file under its key', async () => {
    const { root, store } = await opened();
    await store.putIfAbsent('download/m/@v/v1.0.0.mod', spooledBytes(Buffer.from('module m\n')), o);
    const { mode, size } = await stat(join(root, 'download/m/@v/v1.0.0.mod'));
    expect([mode & 0o777, size]).toEqual([0o444, 9]);
  });

  test('links a spooled file instead of copying it, and leaves only the name it was given', async () => {
    const { root, temp, store } = await opened();
    const spool = createSpoolDirectory({ temp, memoryBytes: 0 }).spool(1000);
    const body = await spool.fill(chunks('abc', 'def'), o);
    await store.putIfAbsent('k', body, o);
    expect((await stat(join(root, 'k'))).nlink).toBe(2);
    await body.discard();
    expect((await stat(join(root, 'k'))).nlink).toBe(1);
    expect(await readdir(temp.path)).toEqual([]);
  });

  test('leaves nothing in the temporary folder after puts, lost puts and publishes', async () => {
    const { temp, store } = await opened();
    for (const body of ['a', 'b']) await store.putIfAbsent('k', spooledBytes(Buffer.from(body)), o);
    await store.publish('view', Buffer.from('x'), o);
    expect(await readdir(temp.path)).toEqual([]);
  });

  test('does not follow a link planted under a key', async () => {
    const { root, store } = await opened();
    await writeFile(join(root, '..', 'larder-outside'), 'secret');
    await symlink(join(root, '..', 'larder-outside'), join(root, 'planted'));
    await expect(store.open('planted', o)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    await expect(store.head('planted', o)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    expect(await Array.fromAsync(store.list('', o))).toEqual([]);
    await rm(join(root, '..', 'larder-outside'));
  });

  test('does not write through a link planted as a folder', async () => {
    const { root, store } = await opened();
    const outside = await mkdtemp(join(tmpdir(), 'larder-outside-'));
    cleanups.push(() => rm(outside, { recursive: true }));
    await symlink(outside, join(root, 'download'));
    const put = store.putIfAbsent('download/m/@v/v1.0.0.mod', spooledBytes(Buffer.from('x')), o);
    await expect(put).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await readdir(outside, { recursive: true })).not.toContain('v1.0.0.mod');
  });

  test('says that a file became shorter while it was read', async () => {
    const { root, store } = await opened();
    await store.putIfAbsent('k', spooledBytes(Buffer.alloc(100)), o);
    const blob = await store.open('k', o);
    await chmod(join(root, 'k'), 0o644);
    await truncate(join(root, 'k'), 10);
    await blob?.reader.pull(Buffer.alloc(10));
    await expect(blob?.reader.pull(Buffer.alloc(10))).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    await blob?.reader.close();
  });

  test('a close during a read waits for it', async () => {
    const { store } = await opened();
    await store.putIfAbsent('k', spooledBytes(Buffer.alloc(1_000_000)), o);
    const blob = await store.open('k', o);
    const reading = blob?.reader.pull(Buffer.alloc(1_000_000));
    await blob?.reader.close();
    expect(await reading).toBe(1_000_000);
  });

  test('makes folders again that someone removed', async () => {
    const { root, store } = await opened();
    await store.putIfAbsent('a/b/one', spooledBytes(Buffer.from('1')), o);
    await rm(join(root, 'a'), { recursive: true });
    expect(await store.putIfAbsent('a/b/two', spooledBytes(Buffer.from('2')), o)).toBe('created');
  });

  test('does not make its root again: the volume may be unmounted', async () => {
    const { root, temp, store } = await opened();
    await rm(root, { recursive: true });
    const put = store.putIfAbsent('a/b', spooledBytes(Buffer.from('1')), o);
    await expect(put).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await expect(stat(temp.path)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('does not mind what a volume keeps at its root for itself', async () => {
    const { root, inner } = await opened();
    await mkdir(join(root, 'lost+found'));
    await writeFile(join(root, 'lost+found/#12'), '');
    await mkdir(join(root, 'download/lost+found'), { recursive: true });
    await writeFile(join(root, 'download/lost+found/#12'), '');
    expect(await Array.fromAsync(inner.strangers(o))).toEqual(['download/lost+found/#12']);
  });

  test('names folders that it may not read, and goes on behind them', async () => {
    const { root, inner } = await opened();
    for (const folder of ['download/a/@v', 'download/b/private', 'download/c/@v'])
      await mkdir(join(root, folder), { recursive: true });
    for (const name of ['a/@v/v1.0.0.mod', 'b/private/x', 'c/@v/v1.0.0.mod'])
      await writeFile(join(root, 'download', name), '');
    await asStranger(root, join(root, 'download/b/private'), async () => {
      expect(await Array.fromAsync(inner.strangers(o))).toEqual(['download/b/private/']);
      const listed = await Array.fromAsync(inner.list('download/', o));
      expect(listed.map(({ key }) => key)).toEqual(['download/a/@v/v1.0.0.mod', 'download/c/@v/v1.0.0.mod']);
      await expect(Array.fromAsync(inner.list('download/b/private/', o))).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
        message: /^list download\/b\/private\/: EACCES: /,
      });
    });
  });

  test('names strangers: files that no key can have', async () => {
    const { root, inner } = await opened();
    await mkdir(join(root, 'download'));
    await writeFile(join(root, 'download', 'Thumbs.db'), '');
    await writeFile(join(root, 'FORMAT'), '');
    expect(await Array.fromAsync(inner.strangers(o))).toEqual(['download/Thumbs.db']);
  });
});

async function* chunks(...bodies: string[]): AsyncIterable<Uint8Array> {
  for (const body of bodies) yield Buffer.from(body);
}
