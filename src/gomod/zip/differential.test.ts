import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { buildZip, extraField } from '../../../tests/fixtures/zip-builder.ts';
import { hasPython, type Seen, seenByPython, seenByYauzl } from '../../../tests/fixtures/zip-readers.ts';
import { skipUnless } from '../../../tests/skip.ts';
import { isAppError } from '../../std/errors.ts';
import type { HashedFile } from '../dirhash.ts';
import { memorySource } from './byte-source.ts';
import { createZip } from './create.ts';
import { EntryHasher, openModuleZip } from './inspect.ts';
import { readContents } from './reader.ts';

const AT = 'example.com/m@v1.0.0/';
const GO_MOD = 'module example.com/m\n';

const stamped = {
  local: { modified: 0x5a6b7c8d, extra: extraField(0x5455, Buffer.from('\x03abcdabcd')) },
  central: { modified: 0x5a6b7c8d, attributes: 0o100644 * 0x10000, extra: extraField(0x5455, Buffer.from('\x03abcd')) },
} as const;

/** Good zips of different makers; a mutation of a good zip gets further than noise. */
const seeds: readonly Buffer[] = [
  Buffer.from(
    await createZip('example.com/m', 'v1.0.0', [
      { name: 'go.mod', bytes: Buffer.from(GO_MOD) },
      { name: 'a/b.go', bytes: Buffer.from('package a\n'.repeat(20)) },
      { name: '\u4e16.txt', bytes: Buffer.alloc(0) },
    ]),
  ),
  buildZip(
    [
      { name: `${AT}go.mod`, data: GO_MOD, method: 0, ...stamped },
      { name: `${AT}a.go`, data: 'package a\n', ...stamped },
    ],
    { end: { comment: Buffer.from('built by hand') } },
  ),
  buildZip(
    [
      { name: `${AT}d/`, method: 0 },
      { name: `${AT}d/go.txt`, data: 'x'.repeat(300), descriptor: 'bare' },
    ],
    { zip64: {} },
  ),
];

/** What we see in `zip`, in the order of its directory; undefined when it is refused. */
async function seenByUs(zip: Buffer): Promise<readonly (readonly [string, string])[] | undefined> {
  try {
    const opened = openModuleZip(memorySource(zip), 'example.com/m', 'v1.0.0');
    const hasher = new EntryHasher();
    await readContents(opened, hasher);
    const hashes = new Map(hasher.files.map(({ name, sha256 }: HashedFile) => [name, sha256]));
    return opened.entries.map(({ name }) => [name, hashes.get(name) ?? '']);
  } catch (error) {
    // Anything but this code would be a bug of its own.
    if (isAppError(error, 'ZIP_INVALID')) return undefined;
    throw error;
  }
}

/** One change to the bytes; positions are shares of the length so that they shrink well. */
type Change = (zip: Buffer) => Buffer;

const position = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const VALUES = [0, 1, 2, 4, 8, 0x10, 0x20, 0x50, 0x7f, 0x80, 0xff, 0x4b];

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(position, fc.constantFrom(...VALUES)).map(
    ([at, value]): Change =>
      (zip) =>
        overwrite(zip, at, Buffer.of(value)),
  ),
  fc.tuple(position, fc.integer({ min: 0, max: 0xffff })).map(
    ([at, value]): Change =>
      (zip) =>
        overwrite(zip, at, Buffer.of(value & 0xff, value >> 8)),
  ),
  fc.tuple(position, fc.integer({ min: 0, max: 7 })).map(
    ([at, bit]): Change =>
      (zip) =>
        flip(zip, at, bit),
  ),
  fc.tuple(position, fc.uint8Array({ minLength: 1, maxLength: 8 })).map(
    ([at, bytes]): Change =>
      (zip) =>
        splice(zip, at, 0, bytes),
  ),
  fc.tuple(position, fc.integer({ min: 1, max: 30 })).map(
    ([at, count]): Change =>
      (zip) =>
        splice(zip, at, count, Buffer.of()),
  ),
  fc.tuple(position, position, fc.integer({ min: 1, max: 60 })).map(
    ([from, to, count]): Change =>
      (zip) =>
        copyWithin(zip, from, to, count),
  ),
  // Both copies of a field at once: the central header's fields stand two bytes later than the local one's.
  fc.tuple(fc.integer({ min: 4, max: 25 }), fc.integer({ min: 0, max: 7 })).map(
    ([field, bit]): Change =>
      (zip) =>
        inBothHeaders(zip, field, bit),
  ),
);

function overwrite(zip: Buffer, at: number, bytes: Buffer): Buffer {
  const changed = Buffer.from(zip);
  bytes.copy(changed, Math.floor(at * zip.length));
  return changed;
}

function flip(zip: Buffer, at: number, bit: number): Buffer {
  const index = Math.floor(at * zip.length);
  return overwrite(zip, at, Buffer.of((zip[index] ?? 0) ^ (1 << bit)));
}

function splice(zip: Buffer, at: number, count: number, bytes: Uint8Array): Buffer {
  const index = Math.floor(at * zip.length);
  return Buffer.concat([zip.subarray(0, index), bytes, zip.subarray(index + count)]);
}

function copyWithin(zip: Buffer, from: number, to: number, count: number): Buffer {
  const start = Math.floor(from * zip.length);
  return overwrite(zip, to, zip.subarray(start, start + count));
}

function inBothHeaders(zip: Buffer, field: number, bit: number): Buffer {
  const changed = Buffer.from(zip);
  const central = zip.indexOf(Buffer.from([0x50, 0x4b, 1, 2]));
  for (const at of [field, central + field + 2]) changed[at] = (changed[at] ?? 0) ^ (1 << bit);
  return changed;
}

describe('a zip that was tampered with', () => {
  const folder = mkdtempSync(join(tmpdir(), 'larder-zip-'));
  const accepted = new Map<string, { readonly zip: Buffer; readonly seen: Seen }>();
  let refused = 0;
  afterAll(() => rmSync(folder, { recursive: true }));

  test('is refused, or read by yauzl exactly as by us', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...seeds),
        fc.array(change, { minLength: 1, maxLength: 3 }),
        async (seed, changes) => {
          const zip = changes.reduce((bytes, one) => one(bytes), seed);
          const seen = await seenByUs(zip);
          if (seen === undefined) {
            refused++;
            return;
          }
          accepted.set(zip.toString('latin1'), { zip, seen });
          expect(await seenByYauzl(zip)).toEqual(seen);
        },
      ),
      { numRuns: 4000 },
    );
    expect(refused).toBeGreaterThan(1000);
    expect(accepted.size).toBeGreaterThan(50);
  });

  describe('and accepted', () => {
    skipUnless(hasPython(), 'python3 is not installed');

    test('is read by Python exactly as by us', async () => {
      const all = [...accepted.values()];
      const paths = all.map(({ zip }, i) => {
        const path = join(folder, `${i}.zip`);
        writeFileSync(path, zip);
        return path;
      });
      expect(await seenByPython(paths)).toEqual(all.map((one) => one.seen));
    });
  });
});

describe('a zip that we make', () => {
  // Names of devices are refused.
  const isDevice = (name: string): boolean => /(^|\/)(con|prn|aux|nul)[./]/.test(name);
  const fileName = fc.stringMatching(/^[a-z]{1,6}(\/[a-z]{1,6}){0,2}\.txt$/).filter((name) => !isDevice(name));
  const contents = fc.dictionary(fileName, fc.uint8Array({ maxLength: 300 }), { maxKeys: 8, noNullPrototype: true });

  test('holds what went in, for us and for yauzl', async () => {
    await fc.assert(
      fc.asyncProperty(contents, async (files) => {
        const entries = Object.entries(files).map(([name, bytes]) => ({ name, bytes }));
        const zip = Buffer.from(await createZip('example.com/m', 'v1.0.0', entries));
        const seen = await seenByUs(zip);
        expect(seen?.map(([name]) => name)).toEqual(entries.map(({ name }) => AT + name));
        expect(await seenByYauzl(zip)).toEqual(seen);
      }),
      { numRuns: 100 },
    );
  });
});
