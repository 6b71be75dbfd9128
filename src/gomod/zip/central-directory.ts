/** The central directory of a zip: what all readers believe about its entries. */
import { decodeUtf8 } from '../../std/bytes.ts';
import { readExtraFields, type Zip64Values } from './extra-fields.ts';
import { faultIn, zipFault } from './fault.ts';
import { IN_ZIP64_32, u16, u32 } from './fields.ts';

export const STORED = 0;
export const DEFLATED = 8;
export const HAS_DESCRIPTOR = 0x0008;
export const UTF8_NAME = 0x0800;
/** Hints of the compressor. */
const LEVEL_HINTS = 0x0006;
const ALLOWED_FLAGS = HAS_DESCRIPTOR | UTF8_NAME | LEVEL_HINTS;

/** An entry as the central directory has it, with what may be derived from that alone. */
export interface ZipEntry {
  /** Unique only where that was checked; never with `..`, a leading slash, a backslash or a control character in it. */
  readonly name: string;
  /** Whether the name ends in a slash. It has no content then. */
  readonly isDirectory: boolean;
  /** Unpacked. Exact: reading the content fails when it is not. */
  readonly sizeBytes: number;
  readonly compressedBytes: number;
  readonly method: typeof STORED | typeof DEFLATED;
  readonly crc32: number;
  readonly flags: number;
  /** Date and time as DOS wrote them. */
  readonly modified: number;
  readonly rawName: Uint8Array;
  /** Of the local header. */
  readonly offset: number;
}

const HEADER_BYTES = 46;
const SIGNATURE = 0x02014b50;
/** The highest version of the format there is, 6.3; readers refuse entries that need a newer one. */
const MAX_VERSION_NEEDED = 63;

/**
 * The `count` entries in `directory`, in its order. Throws ZIP_INVALID unless they fill it exactly and each is a plain file or directory with a
 * UTF-8 name, stored or deflated, not encrypted. Keeps `directory`.
 */
export function readCentralDirectory(directory: Uint8Array, count: number): ZipEntry[] {
  const entries: ZipEntry[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    const end = endOfHeader(directory, at);
    if (end > directory.length) throw zipFault(`central directory holds less than ${count} entries`);
    entries.push(readHeader(directory.subarray(at, end)));
    at = end;
  }
  if (at !== directory.length) throw zipFault(`central directory holds more than ${count} entries`);
  return entries;
}

function endOfHeader(directory: Uint8Array, at: number): number {
  if (at + HEADER_BYTES > directory.length) return Number.POSITIVE_INFINITY;
  if (u32(directory, at) !== SIGNATURE) throw zipFault('malformed central directory');
  return at + HEADER_BYTES + u16(directory, at + 28) + u16(directory, at + 30) + u16(directory, at + 32);
}

/** `header` is exactly one entry: fixed part, name, extra fields, comment. */
function readHeader(header: Uint8Array): ZipEntry {
  const nameEnd = HEADER_BYTES + u16(header, 28);
  const rawName = header.subarray(HEADER_BYTES, nameEnd);
  const flags = u16(header, 8);
  const name = nameOf(rawName, flags);
  const zip64 = readExtraFields(header.subarray(nameEnd, nameEnd + u16(header, 30)), rawName, name);
  const [sizeBytes = 0, compressedBytes = 0, offset = 0] = resolveZip64(
    [u32(header, 24), u32(header, 20), u32(header, 42)],
    zip64,
    name,
  );
  const entry: ZipEntry = {
    name,
    isDirectory: name.endsWith('/'),
    sizeBytes,
    compressedBytes,
    method: methodOf(u16(header, 10), name),
    crc32: u32(header, 16),
    flags,
    modified: u32(header, 12),
    rawName,
    offset,
  };
  requirePlain(header, entry);
  return entry;
}

const UNSAFE_NAME = /^\/|[\p{Cc}\\]|(?:^|\/)\.\.(?:\/|$)/u;

function nameOf(raw: Uint8Array, flags: number): string {
  const name = decodeUtf8(raw);
  if (name === undefined) throw zipFault('an entry whose name is not UTF-8');
  if (name === '' || UNSAFE_NAME.test(name)) throw faultIn(name, 'unsafe name');
  // Without the flag other readers take the bytes for an old encoding and see another name. name.length is smaller than raw.length when it is not ASCII.
  if (name.length !== raw.length && (flags & UTF8_NAME) === 0) throw faultIn(name, 'name not marked as UTF-8');
  return name;
}

/** Each of `fields` that is all ones stands for the next zip64 value; no value may be left over. */
function resolveZip64(fields: readonly number[], zip64: Zip64Values | undefined, name: string): readonly number[] {
  if (zip64 === undefined) return fields;
  const values = [...zip64];
  const resolved = fields.map((field) => (field === IN_ZIP64_32 ? (values.shift() ?? field) : field));
  if (values.length > 0) throw faultIn(name, 'zip64 field without need');
  return resolved;
}

function methodOf(method: number, name: string): ZipEntry['method'] {
  if (method === STORED || method === DEFLATED) return method;
  throw faultIn(name, `compression method ${method}`);
}

const TYPE_BITS = 0xf000;
const UNIX_FILE = 0x8000;
const UNIX_DIRECTORY = 0x4000;
const DOS_DIRECTORY = 0x10;

/** Regular files and directories only, in one piece, without what a reader may refuse or treat in its own way. */
function requirePlain(header: Uint8Array, entry: ZipEntry): void {
  const { name } = entry;
  const attributes = u32(header, 38);
  // Readers look at the Unix mode whatever system the entry says it was made on, so it counts always.
  const type = (attributes >>> 16) & TYPE_BITS;
  const isTyped = entry.isDirectory
    ? type === UNIX_DIRECTORY
    : type === UNIX_FILE && (attributes & DOS_DIRECTORY) === 0;
  const isUntyped = type === 0 && (entry.isDirectory || (attributes & DOS_DIRECTORY) === 0);
  if (!isTyped && !isUntyped) throw faultIn(name, 'not a regular file');
  if ((entry.flags & ~ALLOWED_FLAGS) !== 0) throw faultIn(name, 'encrypted, or flags that are not known');
  if ((header[6] ?? 0) > MAX_VERSION_NEEDED) throw faultIn(name, 'needs a newer version of the zip format');
  if (u16(header, 34) !== 0) throw faultIn(name, 'a zip in several parts');
  if (entry.isDirectory && entry.sizeBytes !== 0) throw faultIn(name, 'a directory with content');
  if (entry.method === STORED && entry.sizeBytes !== entry.compressedBytes)
    throw faultIn(name, 'stored, but sizes differ');
}
