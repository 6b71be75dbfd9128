import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { build } from 'rolldown';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { plainZip } from '../../tests/fakes/plain-zip.ts';
import { parseModulePath, type Version } from '../gomod/module.ts';
import { memorySource } from '../gomod/zip/byte-source.ts';
import { createZip } from '../gomod/zip/create.ts';
import { inspectModuleZip } from '../gomod/zip/inspect.ts';
import type { Spooled } from '../std/spooled.ts';
import { FileSource } from './file-source.ts';
import { createZipInspector, type ZipInspector } from './zip-inspector.ts';

const folder = mkdtempSync(join(tmpdir(), 'larder-inspector-'));
afterAll(() => rmSync(folder, { recursive: true }));

const module = { path: parseModulePath('example.com/m'), version: 'v1.0.0' as Version };
const signal = new AbortController().signal;
const open: ZipInspector[] = [];
afterEach(() => Promise.all(open.splice(0).map((one) => one.close())));

function inspector(limits: Parameters<typeof createZipInspector>[0] = {}): ZipInspector {
  const one = createZipInspector(limits);
  open.push(one);
  return one;
}

const facts = { sha256: '', discard: async (): Promise<void> => undefined };
const inMemory = (bytes: Uint8Array): Spooled => ({ ...facts, kind: 'memory', bytes, sizeBytes: bytes.length });
function inFile(name: string, bytes: Uint8Array): Spooled {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return { ...facts, kind: 'file', path, sizeBytes: bytes.length };
}

const noise = (length: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, i) => Math.imul(i, 2654435761) >>> 24));
const small = await createZip(module.path, module.version, [{ name: 'a.go', bytes: Buffer.from('package m\n') }]);
const large = await createZip(module.path, module.version, [
  { name: 'a.go', bytes: Buffer.from('package m\n') },
  { name: 'b.bin', bytes: noise(3_000_000) },
  { name: 'c.bin', bytes: noise(5_000_000) },
]);
const wanted = await inspectModuleZip(memorySource(large), module.path, module.version);

describe('a zip is inspected', () => {
  test('on the spot when it is small', async () => {
    expect((await inspector().inspect(inMemory(small), module, { signal })).fileCount).toBe(1);
  });

  test('by a thread when its names are long, however small the rest is', async () => {
    const deep = await createZip(module.path, module.version, [
      { name: `${'A/'.repeat(6000)}x`, bytes: Buffer.from('x') },
    ]);
    expect((await inspector().inspect(inMemory(deep), module, { signal })).fileCount).toBe(1);
    const closed = inspector();
    await closed.close();
    expect((await closed.inspect(inMemory(small), module, { signal })).fileCount).toBe(1);
    await expect(closed.inspect(inMemory(deep), module, { signal })).rejects.toMatchObject({ code: 'ABORTED' });
  });

  test('in slices when it comes alone and is of middling size; others have their turns meanwhile', async () => {
    const files = Array.from({ length: 3000 }, (_, i) => ({ name: `d${i % 50}/f${i}.go`, bytes: noise(3000) }));
    const middling = await createZip(module.path, module.version, files);
    const expected = await inspectModuleZip(memorySource(middling), module.path, module.version);
    // Without a thread that could do it.
    const one = inspector({ threads: 0 });
    let turns = 0;
    const counting = setInterval(() => turns++, 1);
    expect(await one.inspect(inFile('middling.zip', middling), module, { signal })).toEqual(expected);
    clearInterval(counting);
    expect(turns).toBeGreaterThan(5);
    const broken = Buffer.from(middling);
    broken[1_000_000] = (broken[1_000_000] ?? 0) ^ 1;
    await expect(one.inspect(inMemory(broken), module, { signal })).rejects.toMatchObject({ code: 'ZIP_INVALID' });
    const leaving = new AbortController();
    const left = one.inspect(inMemory(middling), module, { signal: leaving.signal });
    leaving.abort();
    await expect(left).rejects.toMatchObject({ code: 'ABORTED' });
  });

  test('by a thread when it is not, in memory or in a file, one after the other', async () => {
    const one = inspector({ threads: 1 });
    const bodies = [inMemory(large), inFile('large.zip', large), inFile('small.zip', small), inMemory(large)];
    const found = await Promise.all(bodies.map((body) => one.inspect(body, module, { signal })));
    expect([found[0], found[1], found[3]]).toEqual([wanted, wanted, wanted]);
  });

  test('and the thread says what is wrong with it, with code and detail', async () => {
    const broken = Buffer.from(large);
    broken[100_000] = (broken[100_000] ?? 0) ^ 1;
    const one = inspector();
    await expect(one.inspect(inFile('broken.zip', broken), module, { signal })).rejects.toMatchObject({
      code: 'ZIP_INVALID',
    });
    const other = { ...module, path: parseModulePath('example.com/n') };
    await expect(one.inspect(inMemory(large), other, { signal })).rejects.toMatchObject({
      code: 'ZIP_INVALID',
      detail: { invalidFiles: 3 },
    });
    const missing: Spooled = { ...facts, kind: 'file', path: join(folder, 'missing.zip'), sizeBytes: 1 };
    await expect(one.inspect(missing, module, { signal })).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(await one.inspect(inMemory(large), module, { signal })).toEqual(wanted);
  });

  test('and a million directories that hold nothing are refused, and not the end of the thread', async () => {
    // 100 names with 10,000 directories each, all distinct.
    const deep = (i: number): string => `d${i}/${'a/'.repeat(9999)}`;
    const names = Array.from({ length: 100 }, (_, i) => `example.com/m@v1.0.0/${deep(i)}f`);
    const zip = plainZip(names.map((name) => ({ name, content: '' })));
    const refused = inspector().inspect(inFile('hollow.zip', zip), module, { signal });
    await expect(refused).rejects.toMatchObject({
      code: 'ZIP_INVALID',
      message: expect.stringContaining('more than 200000 files and directories') as string,
    });
  });

  test('until its time is up; the next one gets a new thread', async () => {
    const hasty = inspector({ taskMs: 1 });
    await expect(hasty.inspect(inMemory(large), module, { signal })).rejects.toMatchObject({ code: 'OVERLOADED' });
    expect(await inspector({ threads: 1 }).inspect(inMemory(large), module, { signal })).toEqual(wanted);
  });

  test('by a new thread when the last one has ended for want of work', async () => {
    const one = inspector({ threads: 1, idleMs: 1 });
    for (let i = 0; i < 5; i++) {
      expect(await one.inspect(inMemory(large), module, { signal })).toEqual(wanted);
      await setTimeout(i);
    }
  });

  test('from the bundle as from the sources', async () => {
    const dir = join(folder, 'bundle');
    const input = {
      inspector: join(import.meta.dirname, 'zip-inspector.ts'),
      'zip-worker': join(import.meta.dirname, 'zip-worker.ts'),
    };
    await build({
      input,
      platform: 'node',
      output: { dir, format: 'esm', entryFileNames: '[name].js', chunkFileNames: 'chunk-[hash].js' },
    });
    const bundled = (await import(pathToFileURL(join(dir, 'inspector.js')).href)) as {
      createZipInspector: typeof createZipInspector;
    };
    const one = bundled.createZipInspector();
    open.push(one);
    expect(await one.inspect(inFile('bundled.zip', large), module, { signal })).toEqual(wanted);
  });

  test('unless too many wait', async () => {
    const one = inspector({ threads: 1, queued: 1 });
    const ask = (): Promise<unknown> => one.inspect(inMemory(large), module, { signal });
    const results = await Promise.allSettled([ask(), ask(), ask()]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(results[2]).toMatchObject({ reason: { code: 'OVERLOADED' } });
  });

  test('or its asker leaves, waiting or not; nobody else notices', async () => {
    const one = inspector({ threads: 1 });
    const [first, second] = [new AbortController(), new AbortController()];
    const results = Promise.allSettled([
      one.inspect(inMemory(large), module, { signal: first.signal }),
      one.inspect(inMemory(large), module, { signal: second.signal }),
      one.inspect(inMemory(large), module, { signal }),
    ]);
    second.abort();
    first.abort();
    const [a, b, c] = await results;
    expect(a).toMatchObject({ status: 'rejected', reason: { code: 'ABORTED' } });
    expect(b).toMatchObject({ status: 'rejected', reason: { code: 'ABORTED' } });
    expect(c).toMatchObject({ status: 'fulfilled', value: wanted });
  });

  test('or the inspector is closed', async () => {
    const one = inspector({ threads: 1 });
    const running = Promise.allSettled([
      one.inspect(inMemory(large), module, { signal }),
      one.inspect(inMemory(large), module, { signal }),
    ]);
    await one.close();
    for (const result of await running)
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'ABORTED' } });
    await expect(one.inspect(inMemory(large), module, { signal })).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

describe('a file as bytes', () => {
  test('gives any range, also past its window and across it', () => {
    const bytes = noise(3_500_000);
    const path = join(folder, 'bytes');
    writeFileSync(path, bytes);
    const source = new FileSource(path, bytes.length);
    for (const [offset, length] of [
      [0, 10],
      [5, 1 << 20],
      [3_499_990, 10],
      [100, 0],
      [10, 3_000_000],
      [2_000_000, 1_400_000],
      [0, 1],
    ] as const) {
      expect(Buffer.compare(source.read(offset, length), bytes.subarray(offset, offset + length))).toBe(0);
    }
    source.close();
  });

  test('says so when the file became shorter', () => {
    const path = join(folder, 'short');
    writeFileSync(path, 'abc');
    const source = new FileSource(path, 10);
    expect(() => source.read(0, 10)).toThrow('shorter than it was');
    source.close();
  });
});
