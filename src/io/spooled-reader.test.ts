import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Spooled } from '../std/spooled.ts';
import { openSpooled } from './spooled-reader.ts';
import { spooledBytes } from './spool.ts';

const o = { signal: new AbortController().signal };
const bytes = Buffer.from(Array.from({ length: 1000 }, (_, i) => i % 251));
let folder: string;
let inFile: Spooled;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-spooled-'));
  const path = join(folder, 'body');
  await writeFile(path, bytes);
  inFile = {
    kind: 'file',
    path,
    sizeBytes: bytes.length,
    sha256: spooledBytes(bytes).sha256,
    discard: async () => undefined,
  };
});
afterAll(() => rm(folder, { recursive: true }));

async function read(body: Spooled, range?: { start: number; end: number }): Promise<Buffer> {
  const reader = await openSpooled(body, { ...o, range });
  const parts: Buffer[] = [];
  const into = Buffer.alloc(64);
  for (let got = await reader.pull(into); got > 0; got = await reader.pull(into))
    parts.push(Buffer.from(into.subarray(0, got)));
  await reader.close();
  await reader.close();
  return Buffer.concat(parts);
}

describe.each([
  ['memory', () => spooledBytes(bytes) as Spooled],
  ['file', () => inFile],
])('a body in %s', (_kind, body) => {
  test('is read whole, by several at once', async () => {
    const all = await Promise.all([read(body()), read(body())]);
    expect(all.every((one) => one.equals(bytes))).toBe(true);
  });

  test('is read in part, a range being cut to its size', async () => {
    expect(await read(body(), { start: 10, end: 20 })).toEqual(bytes.subarray(10, 20));
    expect(await read(body(), { start: 990, end: 2000 })).toEqual(bytes.subarray(990));
    expect(await read(body(), { start: 5, end: 5 })).toHaveLength(0);
  });
});

test('a body whose file is gone cannot be read', async () => {
  const gone: Spooled = { ...inFile, kind: 'file', path: join(folder, 'gone') };
  await expect(openSpooled(gone, o)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
});
