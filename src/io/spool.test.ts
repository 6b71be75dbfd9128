import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { join } from 'node:path';
import { skipUnless } from '../../tests/skip.ts';
import type { GrowingBody } from '../sources/source.ts';
import { createSpoolDirectory, spooledBytes } from './spool.ts';
import { openTempDirectory, type TempDirectory } from './temp-directory.ts';

const MAY_MOUNT = spawnSync('unshare', ['-m', 'true']).status === 0;
const SPOOLER = join(import.meta.dirname, '../../tests/fault/full-disk-spooler.ts');
const o = { signal: new AbortController().signal };
let root: string;
let temp: TempDirectory;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'larder-spool-'));
  temp = await openTempDirectory(root);
});
afterAll(async () => {
  await temp.close();
  await rm(root, { recursive: true });
});

const leftBehind = async (): Promise<string[]> => await readdir(temp.path);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function* body(...chunks: (Uint8Array | Error)[]): AsyncIterable<Uint8Array> {
  for (const chunk of chunks) {
    if (chunk instanceof Error) throw chunk;
    yield chunk;
  }
}

describe('a spool', () => {
  const spools = () => createSpoolDirectory({ temp, memoryBytes: 1000 });

  test.each([0, 1, 999, 1000])('keeps %i bytes in memory', async (size) => {
    const bytes = Buffer.alloc(size, 'ab');
    const spooled = await spools()
      .spool(5000)
      .fill(body(bytes.subarray(0, 3), bytes.subarray(3)), o);
    expect(spooled).toMatchObject({ kind: 'memory', sizeBytes: size, sha256: sha256(bytes) });
    expect(spooled.kind === 'memory' && Buffer.from(spooled.bytes).equals(bytes)).toBe(true);
    expect(await leftBehind()).toEqual([]);
  });

  test.each([1001, 70_000, 5_000_000])('keeps %i bytes in a file, until they are discarded', async (size) => {
    const bytes = Buffer.from(Array.from({ length: size }, (_, i) => (i * 31) & 255));
    const chunks = Array.from({ length: Math.ceil(size / 60_000) }, (_, i) =>
      bytes.subarray(i * 60_000, (i + 1) * 60_000),
    );
    const spooled = await spools()
      .spool(size)
      .fill(body(...chunks), o);
    expect(spooled).toMatchObject({ kind: 'file', sizeBytes: size, sha256: sha256(bytes) });
    expect(spooled.kind === 'file' && (await readFile(spooled.path)).equals(bytes)).toBe(true);
    expect(await leftBehind()).toHaveLength(1);
    await spooled.discard();
    await spooled.discard();
    expect(await leftBehind()).toEqual([]);
  });

  test.each([10, 5000, 3_000_000])('stops at its cap of %i bytes with TOO_LARGE and leaves nothing', async (cap) => {
    const endless = (async function* () {
      for (;;) yield Buffer.alloc(500);
    })();
    await expect(spools().spool(cap, 'zip of m@v1.0.0').fill(endless, o)).rejects.toMatchObject({
      code: 'TOO_LARGE',
      message: `receive zip of m@v1.0.0: more than ${cap} bytes`,
    });
    expect(await leftBehind()).toEqual([]);
  });

  test('takes a body of exactly its cap', async () => {
    expect(
      (
        await spools()
          .spool(5000)
          .fill(body(Buffer.alloc(5000)), o)
      ).sizeBytes,
    ).toBe(5000);
    await Promise.all((await leftBehind()).map((name) => rm(join(temp.path, name))));
  });

  test.each([0, 10, 5000, 3_000_000])('fails as the body fails after %i bytes, and leaves nothing', async (size) => {
    const failure = new Error('connection reset');
    await expect(
      spools()
        .spool(9_000_000)
        .fill(body(Buffer.alloc(size), failure), o),
    ).rejects.toBe(failure);
    expect(await leftBehind()).toEqual([]);
  });

  test('stops at once when its signal fires, even if the body hangs, tells the body, and leaves nothing', async () => {
    let isTold = false;
    const hanging: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => {
        let calls = 0;
        return {
          next: () =>
            calls++ < 4 ? Promise.resolve({ done: false, value: Buffer.alloc(600_000) }) : new Promise(() => undefined),
          return: () => {
            isTold = true;
            return new Promise(() => undefined);
          },
        };
      },
    };
    const stop = AbortSignal.timeout(50);
    const filling = spools().spool(9_000_000).fill(hanging, { signal: stop }); // oxlint-disable-line unicorn/no-array-fill-with-reference-type -- not an array
    await expect(filling).rejects.toMatchObject({ code: 'ABORTED' });
    expect(isTold).toBe(true);
    expect(await leftBehind()).toEqual([]);
  });

  test('says what to do when its folder is gone', async () => {
    const gone = { ...temp, path: join(root, 'gone'), newPath: () => join(root, 'gone', 'x') };
    const spool = createSpoolDirectory({ temp: gone, memoryBytes: 0 }).spool(10);
    await expect(spool.fill(body(Buffer.from('x')), o)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: /unmounted/,
    });
  });

  test('several bodies at once do not mix', async () => {
    const spool = spools().spool(1_000_000);
    const all = await Promise.all(
      ['a', 'b', 'c', 'd'].map((c) => spool.fill(body(...Array.from({ length: 50 }, () => Buffer.alloc(9999, c))), o)),
    );
    expect(all.map((one) => one.sha256)).toEqual(['a', 'b', 'c', 'd'].map((c) => sha256(Buffer.alloc(499_950, c))));
    for (const one of all) await one.discard();
    expect(await leftBehind()).toEqual([]);
  });
});

describe('a body that is read while it comes', () => {
  const spools = () => createSpoolDirectory({ temp, memoryBytes: 1000 });
  const bytes = Buffer.from(Array.from({ length: 5_000_000 }, (_, i) => (i * 31 + (i >> 8)) & 255));

  /** A body that comes one piece at a time, when told to. */
  function byHand(pieceBytes: number) {
    const turns: PromiseWithResolvers<void>[] = [];
    const turn = (n: number) => (turns[n] ??= Promise.withResolvers<void>());
    let told = 0;
    let failure: Error | undefined;
    const pieces = (async function* () {
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        await turn(at / pieceBytes).promise;
        if (failure !== undefined) throw failure;
        yield bytes.subarray(at, at + pieceBytes);
      }
    })();
    const next = (): void => turn(told++).resolve();
    const fail = (error: Error): void => {
      failure = error;
      next();
    };
    return { pieces, next, fail };
  }

  async function readAll(body: GrowingBody, stepBytes: number): Promise<Buffer> {
    const got: Buffer[] = [];
    for (let at = 0; ; ) {
      const into = Buffer.alloc(stepBytes);
      const length = await body.read(at, into);
      if (length === 0) return Buffer.concat(got);
      got.push(into.subarray(0, length));
      at += length;
    }
  }

  test('shows each piece as soon as it has come, wherever it lies, to readers at any pace', async () => {
    const { pieces, next } = byHand(300_000);
    let grown: GrowingBody | undefined;
    const filling = spools() // oxlint-disable-line unicorn/no-array-fill-with-reference-type -- not an array
      .spool(9_000_000)
      .fill(pieces, { ...o, onGrown: (body) => (grown = body) });
    for (let come = 1; come <= 10; come++) {
      next();
      await expect.poll(() => grown?.receivedBytes).toBe(come * 300_000);
      const seen = await Promise.all([700, 64_000, 9_000_000].map((step) => readAll(grown as GrowingBody, step)));
      expect(seen.map((one) => one.equals(bytes.subarray(0, come * 300_000)))).toEqual([true, true, true]);
      expect(grown?.sha256()).toBe(sha256(bytes.subarray(0, come * 300_000)));
    }
    for (let come = 10; come < 17; come++) next();
    const spooled = await filling;
    expect((await readAll(grown as GrowingBody, 100_000)).equals(bytes)).toBe(true);
    expect(grown?.sha256()).toBe(spooled.sha256);
    await spooled.discard();
    expect(await readAll(grown as GrowingBody, 100_000)).toHaveLength(0);
    expect(await leftBehind()).toEqual([]);
  });

  test('a body that stays in memory can be read to its end too', async () => {
    let grown: GrowingBody | undefined;
    const small = spools().spool(1000);
    const spooled = await small.fill(body(Buffer.from('ab'), Buffer.from('c')), { ...o, onGrown: (b) => (grown = b) });
    expect((await readAll(grown as GrowingBody, 2)).toString()).toBe('abc');
    await spooled.discard();
    expect(await readAll(grown as GrowingBody, 2)).toHaveLength(0);
  });

  test('nothing is there any more when the body was given up, but the hash of what had come is', async () => {
    const { pieces, next, fail } = byHand(1_200_000);
    let grown: GrowingBody | undefined;
    const filling = spools() // oxlint-disable-line unicorn/no-array-fill-with-reference-type -- not an array
      .spool(9_000_000)
      .fill(pieces, { ...o, onGrown: (b) => (grown = b) })
      .catch((error: unknown) => error);
    next();
    next();
    await expect.poll(() => grown?.receivedBytes).toBe(2_400_000);
    fail(new Error('cut'));
    expect(await filling).toEqual(new Error('cut'));
    expect(await readAll(grown as GrowingBody, 100_000)).toHaveLength(0);
    expect(grown?.sha256()).toBe(sha256(bytes.subarray(0, 2_400_000)));
    expect(await leftBehind()).toEqual([]);
  });

  test('a reader that is in the middle of the file when it is discarded is not disturbed', async () => {
    let grown: GrowingBody | undefined;
    const spooled = await spools()
      .spool(9_000_000)
      .fill(body(bytes), { ...o, onGrown: (b) => (grown = b) });
    const into = Buffer.alloc(bytes.length);
    const [length] = await Promise.all([grown?.read(0, into), spooled.discard()]);
    expect(into.subarray(0, length).equals(bytes.subarray(0, length))).toBe(true);
    expect(length).toBeGreaterThan(0);
  });
});

describe('a spool on a volume without room', () => {
  skipUnless(MAY_MOUNT, 'mount namespaces are not allowed here');

  /** What bodies of these sizes become on a fresh tmpfs of 3 MiB, each held until all are there; then one more, after all were discarded. */
  const run = (options: object, ...sizes: number[]): Record<string, unknown>[] => {
    const script = 'mount -t tmpfs -o size=3m larder-test "$1" && "$2" "$3" "$1" "$4" "$5" && find "$1/.tmp" -type f';
    const args = ['sh', root, process.execPath, SPOOLER, JSON.stringify(options), JSON.stringify(sizes)];
    const child = spawnSync('unshare', ['-m', 'sh', '-c', script, ...args], { encoding: 'utf8' });
    const lines = child.stdout.trim().split('\n');
    expect([child.stderr, lines.length]).toEqual(['', 1]);
    return JSON.parse(lines[0] ?? '') as Record<string, unknown>[];
  };

  test('goes on in memory, with what had been written already', () => {
    const [small, large, huge] = run({}, 1_000_000, 9_999_999, 20_000_000);
    expect(small).toMatchObject({ kind: 'file', isRight: true });
    expect(large).toMatchObject({ kind: 'memory', isRight: true });
    expect(huge).toMatchObject({ kind: 'memory', isRight: true });
  });

  test('up to a size per body', () => {
    const [failed, kept] = run({ rescuedBodyBytes: 5_000_000 }, 5_000_001, 5_000_000);
    expect(failed).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: 'keep a body: ENOSPC: the volume of the data folder is full: free space or inodes, or enlarge it',
    });
    expect(kept).toMatchObject({ kind: 'memory', isRight: true });
  });

  test('up to a size of all bodies, and again after they are discarded', () => {
    const outcomes = run({ rescuedBytes: 9_000_000 }, 4_000_000, 4_000_000, 4_000_000);
    expect(outcomes).toMatchObject([
      { kind: 'memory', isRight: true },
      { kind: 'memory', isRight: true },
      { code: 'STORE_UNAVAILABLE' },
      { kind: 'memory', isRight: true },
    ]);
  });
});

test('bytes at hand are a body too', () => {
  expect(spooledBytes(Buffer.from('abc'))).toMatchObject({
    kind: 'memory',
    sizeBytes: 3,
    sha256: sha256(Buffer.from('abc')),
  });
});
