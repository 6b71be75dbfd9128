/**
 * A strict zip reader. Zips are read in many ways by many programs; what is accepted here has one reading only, so that nobody downstream can see other
 * files in it than those that were hashed. All bytes are attacker-controlled.
 */
import type { ByteSource } from './byte-source.ts';
import { HAS_DESCRIPTOR, readCentralDirectory, STORED, type ZipEntry } from './central-directory.ts';
import { locateDirectory } from './end-record.ts';
import { faultIn, zipFault } from './fault.ts';
import { crc32, inflatePieces, inflateWhole } from './inflate.ts';
import { locateData, refuseInnerDescriptor } from './local-entry.ts';

export type { ZipEntry } from './central-directory.ts';

/** A zip whose directory was read and found good. Its entries' own headers and contents are checked as they are read. */
export interface Zip {
  readonly source: ByteSource;
  /** In the order of the central directory. */
  readonly entries: readonly ZipEntry[];
  /** Of the central directory: where the last entry ends. */
  readonly directoryOffset: number;
}

/** Entries of at most this size are unpacked in one piece, others in pieces of a quarter of a megabyte. */
const WHOLE_BYTES = 4 * 1024 * 1024;
const PIECE_BYTES = 64 * 1024;

/** Opens the zip in `source`. Throws ZIP_INVALID unless it is strictly well-formed as far as its directory tells; its names may still be any, or repeat. */
export function openZip(source: ByteSource): Zip {
  const place = locateDirectory(source);
  // A copy, since what a source gives is good until the next read only. (A Buffer's slice() would be no copy.)
  const directory = new Uint8Array(source.read(place.offset, place.sizeBytes));
  return { source, entries: readCentralDirectory(directory, place.entryCount), directoryOffset: place.offset };
}

/** Sees the contents of all entries: `content` gets each in one or more parts (none when empty), which it must not keep, then `done`. Neither may throw. */
export interface ContentVisitor {
  content(part: Uint8Array, entry: ZipEntry): void;
  done(entry: ZipEntry): void;
}

/** Asked after each entry: what to wait for before the next, if anything. What it rejects with ends the reading. */
export type Pause = () => Promise<void> | undefined;

/**
 * Reads the whole zip from front to back. Rejects with ZIP_INVALID unless the entries lie one after the other from the first byte to the central directory,
 * each described alike in both places, with exactly the size and CRC-32 that it says.
 */
export async function readContents(zip: Zip, visitor: ContentVisitor, pause?: Pause): Promise<void> {
  const inFileOrder = zip.entries.toSorted((a, b) => a.offset - b.offset);
  if ((inFileOrder[0]?.offset ?? zip.directoryOffset) !== 0) throw zipFault('bytes before the first entry');
  // From here on nothing is read outside the file: each entry ends where the next one starts.
  if ((inFileOrder.at(-1)?.offset ?? 0) > zip.directoryOffset) throw zipFault('an entry behind the central directory');
  for (const [i, entry] of inFileOrder.entries()) {
    const reading = readContent(zip, entry, inFileOrder[i + 1]?.offset ?? zip.directoryOffset, visitor);
    if (reading !== undefined) await reading;
    const pausing = pause?.();
    if (pausing !== undefined) await pausing;
  }
}

/** Small contents are read without waiting: thousands of promises would cost more than the reading. */
function readContent(zip: Zip, entry: ZipEntry, end: number, visitor: ContentVisitor): undefined | Promise<void> {
  const dataOffset = locateData(zip.source, entry, end);
  if (entry.sizeBytes > WHOLE_BYTES || entry.compressedBytes > WHOLE_BYTES) {
    return readLarge(zip.source, entry, dataOffset, visitor);
  }
  const data = zip.source.read(dataOffset, entry.compressedBytes);
  const content = entry.method === STORED ? data : inflateWhole(data, entry.sizeBytes, entry.name);
  refuseInnerDescriptor(data, entry);
  if (crc32(content) !== entry.crc32) throw wrongCrc(entry);
  if (content.length > 0) visitor.content(content, entry);
  visitor.done(entry);
  return undefined;
}

async function readLarge(
  source: ByteSource,
  entry: ZipEntry,
  dataOffset: number,
  visitor: ContentVisitor,
): Promise<void> {
  if (entry.method === STORED && (entry.flags & HAS_DESCRIPTOR) !== 0) {
    throw faultIn(entry.name, 'stored, large, and its size only behind it');
  }
  let crc = 0;
  const sink = (part: Uint8Array): void => {
    crc = crc32(part, crc);
    visitor.content(part, entry);
  };
  const pieces = piecesOf(source, dataOffset, entry.compressedBytes);
  if (entry.method === STORED) for (const piece of pieces) sink(piece);
  else await inflatePieces(pieces, entry, entry.name, sink);
  if (crc !== entry.crc32) throw wrongCrc(entry);
  visitor.done(entry);
}

function* piecesOf(source: ByteSource, offset: number, length: number): Generator<Uint8Array, void, undefined> {
  const end = offset + length;
  for (let at = offset; at < end; at += PIECE_BYTES) yield source.read(at, Math.min(PIECE_BYTES, end - at));
}

function wrongCrc(entry: ZipEntry): Error {
  return faultIn(entry.name, 'wrong CRC-32');
}
