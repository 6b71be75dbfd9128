import { decodeUtf8, encodeUtf8 } from '../std/bytes.ts';

/**
 * Go strings are bytes and need not be UTF-8. Here such text is a JavaScript string in which each byte that is not part of
 * valid UTF-8 stands as the lone surrogate U+DC00 + byte; valid text never holds a lone surrogate, so nothing is lost.
 */
const RAW_BYTE_BASE = 0xdc00;

/** The text of `bytes`; `bytesOfText` gives exactly these bytes back. */
export function textOfBytes(bytes: Uint8Array): string {
  return decodeUtf8(bytes) ?? decodePiecewise(bytes);
}

/** The bytes that `text` stands for. */
export function bytesOfText(text: string): Uint8Array {
  if (text.isWellFormed()) return encodeUtf8(text);
  const bytes = Buffer.allocUnsafe(3 * text.length);
  let used = 0;
  let pending = 0;
  for (let at = 0; at < text.length; at++) {
    const codePoint = text.codePointAt(at) ?? 0;
    if (codePoint > 0xffff) at++;
    if (!isRawByte(codePoint)) continue;
    used += bytes.write(text.slice(pending, at), used);
    bytes[used++] = codePoint & 0xff;
    pending = at + 1;
  }
  used += bytes.write(text.slice(pending), used);
  return bytes.subarray(0, used);
}

/** Whether this code point of a text stands for one byte that is not valid UTF-8. */
export function isRawByte(codePoint: number): boolean {
  return codePoint >= RAW_BYTE_BASE + 0x80 && codePoint <= RAW_BYTE_BASE + 0xff;
}

/** Whether Go's unicode.IsPrint says yes: letters, marks, numbers, punctuation, symbols and the ASCII space; raw bytes count as U+FFFD does. */
export function isPrintable(codePoint: number): boolean {
  if (codePoint < 0x7f) return codePoint >= 0x20;
  return isRawByte(codePoint) || PRINTABLE.test(String.fromCodePoint(codePoint));
}

const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u;

/** `text` without leading and trailing White_Space. String.trim differs: it also takes U+FEFF and leaves U+0085. */
export function trimSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/** The runs of non-space characters of `text`, as Go's strings.Fields. */
export function fieldsOf(text: string): string[] {
  return text.split(SPACES).filter((field) => field !== '');
}

const SPACES = /\p{White_Space}+/u;

/** Whether Go's unicode.IsSpace says yes. */
function isSpace(charCode: number): boolean {
  if (charCode < 0x80) return charCode === 0x20 || (charCode >= 0x09 && charCode <= 0x0d);
  return SPACE.test(String.fromCharCode(charCode));
}

const SPACE = /^\p{White_Space}$/u;

/** Decodes sequence by sequence: for the rare file that is not UTF-8, such as one with a comment in an older encoding. */
function decodePiecewise(bytes: Uint8Array): string {
  const units = new Uint16Array(bytes.length);
  let used = 0;
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    const codePoint = length === 0 ? RAW_BYTE_BASE + (bytes[at] ?? 0) : codePointAt(bytes, at, length);
    if (codePoint > 0xffff) units[used++] = 0xd800 + ((codePoint - 0x10000) >> 10);
    units[used++] = codePoint > 0xffff ? 0xdc00 + (codePoint & 0x3ff) : codePoint;
    at += Math.max(length, 1);
  }
  return Buffer.from(units.buffer, 0, 2 * used).toString('utf16le');
}

/** Length of the valid UTF-8 sequence at `at`, 0 when no valid one starts there (RFC 3629: shortest forms, no surrogates). */
export function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0;
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  const second = bytes[at + 1] ?? 0;
  if (second < lowest || second > highest) return 0;
  for (let i = at + 2; i < at + length; i++) if (((bytes[i] ?? 0) & 0xc0) !== 0x80) return 0;
  return length;
}

/** The code point of a sequence already known to be valid. */
export function codePointAt(bytes: Uint8Array, at: number, length: number): number {
  const lead = bytes[at] ?? 0;
  let codePoint = length === 1 ? lead : lead & (0xff >> (length + 1));
  for (let i = at + 1; i < at + length; i++) codePoint = (codePoint << 6) | ((bytes[i] ?? 0) & 0x3f);
  return codePoint;
}
