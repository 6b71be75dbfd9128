/** Writes zips as Go does: deflated, sizes behind the data, no timestamps. The same entries always give the same bytes on one version of Node. */
import { encodeUtf8 } from '../../std/bytes.ts';
import { AppError } from '../../std/errors.ts';
import { shown } from '../shown.ts';
import { inBlocks } from './blocks.ts';
import { DEFLATED, HAS_DESCRIPTOR, UTF8_NAME } from './central-directory.ts';
import { IN_ZIP64_16, IN_ZIP64_32 } from './fields.ts';
import { crc32, deflateAside, deflateNow, deflatePieces } from './inflate.ts';

/** A file for a zip. */
export interface NewEntry {
  /** Complete name in the zip. */
  readonly name: string;
  /** What the content is allowed to have; more is an error. */
  readonly sizeBytes: number;
  readonly content: Uint8Array | AsyncIterable<Uint8Array>;
}

/** What the central directory will say of an entry. */
interface Written {
  readonly rawName: Uint8Array;
  readonly flags: number;
  readonly offset: number;
  readonly crc32: number;
  readonly compressedBytes: number;
  readonly sizeBytes: number;
}

/** Version 2.0 of the format: deflate and directories. */
const VERSION = 20;
const ZIP64_VERSION = 45;
const MAX_NAME_BYTES = 0xffff;

/** How many entries that are there in one piece are deflated before their turn. */
const MAX_AHEAD = 32;
/** How many of them by zlib's threads at a time; this thread deflates one itself when it has nobody else. Each takes up to a quarter of a megabyte beside its content. */
const MAX_ASIDE = 4;

/**
 * The bytes of a zip with `entries`, in their order. Reads each content once: one in pieces when its turn comes, one in a single piece up to 32 entries
 * before, when others may be deflated at the same time. Rejects with ZIP_INVALID when one is larger than its size, and with whatever a content fails with.
 */
export async function* zipPieces(
  entries: Iterable<NewEntry> | AsyncIterable<NewEntry>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* inBlocks(entryPieces(entries));
}

async function* entryPieces(
  entries: Iterable<NewEntry> | AsyncIterable<NewEntry>,
): AsyncGenerator<readonly Uint8Array[], void, undefined> {
  const zip = new Writing();
  const ahead = new Ahead();
  for await (const entry of entries) {
    const { content } = entry;
    if (content instanceof Uint8Array) ahead.add(entry, content);
    const mayStay = content instanceof Uint8Array ? MAX_AHEAD : 0;
    while (ahead.length > mayStay) yield zip.wholeEntry(await ahead.take());
    if (!(content instanceof Uint8Array)) yield* zip.entryInPieces(entry, content);
  }
  while (ahead.length > 0) yield zip.wholeEntry(await ahead.take());
  yield zip.end();
}

/** An entry ready to be written. */
interface Deflated {
  readonly entry: NewEntry;
  readonly data: Uint8Array;
  readonly crc32: number;
  readonly sizeBytes: number;
}

/** Entries that are deflated before their turn. */
class Ahead {
  readonly #queue: (Deflated | Promise<Deflated>)[] = [];
  #aside = 0;

  get length(): number {
    return this.#queue.length;
  }

  add(entry: NewEntry, content: Uint8Array): void {
    const meter = new Meter(entry);
    meter.add(content);
    const { crc32, sizeBytes } = meter;
    const aside = this.#aside < MAX_ASIDE ? deflateAside(content) : undefined;
    if (aside === undefined) {
      this.#queue.push({ entry, data: deflateNow(content), crc32, sizeBytes });
      return;
    }
    this.#aside++;
    const deflated = aside.finally(() => this.#aside--).then((data) => ({ entry, data, crc32, sizeBytes }));
    // Heard when its turn comes, unless the zip is given up before.
    deflated.catch(() => undefined);
    this.#queue.push(deflated);
  }

  /** The first, when it is done. */
  take(): Deflated | Promise<Deflated> {
    const first = this.#queue.shift();
    if (first === undefined) throw new AppError('INTERNAL', 'write zip: nothing was prepared');
    return first;
  }
}

const LOCAL_BYTES = 30;
const DESCRIPTOR_BYTES = 16;

/** A zip as far as it is written. */
class Writing {
  readonly #written: Written[] = [];
  #at = 0;

  wholeEntry({ entry, data, crc32, sizeBytes }: Deflated): readonly Uint8Array[] {
    const { rawName, flags } = nameOf(entry);
    const written = { rawName, flags, offset: this.#at, crc32, compressedBytes: data.length, sizeBytes };
    this.#add(written);
    return [localHeader(rawName, flags), data, descriptor(written)];
  }

  async *entryInPieces(
    entry: NewEntry,
    content: AsyncIterable<Uint8Array>,
  ): AsyncGenerator<readonly Uint8Array[], void, undefined> {
    const { rawName, flags } = nameOf(entry);
    yield [localHeader(rawName, flags)];
    const meter = new Meter(entry);
    let compressedBytes = 0;
    for await (const part of deflatePieces(meter.through(content))) {
      compressedBytes += part.length;
      yield [part];
    }
    const { crc32, sizeBytes } = meter;
    const written = { rawName, flags, offset: this.#at, crc32, compressedBytes, sizeBytes };
    this.#add(written);
    yield [descriptor(written)];
  }

  end(): readonly Uint8Array[] {
    const headers = this.#written.map(centralHeader);
    const sizeBytes = headers.reduce((sum, { length }) => sum + length, 0);
    return [...headers, endRecords({ entryCount: headers.length, sizeBytes, offset: this.#at })];
  }

  #add(written: Written): void {
    this.#written.push(written);
    this.#at += LOCAL_BYTES + written.rawName.length + written.compressedBytes + DESCRIPTOR_BYTES;
  }
}

function nameOf(entry: NewEntry): { readonly rawName: Uint8Array; readonly flags: number } {
  const rawName = encodeUtf8(entry.name);
  if (rawName.length > MAX_NAME_BYTES)
    throw new AppError('ZIP_INVALID', `write zip: name of ${shown(entry.name)} is too long`);
  return { rawName, flags: HAS_DESCRIPTOR | (rawName.length === entry.name.length ? 0 : UTF8_NAME) };
}

/** Size and CRC-32 of a content as it goes by. */
class Meter {
  readonly #entry: NewEntry;
  sizeBytes = 0;
  crc32 = 0;

  constructor(entry: NewEntry) {
    this.#entry = entry;
  }

  add(part: Uint8Array): void {
    this.sizeBytes += part.length;
    this.crc32 = crc32(part, this.crc32);
    const { name, sizeBytes } = this.#entry;
    if (this.sizeBytes > sizeBytes) {
      throw new AppError(
        'ZIP_INVALID',
        `write zip: file ${shown(name)} is larger than its declared ${sizeBytes} bytes`,
      );
    }
  }

  async *through(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const part of parts) {
      this.add(part);
      yield part;
    }
  }
}

function localHeader(rawName: Uint8Array, flags: number): Uint8Array {
  const header = Buffer.alloc(LOCAL_BYTES + rawName.length);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(VERSION, 4);
  header.writeUInt16LE(flags, 6);
  header.writeUInt16LE(DEFLATED, 8);
  header.writeUInt16LE(rawName.length, 26);
  header.set(rawName, LOCAL_BYTES);
  return header;
}

function descriptor(written: Written): Uint8Array {
  const bytes = Buffer.alloc(DESCRIPTOR_BYTES);
  bytes.writeUInt32LE(0x08074b50, 0);
  bytes.writeUInt32LE(written.crc32, 4);
  bytes.writeUInt32LE(written.compressedBytes, 8);
  bytes.writeUInt32LE(written.sizeBytes, 12);
  return bytes;
}

function centralHeader(written: Written): Uint8Array {
  const header = Buffer.alloc(46 + written.rawName.length);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE(VERSION, 4);
  header.writeUInt16LE(VERSION, 6);
  header.writeUInt16LE(written.flags, 8);
  header.writeUInt16LE(DEFLATED, 10);
  header.writeUInt32LE(written.crc32, 16);
  header.writeUInt32LE(written.compressedBytes, 20);
  header.writeUInt32LE(written.sizeBytes, 24);
  header.writeUInt16LE(written.rawName.length, 28);
  header.writeUInt32LE(written.offset, 42);
  header.set(written.rawName, 46);
  return header;
}

interface Directory {
  readonly entryCount: number;
  readonly sizeBytes: number;
  readonly offset: number;
}

/** The zip64 records stand before the plain one when the entries cannot be counted in 16 bits. Sizes always fit: modules end at 500 MiB. */
function endRecords(directory: Directory): Uint8Array {
  const isZip64 = directory.entryCount >= IN_ZIP64_16;
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(isZip64 ? IN_ZIP64_16 : directory.entryCount, 8);
  end.writeUInt16LE(isZip64 ? IN_ZIP64_16 : directory.entryCount, 10);
  end.writeUInt32LE(isZip64 ? IN_ZIP64_32 : directory.sizeBytes, 12);
  end.writeUInt32LE(isZip64 ? IN_ZIP64_32 : directory.offset, 16);
  return isZip64 ? Buffer.concat([endRecord64(directory), end]) : end;
}

/** The zip64 end record and its locator. */
function endRecord64({ entryCount, sizeBytes, offset }: Directory): Uint8Array {
  const bytes = Buffer.alloc(56 + 20);
  bytes.writeUInt32LE(0x06064b50, 0);
  bytes.writeBigUInt64LE(44n, 4);
  bytes.writeUInt16LE(ZIP64_VERSION, 12);
  bytes.writeUInt16LE(ZIP64_VERSION, 14);
  bytes.writeBigUInt64LE(BigInt(entryCount), 24);
  bytes.writeBigUInt64LE(BigInt(entryCount), 32);
  bytes.writeBigUInt64LE(BigInt(sizeBytes), 40);
  bytes.writeBigUInt64LE(BigInt(offset), 48);
  bytes.writeUInt32LE(0x07064b50, 56);
  bytes.writeBigUInt64LE(BigInt(offset + sizeBytes), 64);
  bytes.writeUInt32LE(1, 72);
  return bytes;
}
