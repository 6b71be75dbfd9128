/** The checksum file of a vendor folder: its `h1:`, and a line for each file. */
import { hash1 } from '../../gomod/dirhash.ts';
import { bytesOfText, textOfBytes } from '../../gomod/go-text.ts';
import { sha256Hex } from '../../gomod/sha256.ts';
import { shown } from '../../gomod/shown.ts';
import { AppError } from '../../std/errors.ts';

/** Where it stands, beside vendor/. */
export const SUM_FILE = 'vendor.sum';
/** Some two million files. */
const MAX_SUM_BYTES = 256 << 20;

const FORMAT = 'larder-vendor/1';

/** One file below vendor/. */
export interface VendoredFile {
  /** Below vendor/, as go-text.ts writes bytes that are no UTF-8. */
  readonly name: string;
  readonly sha256: string;
  readonly isExecutable: boolean;
}

/** Why a file of this name cannot be in the list, or undefined when it can: each line is one file. */
export function nameFault(name: string): string | undefined {
  return /[\n\r\0]/.test(name) ? `${shown(name)} has a line break in its name` : undefined;
}

/** `h1:` of the files, as if the folder were a module. */
export function vendorHash(files: Iterable<VendoredFile>): string {
  return hash1(files);
}

/**
 * The text of vendor.sum: `larder-vendor/1 H1`, then `SHA256 MODE NAME` for each file in byte order of the names (MODE is `x` for what may be run, else `-`), then the hash of all that.
 * Names are the rest of their line, byte for byte.
 */
export function formatVendorSum(files: Iterable<VendoredFile>): Uint8Array {
  const sorted = [...files].map((file) => ({ file, bytes: bytesOfText(file.name) }));
  sorted.sort((a, b) => Buffer.compare(a.bytes, b.bytes));
  const lines = sorted.map(({ file }) => `${file.sha256} ${file.isExecutable ? 'x' : '-'} ${file.name}\n`);
  const body = bytesOfText(`${FORMAT} ${vendorHash(sorted.map(({ file }) => file))}\n${lines.join('')}`);
  return Buffer.concat([body, Buffer.from(`sum ${sha256Hex(body)}\n`)]);
}

/** The files that vendor.sum lists, by name. Throws CONFIG_INVALID unless it is exactly what formatVendorSum wrote. */
export function parseVendorSum(bytes: Uint8Array): ReadonlyMap<string, VendoredFile> {
  const text = bytes.length <= MAX_SUM_BYTES ? textOfBytes(bytes) : '';
  const lines = text.split('\n').slice(1, -2);
  const files = lines.map(fileIn);
  const byName = new Map(files.map((file) => [file.name, file]));
  if (byName.size !== files.length || Buffer.compare(formatVendorSum(files), bytes) !== 0) throw damaged();
  return byName;
}

function fileIn(line: string): VendoredFile {
  const [, sha256 = '', mode = '', name = ''] = /^([0-9a-f]{64}) ([x-]) (.+)$/s.exec(line) ?? [];
  if (name === '') throw damaged();
  return { name, sha256, isExecutable: mode === 'x' };
}

function damaged(): AppError {
  const detail = { reason: 'vendor-sum-damaged' };
  return new AppError('CONFIG_INVALID', `read ${SUM_FILE}: it is damaged, or was changed by hand`, { detail });
}
