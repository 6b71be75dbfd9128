/** Where the central directory is: the end record of a zip, and its zip64 form for more than 65,535 entries. */
import type { ByteSource } from './byte-source.ts';
import { zipFault } from './fault.ts';
import { IN_ZIP64_16, IN_ZIP64_32, u16, u32, u64 } from './fields.ts';
import { MAX_DIRECTORY_BYTES, MAX_END_RECORD_BYTES, MAX_ENTRIES } from './limits.ts';

/** The central directory, as the end record tells of it: inside the file and directly before the end records. */
export interface DirectoryPlace {
  readonly offset: number;
  readonly sizeBytes: number;
  readonly entryCount: number;
}

const END_BYTES = 22;
const END_SIGNATURE = 0x06054b50;
const END_MAGIC = Uint8Array.of(0x50, 0x4b, 0x05, 0x06);
const LOCATOR_BYTES = 20;
const LOCATOR_SIGNATURE = 0x07064b50;
const END64_BYTES = 56;
const END64_SIGNATURE = 0x06064b50;
/** Value of the record's own size field: without the signature and the field itself, and without extensible data. */
const END64_BODY_BYTES = END64_BYTES - 12;

/**
 * The place of the central directory. Throws ZIP_INVALID unless there is exactly one way to find it: one end record that ends with the
 * file, whose counts, size and offset agree with where it stands.
 */
export function locateDirectory(source: ByteSource): DirectoryPlace {
  const { at, record } = findEnd(source);
  const end = plainEnd(record);
  const end64 = findEnd64(source, at, needsZip64(end));
  if (end64 !== undefined) requireAgreement(end, end64);
  const place = end64 ?? end;
  if (place.offset + place.sizeBytes !== (end64?.at ?? at)) {
    throw zipFault('size and offset of the central directory do not lead to the end record');
  }
  if (place.entryCount > MAX_ENTRIES) throw zipFault(`more than ${MAX_ENTRIES} entries`);
  if (place.sizeBytes > MAX_DIRECTORY_BYTES) throw zipFault(`central directory over ${MAX_DIRECTORY_BYTES} bytes`);
  return place;
}

/** The end record, with the offset it stands at. Readers look for it from the end of the file backwards; none may find another. */
function findEnd(source: ByteSource): { readonly at: number; readonly record: Uint8Array } {
  const length = Math.min(source.sizeBytes, MAX_END_RECORD_BYTES);
  const start = source.sizeBytes - length;
  const tail = Buffer.from(source.read(start, length));
  const last = length < END_BYTES ? -1 : tail.lastIndexOf(END_MAGIC, length - END_BYTES);
  if (last < 0) throw zipFault('no end record');
  if (!reachesEnd(tail, last)) throw zipFault('the end record does not end with the file');
  if (tail.indexOf(END_MAGIC, last + 1) >= 0) throw zipFault('an end record inside the comment');
  for (let at = last; at > 0; ) {
    at = tail.lastIndexOf(END_MAGIC, at - 1);
    if (at < 0) break;
    if (reachesEnd(tail, at)) throw zipFault('two end records');
  }
  return { at: start + last, record: tail.subarray(last, last + END_BYTES) };
}

function reachesEnd(tail: Uint8Array, at: number): boolean {
  return at + END_BYTES + u16(tail, at + 20) === tail.length;
}

function plainEnd(record: Uint8Array): DirectoryPlace {
  const entryCount = u16(record, 10);
  if (u32(record, 0) !== END_SIGNATURE || u32(record, 4) !== 0 || u16(record, 8) !== entryCount) {
    throw zipFault('a zip in several parts, or entry counts that differ');
  }
  return { entryCount, sizeBytes: u32(record, 12), offset: u32(record, 16) };
}

function needsZip64(end: DirectoryPlace): boolean {
  return end.entryCount === IN_ZIP64_16 || end.sizeBytes === IN_ZIP64_32 || end.offset === IN_ZIP64_32;
}

/** The zip64 end record, when there is one. One that is there without need would be read by some readers and not by others. */
function findEnd64(
  source: ByteSource,
  endAt: number,
  isNeeded: boolean,
): (DirectoryPlace & { readonly at: number }) | undefined {
  const at = endAt - LOCATOR_BYTES - END64_BYTES;
  const locatorAt = endAt - LOCATOR_BYTES;
  const hasLocator = locatorAt >= 0 && u32(source.read(locatorAt, 4), 0) === LOCATOR_SIGNATURE;
  if (!hasLocator) return undefined;
  if (!isNeeded) throw zipFault('zip64 end record without need');
  if (at < 0) throw zipFault('malformed zip64 end record');
  const records = source.read(at, END64_BYTES + LOCATOR_BYTES);
  const locator = records.subarray(END64_BYTES);
  const isHonest =
    u32(locator, 4) === 0 &&
    u64(locator, 8) === at &&
    u32(locator, 16) === 1 &&
    u32(records, 0) === END64_SIGNATURE &&
    u64(records, 4) === END64_BODY_BYTES &&
    u64(records, 16) === 0 &&
    u64(records, 24) === u64(records, 32);
  if (!isHonest) throw zipFault('malformed zip64 end record');
  return { at, entryCount: u64(records, 32), sizeBytes: u64(records, 40), offset: u64(records, 48) };
}

/** What the plain record says itself must be what the zip64 record says. */
function requireAgreement(end: DirectoryPlace, end64: DirectoryPlace): void {
  const agrees =
    (end.entryCount === IN_ZIP64_16 || end.entryCount === end64.entryCount) &&
    (end.sizeBytes === IN_ZIP64_32 || end.sizeBytes === end64.sizeBytes) &&
    (end.offset === IN_ZIP64_32 || end.offset === end64.offset);
  if (!agrees) throw zipFault('the zip64 end record contradicts the end record');
}
