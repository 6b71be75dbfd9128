import { createHash } from 'node:crypto';
import { encodeUtf8 } from '../../std/bytes.ts';

/** Begins the header line; the number is the version of this format. */
const MAGIC = 'larder-register 1';
const NEWLINE = 0x0a;
const MAX_HEADER = 128;
const DIGITS = 15;

/** File name of a generation. The leading dot keeps it apart from the folders of longer names, which no key segment can begin with. */
export function generationName(generation: number): string {
  return `.${String(generation).padStart(DIGITS, '0')}`;
}

/** The generation a file name stands for, or undefined. */
export function generationOf(fileName: string): number | undefined {
  return /^\.\d{15}$/.test(fileName) ? Number(fileName.slice(1)) : undefined;
}

/** `value` behind a line with its SHA-256 and size, so that a file that lost its end or holds zeros after a power cut is known. */
export function encodeGeneration(value: Uint8Array): Uint8Array {
  return Buffer.concat([headerOf(value), value]);
}

/** The value, or undefined unless the file is complete. */
export function decodeGeneration(file: Uint8Array): Uint8Array | undefined {
  const end = file.subarray(0, MAX_HEADER).indexOf(NEWLINE);
  if (end < 0) return undefined;
  const value = file.subarray(end + 1);
  return Buffer.compare(headerOf(value), file.subarray(0, end + 1)) === 0 ? value : undefined;
}

function headerOf(value: Uint8Array): Uint8Array {
  return encodeUtf8(`${MAGIC} ${createHash('sha256').update(value).digest('hex')} ${value.length}\n`);
}
