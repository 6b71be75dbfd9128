/** What every BlobStore must do. Each adapter's test runs it; the adapter is given behind checkedStore, as callers see it. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { compareBytewise } from '../std/bytes.ts';
import { isAppError } from '../std/errors.ts';
import type { Spooled } from '../std/spooled.ts';
import type { BlobReader, BlobStore, ByteRange } from './store.ts';

export interface StoreUnderTest {
  readonly store: BlobStore;
  close(): Promise<void>;
}

/** States about `name`; `make` gives a store with nothing in it. */
export function describeBlobStore(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(`${name} keeps the contract of a blob store`, () => {
    let folder: string;
    let subject: StoreUnderTest;
    let store: BlobStore;
    const signal = new AbortController().signal;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'larder-contract-'));
    });
    afterAll(async () => {
      await subject.close();
      await rm(folder, { recursive: true, force: true });
    });
    beforeEach(async () => {
      await (subject as StoreUnderTest | undefined)?.close();
      subject = await make();
      store = subject.store;
    });

    const text = (body: string): Spooled => inMemory(Buffer.from(body));
    const put = (key: string, body: string) => store.putIfAbsent(key, text(body), { signal });
    const get = async (key: string, range?: ByteRange): Promise<string | undefined> => {
      const blob = await store.open(key, range === undefined ? { signal } : { signal, range });
      return blob === undefined ? undefined : (await readAll(blob.reader)).toString();
    };
    const keys = async (prefix: string, after?: string): Promise<string[]> => {
      const found: string[] = [];
      for await (const info of store.list(prefix, after === undefined ? { signal } : { signal, after }))
        found.push(info.key);
      return found;
    };
    const inFile = async (bytes: Uint8Array): Promise<Spooled> => {
      const path = join(folder, `spooled-${Math.random().toString(36).slice(2)}`);
      await writeFile(path, bytes);
      return { ...inMemory(bytes), kind: 'file', path, discard: () => rm(path, { force: true }) };
    };

    test('what was put is read back, byte for byte', async () => {
      const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 7) & 255));
      expect(await store.putIfAbsent('a/b', inMemory(bytes), { signal })).toBe('created');
      const blob = await store.open('a/b', { signal });
      expect(blob?.info).toMatchObject({ key: 'a/b', sizeBytes: 70_000 });
      expect((await readAll(blob?.reader)).equals(bytes)).toBe(true);
    });

    test('a body in a file is stored like one in memory, and stays the caller’s', async () => {
      const body = await inFile(Buffer.alloc(3_000_000, 'xyz'));
      expect(await store.putIfAbsent('big', body, { signal })).toBe('created');
      expect((await get('big'))?.length).toBe(3_000_000);
      expect(await readdir(folder)).toHaveLength(1);
      await body.discard();
      expect((await get('big'))?.slice(0, 6)).toBe('xyzxyz');
    });

    test('an empty blob is a blob', async () => {
      expect(await put('empty', '')).toBe('created');
      expect(await get('empty')).toBe('');
      expect(await store.head('empty', { signal })).toMatchObject({ sizeBytes: 0 });
    });

    test('absence is undefined, not an error', async () => {
      expect(await store.head('no/such', { signal })).toBeUndefined();
      expect(await store.open('no/such', { signal })).toBeUndefined();
      await put('a/b/c', 'x');
      expect(await store.head('a/b', { signal })).toBeUndefined();
      expect(await store.open('a/b', { signal })).toBeUndefined();
    });

    test('head tells size and time of the write', async () => {
      const before = Date.now();
      await put('a', 'hello');
      const info = await store.head('a', { signal });
      expect(info).toMatchObject({ key: 'a', sizeBytes: 5 });
      expect(Math.abs((info?.storedAt ?? 0) - before)).toBeLessThan(60_000);
    });

    test('the first put wins and the second changes nothing', async () => {
      expect(await put('k', 'first')).toBe('created');
      expect(await put('k', 'second')).toBe('exists');
      expect(await get('k')).toBe('first');
    });

    test('a lost put of a body in a file leaves that body alone', async () => {
      await put('k', 'first');
      const body = await inFile(Buffer.from('second'));
      expect(await store.putIfAbsent('k', body, { signal })).toBe('exists');
      expect(await store.putIfAbsent('other', body, { signal })).toBe('created');
      expect(await get('other')).toBe('second');
      await body.discard();
    });

    test('of 50 puts at once exactly one creates, and its bytes are the ones', async () => {
      const results = await Promise.all(Array.from({ length: 50 }, (_, i) => put('race', `body ${i}`)));
      expect(results.filter((one) => one === 'created')).toHaveLength(1);
      expect(await get('race')).toBe(`body ${results.indexOf('created')}`);
    });

    test('50 different keys at once, in folders that do not exist yet', async () => {
      const names = Array.from({ length: 50 }, (_, i) => `deep/${i % 5}/er/${i}`);
      expect(await Promise.all(names.map((key) => put(key, key)))).toEqual(names.map(() => 'created'));
      for (const key of names) expect(await get(key)).toBe(key);
    });

    test('whoever reads while another puts sees nothing or everything', async () => {
      const body = 'z'.repeat(500_000);
      const putting = put('whole', body);
      for (let i = 0; i < 20; i++) expect([undefined, body]).toContain(await get('whole'));
      await putting;
      expect(await get('whole')).toBe(body);
    });

    test.each([
      [{ start: 0, end: 4 }, '0123'],
      [{ start: 3, end: 7 }, '3456'],
      [{ start: 9, end: 10 }, '9'],
      [{ start: 8, end: 99 }, '89'],
      [{ start: 10, end: 12 }, ''],
      [{ start: 50, end: 60 }, ''],
      [{ start: 5, end: 5 }, ''],
    ])('the range %j is clipped to the blob', async (range, expected) => {
      await put('digits', '0123456789');
      expect(await get('digits', range)).toBe(expected);
    });

    test('a range says nothing about the size of the blob', async () => {
      await put('digits', '0123456789');
      const blob = await store.open('digits', { signal, range: { start: 2, end: 4 } });
      expect(blob?.info.sizeBytes).toBe(10);
      await blob?.reader.close();
    });

    test.each([
      { start: 4, end: 2 },
      { start: -1, end: 2 },
      { start: 0.5, end: 2 },
      { start: 0, end: Number.NaN },
    ])('the range %j is the caller’s mistake', async (range) => {
      await put('digits', '0123456789');
      await expect(store.open('digits', { signal, range })).rejects.toMatchObject({ code: 'INTERNAL' });
    });

    test('a reader fills small buffers one after the other and then says 0', async () => {
      await put('digits', '0123456789');
      const blob = await store.open('digits', { signal });
      const into = Buffer.alloc(4);
      const seen: string[] = [];
      for (let n = await blob?.reader.pull(into); n !== undefined && n > 0; n = await blob?.reader.pull(into))
        seen.push(into.toString('latin1', 0, n));
      expect(seen.join('')).toBe('0123456789');
      expect(await blob?.reader.pull(into)).toBe(0);
      await blob?.reader.close();
    });

    test('a reader may be closed early and twice', async () => {
      await put('digits', '0123456789');
      const blob = await store.open('digits', { signal });
      await blob?.reader.pull(Buffer.alloc(2));
      await blob?.reader.close();
      await blob?.reader.close();
      await expect(blob?.reader.pull(Buffer.alloc(2))).rejects.toThrow();
    });

    test('readers of one blob do not disturb each other', async () => {
      await put('digits', '0123456789');
      const [a, b] = await Promise.all([store.open('digits', { signal }), store.open('digits', { signal })]);
      const into = Buffer.alloc(5);
      await a?.reader.pull(into);
      expect((await readAll(b?.reader)).toString()).toBe('0123456789');
      expect((await readAll(a?.reader)).toString()).toBe('56789');
    });

    test('a download goes on when the blob is deleted under it', async () => {
      await put('gone', 'still readable');
      const blob = await store.open('gone', { signal });
      await store.delete('gone', { signal });
      expect((await readAll(blob?.reader)).toString()).toBe('still readable');
      expect(await store.head('gone', { signal })).toBeUndefined();
    });

    test('after a delete the key is free again', async () => {
      await put('k', 'one');
      await store.delete('k', { signal });
      expect(await put('k', 'two')).toBe('created');
      expect(await get('k')).toBe('two');
    });

    test('to delete what is not there is fine', async () => {
      await store.delete('never/was', { signal });
    });

    test('publish replaces as a whole, and a reader of the old goes on with the old', async () => {
      const bytes = (body: string): Uint8Array => Buffer.from(body);
      await store.publish('view', bytes('first version'), { signal });
      const old = await store.open('view', { signal });
      await store.publish('view', bytes('second'), { signal });
      expect(await get('view')).toBe('second');
      expect((await readAll(old?.reader)).toString()).toBe('first version');
    });

    test('of many publishes at once one whole body stays', async () => {
      const bodies = Array.from({ length: 20 }, (_, i) => String(i).repeat(1000 + i));
      await Promise.all(bodies.map((body) => store.publish('view', Buffer.from(body), { signal })));
      expect(bodies).toContain(await get('view'));
    });

    test('what was published counts as there for putIfAbsent', async () => {
      await store.publish('view', Buffer.from('x'), { signal });
      expect(await put('view', 'y')).toBe('exists');
    });

    test('a buffer changed after the put does not change the blob', async () => {
      const bytes = Buffer.from('kept');
      await store.putIfAbsent('own', inMemory(bytes), { signal });
      bytes.fill('!');
      expect(await get('own')).toBe('kept');
    });

    test('list gives all keys below a prefix in byte order', async () => {
      const all = [
        'a',
        'b/c',
        'b+c',
        'b/c.d',
        'b/c-d',
        'b!c',
        'b0',
        'b~',
        'ba/x',
        'c/1',
        'c/10',
        'c/2',
        'm/@v/v1.0.0.mod',
        'm/@v/v1.0.0+incompatible.mod',
      ];
      for (const key of all) await put(key === 'b/c' ? 'b/c/leaf' : key, key);
      const stored = all.map((key) => (key === 'b/c' ? 'b/c/leaf' : key)).sort(compareBytewise);
      expect(await keys('')).toEqual(stored);
      expect(await keys('b')).toEqual(stored.filter((key) => key.startsWith('b')));
      expect(await keys('b/c')).toEqual(stored.filter((key) => key.startsWith('b/c')));
      expect(await keys('m/@v/')).toEqual(stored.filter((key) => key.startsWith('m/@v/')));
      expect(await keys('c/1')).toEqual(['c/1', 'c/10']);
      expect(await keys('nothing/here')).toEqual([]);
    });

    test('list goes on after any key, stored or not', async () => {
      const all = ['a/1', 'a/2', 'a/2/x'.replace('/x', '-x'), 'a.b', 'b', 'c/d/e'].sort(compareBytewise);
      for (const key of all) await put(key, 'x');
      for (const after of [...all, 'a', 'a/', 'a/15', 'bb', 'c/d', 'zz']) {
        expect(await keys('', after), after).toEqual(all.filter((key) => compareBytewise(key, after) > 0));
      }
      expect(await keys('a/', 'a/1')).toEqual(all.filter((key) => key.startsWith('a/') && key !== 'a/1'));
    });

    test('list tells sizes', async () => {
      await put('a', '12345');
      for await (const info of store.list('', { signal })) expect(info).toMatchObject({ key: 'a', sizeBytes: 5 });
    });

    test('a listing may be left early', async () => {
      for (let i = 0; i < 10; i++) await put(`k/${i}`, 'x');
      for await (const info of store.list('k/', { signal })) {
        expect(info.key).toBe('k/0');
        break;
      }
    });

    test.each([
      '',
      '/a',
      'a/',
      'a//b',
      '.',
      '..',
      'a/../b',
      'a/./b',
      '.tmp/x',
      'a/.b',
      'A',
      'a b',
      'a\\b',
      'a\0',
      'ü',
      'a%2fb',
      'c:x',
      'a\n',
    ])('the malformed key %j is the caller’s mistake, whatever is asked', async (key) => {
      const code = { code: 'INTERNAL' };
      await expect(store.head(key, { signal })).rejects.toMatchObject(code);
      await expect(store.open(key, { signal })).rejects.toMatchObject(code);
      await expect(put(key, 'x')).rejects.toMatchObject(code);
      await expect(store.publish(key, Buffer.from('x'), { signal })).rejects.toMatchObject(code);
      await expect(store.delete(key, { signal })).rejects.toMatchObject(code);
    });

    test.each(['/', '..', 'a/../', '.tmp', 'a//', 'A'])(
      'the malformed prefix %j is the caller’s mistake',
      async (prefix) => {
        await expect(keys(prefix)).rejects.toMatchObject({ code: 'INTERNAL' });
      },
    );

    test('a name too long to be stored is not there, and putting it is TOO_LARGE', async () => {
      for (const key of [`a/${'b'.repeat(256)}`, 'abc/'.repeat(300) + 'd']) {
        expect(await store.head(key, { signal })).toBeUndefined();
        expect(await store.open(key, { signal })).toBeUndefined();
        await expect(put(key, 'x')).rejects.toMatchObject({ code: 'TOO_LARGE' });
      }
      expect(await put(`a/${'b'.repeat(255)}`, 'x')).toBe('created');
    });

    test('a fired signal stops everything with ABORTED', async () => {
      await put('k', 'x');
      const o = { signal: AbortSignal.abort() };
      const aborted = { code: 'ABORTED' };
      await expect(store.head('k', o)).rejects.toMatchObject(aborted);
      await expect(store.open('k', o)).rejects.toMatchObject(aborted);
      await expect(store.putIfAbsent('new', text('x'), o)).rejects.toMatchObject(aborted);
      await expect(store.publish('new', Buffer.from('x'), o)).rejects.toMatchObject(aborted);
      await expect(store.delete('k', o)).rejects.toMatchObject(aborted);
      await expect(Array.fromAsync(store.list('', o))).rejects.toMatchObject(aborted);
      expect(await keys('')).toEqual(['k']);
    });

    test('a signal that fires during a listing ends it', async () => {
      for (let i = 0; i < 5; i++) await put(`k/${i}`, 'x');
      const stop = new AbortController();
      const seen: string[] = [];
      await expect(
        (async () => {
          for await (const info of store.list('', { signal: stop.signal })) {
            seen.push(info.key);
            stop.abort();
          }
        })(),
      ).rejects.toSatisfy((error) => isAppError(error, 'ABORTED'));
      expect(seen).toEqual(['k/0']);
    });

    test('a body whose file is gone leaves no blob behind', async () => {
      const body = await inFile(Buffer.from('x'));
      await body.discard();
      await expect(store.putIfAbsent('half', body, { signal })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      expect(await store.head('half', { signal })).toBeUndefined();
      expect(await keys('')).toEqual([]);
    });
  });
}

function inMemory(bytes: Uint8Array): Spooled {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { kind: 'memory', bytes, sizeBytes: bytes.length, sha256, discard: async () => undefined };
}

async function readAll(reader: BlobReader | undefined): Promise<Buffer> {
  if (reader === undefined) throw new Error('no blob');
  const chunks: Buffer[] = [];
  const into = Buffer.alloc(64 * 1024);
  try {
    for (let n = await reader.pull(into); n > 0; n = await reader.pull(into))
      chunks.push(Buffer.from(into.subarray(0, n)));
  } finally {
    await reader.close();
  }
  return Buffer.concat(chunks);
}
