import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync, constants as zlib } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type BuiltEntry, type BuiltZip, buildZip, extraField, words } from '../../../tests/fixtures/zip-builder.ts';
import { hasPython, seenByPython, seenByYauzl } from '../../../tests/fixtures/zip-readers.ts';
import { isAppError } from '../../std/errors.ts';
import { sha256Hex } from '../sha256.ts';
import { type ByteSource, memorySource } from './byte-source.ts';
import { crc32 } from './inflate.ts';
import { inspectModuleZip } from './inspect.ts';

const AT = 'example.com/m@v1.0.0/';
const GO_MOD: BuiltEntry = { name: `${AT}go.mod`, data: 'module example.com/m\n' };
const A: BuiltEntry = { name: `${AT}a.go`, data: 'package m\n' };
const EVIL = 'package evil\n';

async function verdictOn(source: ByteSource): Promise<string> {
  try {
    await inspectModuleZip(source, 'example.com/m', 'v1.0.0');
    return 'accepted';
  } catch (error) {
    if (isAppError(error, 'ZIP_INVALID')) return error.message;
    throw error;
  }
}

const judge = (zip: Uint8Array): Promise<string> => verdictOn(memorySource(zip));

/** A file whose one byte of difference is easy to overlook: `a.go` with another local field. */
function withLocal(local: BuiltEntry['local'], entry: BuiltEntry = A): Buffer {
  return buildZip([GO_MOD, { ...entry, local: { ...local } }]);
}

function withCentral(central: BuiltEntry['central'], entry: BuiltEntry = A): Buffer {
  return buildZip([GO_MOD, { ...entry, ...(central === undefined ? {} : { central }) }]);
}

const named = (name: string | Uint8Array, more: Partial<BuiltEntry> = {}): Buffer =>
  buildZip([GO_MOD, { name: typeof name === 'string' ? AT + name : name, data: 'x', ...more }]);

const ended = (zip: BuiltZip): Buffer => buildZip([GO_MOD, A], zip);

const twoFiles = buildZip([GO_MOD, A]);
const directoryOf = (zip: Buffer): number => zip.readUInt32LE(zip.length - 6);
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
const unix = (mode: number): number => (mode << 16) >>> 0;
const compressedA = deflateRawSync(String(A.data));

/** A whole second zip, as the data of a stored file or in a comment. */
const innerZip = buildZip([{ name: `${AT}go.mod`, data: EVIL }]);

/** Zips that some reader accepts, or reads in a way of its own. */
const hostile: Readonly<Record<string, Buffer>> = {
  // the ends of the file
  'bytes before the zip': ended({ prefix: latin1('#!/bin/sh\n') }),
  'bytes before the zip that the offsets allow for': ended({ prefix: latin1('#!/bin/sh\n'), countsPrefix: true }),
  'a zip before the zip': Buffer.concat([innerZip, twoFiles]),
  'a zip behind the zip': Buffer.concat([twoFiles, innerZip]),
  'one byte behind the zip': ended({ trailing: latin1('\0') }),
  'the end record twice': Buffer.concat([twoFiles, twoFiles.subarray(-22)]),
  'an end record in the comment': ended({ end: { comment: twoFiles.subarray(-22) } }),
  'a whole zip in the comment': ended({ end: { comment: innerZip } }),
  'half an end record in the comment': ended({ end: { comment: twoFiles.subarray(-22, -4) } }),
  'a comment shorter than it says': ended({ end: { commentBytes: 7 } }),
  'a comment longer than it says': ended({ end: { comment: latin1('comment'), commentBytes: 3 } }),
  'an end record whose comment reaches over another': buildZip([GO_MOD, A], {
    end: { comment: Buffer.concat([latin1('x'.repeat(50)), twoFiles.subarray(-22)]) },
  }),
  'two end records that both reach the end': Buffer.concat([
    twoFiles.subarray(0, -2),
    latin1('\x16\0'),
    buildZip([], {
      end: { entries: 2, sizeBytes: twoFiles.length - 22 - directoryOf(twoFiles), offset: directoryOf(twoFiles) },
    }),
  ]),
  'no end record': twoFiles.subarray(0, -22),
  'a cut end record': twoFiles.subarray(0, -1),
  'nothing at all': Buffer.alloc(0),
  'an HTML page': latin1('<html><body>Please log in to the network</body></html>'),
  'zero bytes only': Buffer.alloc(4096),
  // what the end record says
  'one entry less': ended({ end: { entries: 1 } }),
  'one entry more': ended({ end: { entries: 3 } }),
  'no entries, though there are some': ended({ end: { entries: 0 } }),
  'entry counts that differ': ended({ end: { entriesHere: 1 } }),
  'a directory one byte smaller': ended({ end: { sizeBytes: twoFiles.length - 22 - directoryOf(twoFiles) - 1 } }),
  'a directory that starts one byte later': ended({ end: { offset: directoryOf(twoFiles) + 1 } }),
  'a directory of no bytes': ended({ end: { sizeBytes: 0 } }),
  'another disk': ended({ end: { disk: 1 } }),
  'bytes before the directory': ended({ beforeDirectory: latin1('hidden') }),
  'bytes behind the directory': ended({ afterDirectory: latin1('hidden') }),
  'a digital signature behind the directory': ended({ afterDirectory: words(0x05054b50, 0) }),
  // zip64
  'zip64 without need': ended({ zip64: { sentinels: [] } }),
  'zip64 with another count': ended({ zip64: { entries: 1 } }),
  'zip64 with another offset': ended({ zip64: { offset: 1 } }),
  'zip64 with another size': ended({ zip64: { sizeBytes: 4 } }),
  'zip64 that contradicts the plain count': ended({ zip64: { sentinels: ['offset'] }, end: { entries: 1 } }),
  'zip64 locator that points elsewhere': ended({ zip64: { locatorOffset: 0 } }),
  'zip64 on two disks': ended({ zip64: { disks: 2 } }),
  'zip64 record with more in it': ended({ zip64: { recordBytes: 60 } }),
  'zip64 promised but missing': ended({ end: { offset: 0xffffffff } }),
  'a zip64 field without need': withCentral({ extra: extraField(1, words(99, 0)) }),
  'a zip64 field with a value too many': withCentral({
    sizeBytes: 0xffffffff,
    extra: extraField(1, words(10, 0, 10, 0)),
  }),
  'a zip64 field that is cut': withCentral({ sizeBytes: 0xffffffff, extra: extraField(1, words(10)) }),
  'two zip64 fields': withCentral({
    sizeBytes: 0xffffffff,
    extra: Buffer.concat([extraField(1, words(10, 0)), extraField(1, words(11, 0))]),
  }),
  'a zip64 field in the local header only': withLocal({ extra: extraField(1, words(99, 0, 99, 0)) }),
  // local header against central directory
  'another name in the local header': withLocal({ name: `${AT}b.go` }),
  'a longer name in the local header': withLocal({ name: `${AT}a.go\0.txt` }),
  'a name that is cut in the local header': withLocal({ nameBytes: AT.length }),
  'another method in the local header': withLocal({ method: 0 }),
  'another CRC in the local header': withLocal({ crc32: 1 }),
  'no CRC in the local header': withLocal({ crc32: 0 }),
  'another size in the local header': withLocal({ sizeBytes: 11 }),
  'another compressed size in the local header': withLocal({ compressedBytes: compressedA.length + 1 }),
  'another time in the local header': withLocal({ modified: 1 }),
  'the encryption flag in the local header only': withLocal({ flags: 1 }),
  'the descriptor flag in the local header only': withLocal({ flags: 8 }),
  'the descriptor flag in the directory only': withCentral({ flags: 8 }),
  'no local header': withLocal({ signature: 0x04034b51 }),
  'extra fields that swallow the data': withLocal({ extraBytes: compressedA.length }),
  // the data
  'a wrong CRC in both places': withCentral({ crc32: 1 }, { ...A, local: { crc32: 1 } }),
  'a size that is too small in both places': withCentral({ sizeBytes: 9 }, { ...A, local: { sizeBytes: 9 } }),
  'a size that is too large in both places': withCentral({ sizeBytes: 11 }, { ...A, local: { sizeBytes: 11 } }),
  'an empty file with something in it': withCentral(
    { sizeBytes: 0, crc32: 0 },
    { ...A, local: { sizeBytes: 0, crc32: 0 } },
  ),
  'bytes behind the deflate stream': buildZip([
    GO_MOD,
    { ...A, compressed: Buffer.concat([compressedA, latin1('hidden')]) },
  ]),
  'a second deflate stream': buildZip([
    GO_MOD,
    { ...A, compressed: Buffer.concat([compressedA, deflateRawSync(EVIL)]) },
  ]),
  'a cut deflate stream': buildZip([GO_MOD, { ...A, compressed: compressedA.subarray(0, -2) }]),
  'a deflate stream without an end': buildZip([
    GO_MOD,
    { ...A, compressed: deflateRawSync(String(A.data), { finishFlush: zlib.Z_SYNC_FLUSH }) },
  ]),
  'damaged deflate data': buildZip([GO_MOD, { ...A, compressed: Buffer.alloc(10, 0xff) }]),
  'stored data with another compressed size': withCentral(
    { compressedBytes: 12 },
    { ...A, method: 0, compressed: latin1('package m\n//'), local: { compressedBytes: 12 } },
  ),
  'no data descriptor where one is promised': buildZip([GO_MOD, { ...A, flags: 8 }]),
  'a data descriptor with another CRC': buildZip([
    GO_MOD,
    { ...A, descriptor: words(0x08074b50, 1, compressedA.length, 10) },
  ]),
  'a data descriptor with another size': buildZip([
    GO_MOD,
    { ...A, descriptor: words(0x08074b50, crc32(Buffer.from(String(A.data))), compressedA.length, 9) },
  ]),
  'a data descriptor with 64-bit sizes out of place': buildZip([GO_MOD, { ...A, descriptor: 'signed64' }]),
  'a data descriptor inside stored data': buildZip([
    GO_MOD,
    {
      ...A,
      method: 0,
      descriptor: 'signed',
      data: Buffer.concat([latin1('pack'), words(0x08074b50, crc32(latin1('pack')), 4, 4), innerZip]),
    },
  ]),
  // where entries lie
  'bytes between two entries': buildZip([{ ...GO_MOD, after: latin1('hidden') }, A]),
  'an entry that no directory tells of': buildZip([GO_MOD, { name: `${AT}evil.go`, data: EVIL, central: 'none' }, A]),
  'the first entry hidden': buildZip([{ name: `${AT}go.mod`, data: EVIL, central: 'none' }, GO_MOD, A]),
  'two entries that share their data': buildZip([GO_MOD, A, { ...A, central: { offset: 0, name: `${AT}b.go` } }]),
  'entries that overlap, one inside the other': fifield(),
  'an offset in the middle of another entry': withCentral({ offset: 10 }),
  'an offset behind the directory': withCentral({ offset: 100_000 }),
  'directory headers that are cut': withCentral({ nameBytes: 60_000 }),
  'another signature in the directory': withCentral({ signature: 0x02014b51 }),
  // what is not a plain file
  'an encrypted file': buildZip([GO_MOD, { ...A, flags: 1 }]),
  'a file with strong encryption': buildZip([GO_MOD, { ...A, flags: 0x41 }]),
  'a masked local header': buildZip([GO_MOD, { ...A, flags: 0x2000 }]),
  'a patch': buildZip([GO_MOD, { ...A, flags: 0x20 }]),
  'bzip2 data': buildZip([GO_MOD, { ...A, method: 12, compressed: latin1('BZh9') }]),
  'zstd data': buildZip([GO_MOD, { ...A, method: 93, compressed: latin1('x') }]),
  'a symbolic link': withCentral({ attributes: unix(0o120777) }, { ...A, method: 0, data: '/etc/passwd' }),
  'a device': withCentral({ attributes: unix(0o020666) }),
  'a FIFO': withCentral({ attributes: unix(0o010666) }),
  'a file marked as a directory': withCentral({ attributes: 0x10 }),
  'a directory with content': named('d/', { data: EVIL }),
  'a directory marked as a link': named('d/', { data: '', method: 0, central: { attributes: unix(0o120777) } }),
  'the next disk': withCentral({ disk: 1 }),
  'a version of the format to come': withCentral({ versionNeeded: 90 }),
  // names
  'a name twice': buildZip([GO_MOD, A, { ...A, data: EVIL }]),
  'a directory twice': buildZip([GO_MOD, { name: `${AT}d/`, method: 0 }, { name: `${AT}d/`, method: 0 }]),
  'names that differ by case': buildZip([GO_MOD, A, { name: `${AT}A.go`, data: EVIL }]),
  'directories that differ by case': buildZip([GO_MOD, { name: `${AT}d/a`, data: '' }, { name: `${AT}D/b`, data: '' }]),
  'names that differ by a Kelvin sign': buildZip([
    GO_MOD,
    { name: `${AT}k`, data: '' },
    { name: `${AT}\u212a`, data: '' },
  ]),
  'a file and a directory of one name': buildZip([
    GO_MOD,
    { name: `${AT}d`, data: '' },
    { name: `${AT}d/a`, data: '' },
  ]),
  'a name that climbs': named(latin1('example.com/m@v1.0.0/../evil.go')),
  'a name that climbs to the root': named(latin1('../../../../etc/cron.d/evil')),
  'an absolute name': named(latin1('/etc/cron.d/evil')),
  'a drive letter': named('C:/evil.go'),
  'a backslash': named('..\\evil.go'),
  'a zero byte': named('a.go\0.txt'),
  'a newline': named('a\nb.go'),
  'a name that is not UTF-8': named(Buffer.concat([latin1(AT), latin1('\xe9.go')]), { flags: 0x800 }),
  'an overlong slash': named(Buffer.concat([latin1(AT), latin1('..\xc0\xafevil')]), { flags: 0x800 }),
  'a UTF-8 name that is not marked as such': named('\u00e9.go', { flags: 0 }),
  'an empty name': named(latin1('')),
  'a dot element': named('./a.go'),
  'a double slash': named('d//a.go'),
  'a Windows device': named('aux.go'),
  'a trailing dot': named('a.'),
  'the name in an extra field': withCentral({ extra: extraField(0x7075, unicodeName(`${AT}a.go`, `${AT}evil.go`)) }),
  'the name in a local extra field': withLocal({ extra: extraField(0x7075, unicodeName(`${AT}a.go`, `${AT}evil.go`)) }),
  'extra fields that are cut': withCentral({ extra: latin1('UT\x09\0ab') }),
  'extra fields with a rest': withCentral({
    extra: Buffer.concat([extraField(0x5455, latin1('\x01abcd')), latin1('xx')]),
  }),
  // the go command's rules
  'another module': buildZip([{ name: 'example.com/n@v1.0.0/go.mod', data: 'module example.com/n\n' }]),
  'another version': buildZip([{ name: 'example.com/m@v1.0.1/go.mod', data: 'module example.com/m\n' }]),
  'no prefix': buildZip([{ name: 'go.mod', data: 'module example.com/m\n' }]),
  'the escaped path as prefix': buildZip([{ name: 'example.com/!m@v1.0.0/go.mod', data: '' }]),
  'a go.mod in another case': buildZip([{ name: `${AT}GO.MOD`, data: 'module example.com/m\n' }]),
  'a go.mod below the root': buildZip([GO_MOD, { name: `${AT}sub/go.mod`, data: 'module example.com/m/sub\n' }]),
  'a go.mod over 16 MiB': buildZip([{ name: `${AT}go.mod`, data: Buffer.alloc((16 << 20) + 1) }]),
  'a LICENSE over 16 MiB': buildZip([GO_MOD, { name: `${AT}LICENSE`, data: Buffer.alloc((16 << 20) + 1) }]),
  'more than 500 MiB unpacked, as it says': withCentral(
    { sizeBytes: (500 << 20) + 1 },
    { ...A, local: { sizeBytes: (500 << 20) + 1 } },
  ),
};

/** Every file but the last is stored and has the local headers and data of all after it as its own data: one kernel, counted many times. */
function fifield(): Buffer {
  const kernel = buildZip([{ name: `${AT}z`, data: 'kernel' }]);
  const inner = kernel.subarray(0, directoryOf(kernel));
  const outer = buildZip([{ name: `${AT}y`, data: inner, method: 0 }]);
  const start = directoryOf(outer) - inner.length;
  return buildZip([
    { name: `${AT}y`, data: inner, method: 0 },
    { name: `${AT}z`, data: 'kernel', central: { offset: start } },
  ]);
}

function unicodeName(plain: string, name: string): Buffer {
  return Buffer.concat([latin1('\x01'), words(crc32(Buffer.from(plain))), Buffer.from(name)]);
}

/** Zips that honest programs make. */
const honest: Readonly<Record<string, Buffer>> = {
  'as Go writes it': buildZip([
    { ...GO_MOD, descriptor: 'signed' },
    { ...A, descriptor: 'signed' },
  ]),
  'without entries': buildZip([]),
  'with sizes in front': twoFiles,
  stored: buildZip([{ ...GO_MOD, method: 0 }, A]),
  'stored by Go': buildZip([
    { ...GO_MOD, method: 0, descriptor: 'signed' },
    { ...A, descriptor: 'signed' },
  ]),
  'with a descriptor without signature': buildZip([GO_MOD, { ...A, descriptor: 'bare' }]),
  'with a zip64 field in front of a descriptor': buildZip([
    GO_MOD,
    {
      ...A,
      descriptor: 'signed64',
      local: { compressedBytes: 0xffffffff, sizeBytes: 0xffffffff, extra: extraField(1, words(0, 0, 0, 0)) },
    },
  ]),
  'with timestamps and owners': buildZip([
    GO_MOD,
    {
      ...A,
      local: { modified: 0x5a6b7c8d, extra: extraField(0x5455, latin1('\x03abcdabcd')) },
      central: {
        modified: 0x5a6b7c8d,
        attributes: unix(0o100644),
        extra: Buffer.concat([
          extraField(0x5455, latin1('\x03abcd')),
          extraField(0x7875, latin1('\x01\x04abcd\x04abcd')),
        ]),
      },
    },
  ]),
  'with a comment': ended({ end: { comment: latin1('9fceb02d0ae598e95dc970b74767f19372d61af8') } }),
  'with directories': buildZip([
    { name: AT, method: 0 },
    { name: `${AT}d/`, method: 0, central: { attributes: unix(0o040755) + 0x10 } },
    { name: `${AT}d/x`, data: 'x' },
  ]),
  'with letters of other scripts': buildZip([
    GO_MOD,
    { name: `${AT}\u4e16\u754c.go`, data: 'x', descriptor: 'signed' },
  ]),
  'with the same name in an extra field': withCentral({
    extra: extraField(0x7075, unicodeName(`${AT}a.go`, `${AT}a.go`)),
  }),
  'with the directory in another order': reordered(),
  'with zip64 end records': ended({ zip64: {} }),
  'with zip64 end records for the count alone': ended({ zip64: { sentinels: ['entries'] } }),
  'with a zip as a file': buildZip([
    GO_MOD,
    { name: `${AT}testdata/x.zip`, data: innerZip, method: 0, descriptor: 'signed' },
  ]),
};

function reordered(): Buffer {
  const zip = Buffer.from(twoFiles);
  const start = directoryOf(zip);
  const second = start + 46 + zip.readUInt16LE(start + 28);
  const end = zip.length - 22;
  return Buffer.concat([
    zip.subarray(0, start),
    zip.subarray(second, end),
    zip.subarray(start, second),
    zip.subarray(end),
  ]);
}

describe('a zip with two readings is refused', () => {
  test.each(Object.entries(hostile))('%s', async (_, zip) => {
    expect(await judge(zip)).not.toBe('accepted');
  });

  test('most of these are accepted by some other reader, so the refusals are ours', async () => {
    const zips = Object.values(hostile);
    const folder = mkdtempSync(join(tmpdir(), 'larder-zip-'));
    try {
      const paths = zips.map((zip, i) => {
        const path = join(folder, `${i}.zip`);
        writeFileSync(path, zip);
        return path;
      });
      const python = hasPython() ? await seenByPython(paths) : [];
      const yauzl = await Promise.all(zips.map(seenByYauzl));
      const accepted = zips.filter((_, i) => typeof (python[i] ?? '') !== 'string' || typeof yauzl[i] !== 'string');
      expect(accepted.length).toBeGreaterThan(zips.length / 2);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('an honest zip is accepted', () => {
  test.each(Object.entries(honest))('%s', async (_, zip) => {
    expect(await judge(zip)).toBe('accepted');
    expect(typeof (await seenByYauzl(zip))).toBe('object');
  });

  test.each(Object.entries(honest))('%s, read through memory that is used again', async (_, zip) => {
    expect(await verdictOn(forgetful(zip))).toBe('accepted');
  });

  test('with more than 65,535 files', async () => {
    const entries = Array.from({ length: 70_000 }, (_, i) => ({ name: `${AT}f${i}`, method: 0 }));
    expect(await judge(buildZip(entries, { zip64: {} }))).toBe('accepted');
    expect(await judge(buildZip(entries.slice(0, 65_535)))).toBe('accepted');
  });

  test('but not with more than 100,000', async () => {
    const entries = Array.from({ length: 100_001 }, (_, i) => ({ name: `${AT}f${i}`, method: 0 }));
    expect(await judge(buildZip(entries, { zip64: {} }))).toContain('more than 100000 entries');
  });
});

test('a central directory over 32 MiB is not read', async () => {
  const entries = Array.from({ length: 600 }, (_, i) => ({
    name: `${AT}f${i}`,
    central: { comment: Buffer.alloc(60_000) },
  }));
  expect(await judge(buildZip(entries))).toContain('central directory over');
});

/** A source that overwrites what it gave last time, as one with a window over a file does. */
function forgetful(zip: Buffer): ByteSource {
  let given = Buffer.alloc(0);
  return {
    sizeBytes: zip.length,
    read: (offset, length) => {
      given.fill(0xaa);
      given = Buffer.from(zip.subarray(offset, offset + length));
      return given;
    },
  };
}

describe('a zip bomb', () => {
  const MIB = 1 << 20;
  const bomb = deflateRawSync(Buffer.alloc(200 * MIB));

  test.each([
    ['a small file', 100],
    ['a file read in pieces', 5 * MIB],
  ])('that calls itself %s is given up at its size', async (_, sizeBytes) => {
    const zip = buildZip([GO_MOD, { ...A, compressed: bomb, local: { sizeBytes }, central: { sizeBytes } }]);
    const before = process.memoryUsage.rss();
    const started = performance.now();
    expect(await judge(zip)).toContain('longer than it says');
    expect(performance.now() - started).toBeLessThan(1000);
    expect(process.memoryUsage.rss() - before).toBeLessThan(64 * MIB);
  });

  test('that is honest about its 200 MiB is read with little memory', async () => {
    const crc = crc32(Buffer.alloc(200 * MIB));
    const sizes = { sizeBytes: 200 * MIB, crc32: crc };
    const zip = buildZip([GO_MOD, { ...A, compressed: bomb, local: sizes, central: sizes }]);
    const before = process.memoryUsage.rss();
    expect(await judge(zip)).toBe('accepted');
    expect(process.memoryUsage.rss() - before).toBeLessThan(64 * MIB);
  });
});

describe('contents', () => {
  test('of files small and large, stored and deflated, are hashed alike', async () => {
    const data = Buffer.from(Array.from({ length: 6 << 20 }, (_, i) => (i * 2654435761) >>> 24));
    for (const method of [0, 8]) {
      const zip = buildZip([{ name: `${AT}go.mod`, data, method }]);
      const facts = await inspectModuleZip(memorySource(zip), 'example.com/m', 'v1.0.0');
      expect(facts.goModSha256).toBe(sha256Hex(data));
    }
  });

  test('of large files are checked as those of small ones are', async () => {
    const data = Buffer.alloc(5 << 20, 'x');
    const good = deflateRawSync(data);
    const broken: [string, BuiltEntry][] = [
      ['bytes after the end', { ...A, data, compressed: Buffer.concat([good, Buffer.alloc(200_000)]) }],
      ['cut off', { ...A, data, compressed: good.subarray(0, -3) }],
      ['damaged', { ...A, data, compressed: Buffer.alloc(100_000, 0xff) }],
      ['wrong CRC', { ...A, data, local: { crc32: 1 }, central: { crc32: 1 } }],
      ['shorter than it says', { ...A, data, local: { sizeBytes: 6 << 20 }, central: { sizeBytes: 6 << 20 } }],
      ['stored, large', { ...A, data, method: 0, descriptor: 'signed' }],
    ];
    for (const [fault, entry] of broken) expect(await judge(buildZip([GO_MOD, entry]))).toContain(fault);
  });
});
