/** The texts of a checksum database: tree heads, records, and the lines in them. */
import { decodeUtf8, encodeUtf8 } from '../../std/bytes.ts';
import { AppError } from '../../std/errors.ts';
import type { ModuleVersion } from '../module.ts';
import { hashBase64, parseHashBase64 } from './hash.ts';
import { isPlainText } from './plain-text.ts';
import { MAX_TREE_SIZE, type TreeHead } from './tree.ts';

const HEAD_LINE = 'go.sum database tree';
/** Heads are three lines, and room for lines to come. */
const MAX_HEAD_BYTES = 1_000_000;
const TREE_SIZE = /^(?:0|[1-9][0-9]{0,15})$/;

/** The text of a tree note: what is signed. */
export function formatTreeHead({ size, hash }: TreeHead): string {
  return `${HEAD_LINE}\n${size}\n${hashBase64(hash)}\n`;
}

/** The inverse. Further lines are ignored: later versions of the log may add some. Throws SUMDB_INCONSISTENT. */
export function parseTreeHead(text: string): TreeHead {
  const [first, size = '', hash = '', ...more] = Buffer.byteLength(text) <= MAX_HEAD_BYTES ? text.split('\n') : [];
  const parsed = parseHashBase64(hash);
  if (first !== HEAD_LINE || more.length === 0 || !isTreeSize(size) || parsed === undefined)
    throw new AppError('SUMDB_INCONSISTENT', 'parse tree head: malformed');
  return { size: Number(size), hash: parsed };
}

/** The record `id` with `text`, as lookups and data tiles have it. Throws SUMDB_INCONSISTENT for a text that could not be told from what follows it. */
export function formatRecord(id: number, text: string): Uint8Array {
  if (!isRecordText(text)) throw new AppError('SUMDB_INCONSISTENT', 'format record: its text is malformed');
  return encodeUtf8(`${id}\n${text}\n`);
}

/**
 * The record at the start of `bytes` and what follows it. Nothing in `rest` belongs to the record. Its number is exact as far as any tree reaches (hasRecord);
 * beyond 2**53 it is rounded. Throws SUMDB_INCONSISTENT.
 */
export function parseRecord(bytes: Uint8Array): {
  readonly id: number;
  readonly text: string;
  readonly rest: Uint8Array;
} {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const line = buffer.indexOf('\n');
  const end = line < 0 ? -1 : buffer.indexOf('\n\n', line + 1);
  const id = buffer.toString('latin1', 0, Math.max(line, 0));
  const text = end < 0 ? undefined : decodeUtf8(buffer.subarray(line + 1, end + 1));
  if (text === undefined || !isRecordNumber(id) || !isRecordText(text))
    throw new AppError('SUMDB_INCONSISTENT', 'parse record: malformed');
  return { id: Number(id), text, rest: buffer.subarray(end + 2) };
}

function isTreeSize(text: string): boolean {
  return TREE_SIZE.test(text) && Number(text) <= MAX_TREE_SIZE;
}

/** Any of 64 bits, read as the reference reads it, sign and leading zeros included; whoever uses one checks that the tree has it. */
function isRecordNumber(text: string): boolean {
  return /^[+-]?[0-9]{1,32}$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text);
}

/** Valid Unicode without control characters, in whole lines, none of them empty. */
function isRecordText(text: string): boolean {
  return text.endsWith('\n') && isPlainText(text) && !text.includes('\n\n');
}

/**
 * The `h1:` hashes that the lines of `text` (a proven record) give for exactly this module: of its zip and of its go.mod. Lines of other modules and other
 * algorithms say nothing. Empty = the record does not vouch for the module.
 */
export function sumsIn(
  text: string,
  { path, version }: ModuleVersion,
): { readonly zip: readonly string[]; readonly mod: readonly string[] } {
  const lines = text.split('\n');
  const after = (start: string): string[] =>
    lines.filter((line) => line.startsWith(`${start} h1:`)).map((line) => line.slice(start.length + 1));
  return { zip: after(`${path} ${version}`), mod: after(`${path} ${version}/go.mod`) };
}

/** The two lines of a record. */
export function sumLines(
  { path, version }: ModuleVersion,
  sums: { readonly zip: string; readonly mod: string },
): string {
  return `${path} ${version} ${sums.zip}\n${path} ${version}/go.mod ${sums.mod}\n`;
}
