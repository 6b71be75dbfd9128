import { beforeEach, describe, expect, test } from 'vitest';
import { settle } from '../../tests/fakes/manual-clock.ts';
import { GrowingInMemory } from '../../tests/fakes/memory-spool.ts';
import { idOf } from '../../tests/fakes/resolver-rig.ts';
import { openSpooled } from '../io/spooled-reader.ts';
import { spooledBytes } from '../io/spool.ts';
import { AppError } from '../std/errors.ts';
import type { BlobReader } from '../storage/store.ts';
import { Arriving, HELD_BACK_BYTES } from './arriving.ts';
import type { StoredArtifact } from './needs.ts';

const id = idOf('rsc.io/quote@v1.5.2', 'zip');
const o = { signal: new AbortController().signal };
const SIZE = 1_000_000;
const FREE = SIZE - 65_557;
const zip = Buffer.from(Array.from({ length: SIZE }, (_, i) => (i * 31 + (i >> 8)) & 255));

let body: GrowingInMemory;
let arriving: Arriving;
let holds: Set<object>;
beforeEach(() => {
  body = new GrowingInMemory();
  holds = new Set();
  arriving = new Arriving({ id, source: 'A', sizeBytes: SIZE, body, hold });
});

function hold(): () => void {
  const one = {};
  holds.add(one);
  return () => void holds.delete(one);
}

function grow(bytes: Uint8Array): void {
  body.add(bytes);
  arriving.grew();
}

function stored(bytes: Uint8Array): StoredArtifact {
  const spooled = spooledBytes(bytes);
  const record = { sha256: spooled.sha256, sizeBytes: bytes.length, source: 'A' };
  return { id, record, open: (asked) => openSpooled(spooled, asked) };
}

/** Pulls until the end or a failure, and tells what came until now. */
function follow(reader: BlobReader, stepBytes = 100_000) {
  const got = { bytes: Buffer.alloc(0), end: 'none yet' };
  void (async () => {
    const into = Buffer.alloc(stepBytes);
    try {
      for (let length = await reader.pull(into); length > 0; length = await reader.pull(into))
        got.bytes = Buffer.concat([got.bytes, into.subarray(0, length)]);
      got.end = 'whole';
    } catch (error) {
      got.end = error instanceof AppError ? error.code : String(error);
    }
  })();
  return got;
}

test('what is held back reaches as far as the end record of a zip can', () => {
  expect(HELD_BACK_BYTES).toBe(65_557);
});

describe('a zip that is still arriving', () => {
  test('gives each piece as it comes', async () => {
    const got = follow(await arriving.open(o));
    grow(zip.subarray(0, 10));
    await settle();
    expect(got.bytes).toEqual(zip.subarray(0, 10));
    grow(zip.subarray(10, 300_000));
    await settle();
    expect(got.bytes.equals(zip.subarray(0, 300_000))).toBe(true);
    expect(arriving.record).toEqual({ sha256: undefined, sizeBytes: SIZE, source: 'A' });
  });

  test.each([FREE - 1, FREE, FREE + 1, SIZE])(
    'never gives more than all but its last 65,557 bytes before it is stored (%i bytes here)',
    async (come) => {
      const got = follow(await arriving.open(o));
      grow(zip.subarray(0, come));
      await settle();
      expect(got.bytes.length).toBe(Math.min(come, FREE));
      expect(got.end).toBe('none yet');
    },
  );

  test('gives the rest when it is stored, whole and in order, at any pace and size of buffer', async () => {
    const all = await Promise.all([1000, 65_536, 7_000_000].map(async (step) => follow(await arriving.open(o), step)));
    grow(zip.subarray(0, 500_000));
    await settle();
    const late = follow(await arriving.open(o));
    grow(zip.subarray(500_000));
    arriving.settle(stored(zip), body.sha256());
    const after = follow(await arriving.open(o));
    await expect.poll(() => [...all, late, after].map((one) => one.end)).toEqual(Array(5).fill('whole'));
    expect([...all, late, after].every((one) => one.bytes.equals(zip))).toBe(true);
  });

  test('gives nothing more, and no end, when it fails: before, in the middle, and with all but the end given', async () => {
    for (const come of [0, 400_000, SIZE]) {
      body = new GrowingInMemory();
      arriving = new Arriving({ id, source: 'A', sizeBytes: SIZE, body, hold });
      const got = follow(await arriving.open(o));
      grow(zip.subarray(0, come));
      await settle();
      arriving.fail(new AppError('CHECKSUM_MISMATCH', 'not the proven bytes'));
      await settle();
      expect([got.end, got.bytes.length]).toEqual(['CHECKSUM_MISMATCH', Math.min(come, FREE)]);
    }
  });

  test('cannot be made good after it failed', async () => {
    arriving.fail(new AppError('ZIP_INVALID', 'no zip'));
    arriving.settle(stored(zip), body.sha256());
    const got = follow(await arriving.open(o));
    await settle();
    expect(got.end).toBe('ZIP_INVALID');
  });

  test('fails when other bytes than its own are what is stored, whatever is in them', async () => {
    const got = follow(await arriving.open(o));
    grow(zip);
    arriving.settle(stored(Buffer.from(zip).reverse()), body.sha256());
    await settle();
    expect(got.end).toBe('CONFLICT');
  });

  test('fails when it is not of the announced size', async () => {
    const got = follow(await arriving.open(o));
    grow(zip.subarray(0, SIZE - 1));
    await settle();
    arriving.settle(stored(zip.subarray(0, SIZE - 1)), body.sha256());
    await settle();
    expect(got.end).toBe('CONFLICT');
    expect(got.bytes.length).toBe(FREE);
  });

  test('smaller than what is held back gives nothing before it is stored', async () => {
    arriving = new Arriving({ id, source: 'A', sizeBytes: 65_557, body, hold });
    const got = follow(await arriving.open(o));
    grow(zip.subarray(0, 65_557));
    await settle();
    expect(got.bytes.length).toBe(0);
    arriving.settle(stored(zip.subarray(0, 65_557)), body.sha256());
    await settle();
    expect([got.end, got.bytes.length]).toEqual(['whole', 65_557]);
  });

  test('goes on as another one that has come as far', async () => {
    const got = follow(await arriving.open(o));
    grow(zip.subarray(0, 300_000));
    await settle();
    const [broken, second] = [arriving, new GrowingInMemory()];
    body = second;
    arriving = new Arriving({ id, source: 'B', sizeBytes: SIZE, body: second, hold });
    grow(zip.subarray(0, 310_000));
    broken.continueAs(arriving);
    await settle();
    expect(got.bytes.length).toBe(310_000);
    grow(zip.subarray(310_000));
    arriving.settle(stored(zip), second.sha256());
    await settle();
    expect(got.end).toBe('whole');
    expect(got.bytes.equals(zip)).toBe(true);
  });

  test('a part is given when all is stored', async () => {
    const reader = arriving.open({ ...o, range: { start: 10, end: 20 } });
    grow(zip);
    expect(await Promise.race([reader, settle()])).toBeUndefined();
    arriving.settle(stored(zip), body.sha256());
    const got = follow(await reader);
    await settle();
    expect(got.bytes).toEqual(zip.subarray(10, 20));
  });

  test('a reader that gives up is free at once, and holds the fetch no longer', async () => {
    const gone = new AbortController();
    const reader = await arriving.open({ signal: gone.signal });
    const got = follow(reader);
    await settle();
    expect(holds.size).toBe(1);
    gone.abort();
    await settle();
    expect(got.end).toBe('ABORTED');
    await reader.close();
    await reader.close();
    expect(holds.size).toBe(0);
  });
});
