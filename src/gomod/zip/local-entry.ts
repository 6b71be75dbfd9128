/** Local headers: each entry's description of itself, which must be the central directory's. */
import type { ByteSource } from './byte-source.ts';
import { HAS_DESCRIPTOR, STORED, type ZipEntry } from './central-directory.ts';
import { readExtraFields, type Zip64Values } from './extra-fields.ts';
import { faultIn } from './fault.ts';
import { IN_ZIP64_32, u16, u32, u64 } from './fields.ts';

const HEADER_BYTES = 30;
const SIGNATURE = 0x04034b50;
const DESCRIPTOR_SIGNATURE = 0x08074b50;

/**
 * Offset of the compressed data of `entry`, which together with its headers must fill the file from `entry.offset` to `end`: no gap to hide something in, no
 * bytes that two entries share. Throws ZIP_INVALID when they do not, or when the local header or the data descriptor contradicts the central directory.
 */
export function locateData(source: ByteSource, entry: ZipEntry, end: number): number {
  const nameEnd = entry.offset + HEADER_BYTES + entry.rawName.length;
  if (nameEnd > end) throw faultIn(entry.name, 'overlaps what follows');
  const extraBytes = readHeader(source.read(entry.offset, nameEnd - entry.offset), entry);
  const dataStart = nameEnd + extraBytes;
  const dataEnd = dataStart + entry.compressedBytes;
  if (dataEnd > end) throw faultIn(entry.name, 'overlaps what follows');
  const { header, zip64 } = readWithExtra(source, entry, dataStart);
  requireSameSizes(header, zip64, entry);
  requireDescriptor(
    source.read(dataEnd, Math.min(end - dataEnd, MAX_DESCRIPTOR_BYTES + 1)),
    entry,
    zip64 !== undefined,
  );
  return dataStart;
}

/** Checks the fields that are fixed; returns the length of the extra fields. */
function readHeader(header: Uint8Array, entry: ZipEntry): number {
  if (u32(header, 0) !== SIGNATURE) throw faultIn(entry.name, 'no local header');
  const isSame =
    u16(header, 6) === entry.flags &&
    u16(header, 8) === entry.method &&
    u32(header, 10) === entry.modified &&
    u16(header, 26) === entry.rawName.length &&
    Buffer.compare(header.subarray(HEADER_BYTES), entry.rawName) === 0;
  if (!isSame) throw faultIn(entry.name, 'its local header differs from the central directory');
  return u16(header, 28);
}

function readWithExtra(
  source: ByteSource,
  entry: ZipEntry,
  dataStart: number,
): { readonly header: Uint8Array; readonly zip64: Zip64Values | undefined } {
  const header = source.read(entry.offset, dataStart - entry.offset);
  const extra = header.subarray(HEADER_BYTES + entry.rawName.length);
  return { header, zip64: extra.length === 0 ? undefined : readExtraFields(extra, entry.rawName, entry.name) };
}

/** CRC and sizes; where they follow the data, the header may leave them at zero. */
function requireSameSizes(header: Uint8Array, zip64: Zip64Values | undefined, entry: ZipEntry): void {
  const mayBeZero = (entry.flags & HAS_DESCRIPTOR) !== 0;
  const isGood = (found: number, wanted: number): boolean => found === wanted || (mayBeZero && found === 0);
  if (zip64 !== undefined && zip64.length !== 2) throw faultIn(entry.name, 'malformed zip64 field');
  const [size64 = 0, compressed64 = 0] = zip64 ?? [];
  const resolved = (field: number, value64: number): number =>
    zip64 !== undefined && field === IN_ZIP64_32 ? value64 : field;
  const isSame =
    isGood(u32(header, 14), entry.crc32) &&
    isGood(resolved(u32(header, 18), compressed64), entry.compressedBytes) &&
    isGood(resolved(u32(header, 22), size64), entry.sizeBytes) &&
    (zip64 === undefined || (isGood(size64, entry.sizeBytes) && isGood(compressed64, entry.compressedBytes)));
  if (!isSame) throw faultIn(entry.name, 'its local header differs from the central directory');
}

/** With signature and 64-bit sizes. */
const MAX_DESCRIPTOR_BYTES = 24;

/** `gap` is what stands between the data and the next entry: the data descriptor if there is one, else nothing. Both forms of it are in use. */
function requireDescriptor(gap: Uint8Array, entry: ZipEntry, isZip64: boolean): void {
  if ((entry.flags & HAS_DESCRIPTOR) === 0) {
    if (gap.length > 0) throw faultIn(entry.name, 'bytes that belong to no entry follow it');
    return;
  }
  const sizesBytes = isZip64 ? 16 : 8;
  const isSigned = gap.length === 8 + sizesBytes && u32(gap, 0) === DESCRIPTOR_SIGNATURE;
  if (!isSigned && gap.length !== 4 + sizesBytes) throw faultIn(entry.name, 'malformed data descriptor');
  const body = isSigned ? gap.subarray(4) : gap;
  const [compressedBytes, sizeBytes] = isZip64 ? [u64(body, 4), u64(body, 12)] : [u32(body, 4), u32(body, 8)];
  if (u32(body, 0) !== entry.crc32 || compressedBytes !== entry.compressedBytes || sizeBytes !== entry.sizeBytes) {
    throw faultIn(entry.name, 'its data descriptor differs from the central directory');
  }
}

/**
 * Throws ZIP_INVALID when `data`, stored with its sizes only behind it, holds what a reader that goes from front to back would take for
 * their end: a data descriptor that fits.
 */
export function refuseInnerDescriptor(data: Uint8Array, entry: ZipEntry): void {
  if (entry.method !== STORED || (entry.flags & HAS_DESCRIPTOR) === 0) return;
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  for (let at = bytes.indexOf(DESCRIPTOR_MAGIC); at >= 0; at = bytes.indexOf(DESCRIPTOR_MAGIC, at + 1)) {
    if (at + 16 <= bytes.length && u32(bytes, at + 8) === at && u32(bytes, at + 12) === at) {
      throw faultIn(entry.name, 'a data descriptor inside its data');
    }
  }
}

const DESCRIPTOR_MAGIC = Uint8Array.of(0x50, 0x4b, 0x07, 0x08);
