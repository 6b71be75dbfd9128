import { codePointAt, sequenceLength } from './go-text.ts';
import type { Cursor, Span } from './xml-cursor.ts';

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const HASH = 0x23;
const AMPERSAND = 0x26;
const SEMICOLON = 0x3b;
const LESS = 0x3c;
const GREATER = 0x3e;
const CLOSING_BRACKET = 0x5d;
const MAX_RUNE = 0x10ffff;

/** Where text goes when its references and line ends have been resolved: never longer than it was. */
export class TextBuffer {
  readonly bytes: Uint8Array;
  length = 0;
  /** Whether something was put in since `mark` that needs a look: a byte beyond ASCII or a control character. */
  #isOdd = false;
  #marked = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
  }

  /** The text that is put in next begins here. */
  mark(): void {
    this.#marked = this.length;
    this.#isOdd = false;
  }

  push(byte: number): void {
    this.bytes[this.length++] = byte;
    if (byte >= 0x80 || (byte < 0x20 && byte !== TAB && byte !== LF && byte !== CR)) this.#isOdd = true;
  }

  /** What stands in the text since `mark`, after a check of its characters. Throws XmlFault. */
  checked(cursor: Cursor): Span {
    const span = { start: this.#marked, end: this.length };
    if (this.#isOdd) checkCharacters(this.bytes.subarray(0, this.length), span.start, cursor);
    return span;
  }
}

/** What ends a text: a `"` or `'` (an attribute), `]]>`, or the next `<`. */
export type TextEnd = number | 'cdata' | 'tag';

/** Reads the text that begins at `cursor` into `out`, as Go's lenient decoder: unknown references stay as they are. Throws XmlFault. */
export function readText(cursor: Cursor, out: TextBuffer, end: TextEnd): Span {
  const isCdata = end === 'cdata';
  const isQuoted = typeof end === 'number';
  out.mark();
  let beforeLast = 0;
  let last = 0;
  for (;;) {
    // A quoted text may end with the page here; what follows it may not.
    if (cursor.isAtEnd && !isCdata) break;
    const byte = cursor.take();
    if (byte === GREATER && !isQuoted && last === CLOSING_BRACKET && beforeLast === CLOSING_BRACKET) {
      if (!isCdata) throw cursor.fault('unescaped ]]> not in CDATA section');
      out.length -= 2;
      break;
    }
    if (byte === LESS && !isCdata) {
      if (isQuoted) throw cursor.fault('unescaped < inside quoted string');
      cursor.at--;
      break;
    }
    if (byte === end) break;
    if (byte === AMPERSAND && !isCdata) {
      readReference(cursor, out);
      beforeLast = last = 0;
      continue;
    }
    if (byte === CR) out.push(LF);
    else if (byte !== LF || last !== CR) out.push(byte);
    beforeLast = last;
    last = byte;
  }
  return out.checked(cursor);
}

/** `&` was read. */
function readReference(cursor: Cursor, out: TextBuffer): void {
  const start = cursor.at - 1;
  const isNumeric = cursor.take() === HASH;
  if (!isNumeric) cursor.at--;
  const codePoint = isNumeric ? numericReference(cursor) : namedReference(cursor);
  if (codePoint === undefined) for (let i = start; i < cursor.at; i++) out.push(cursor.bytes[i] ?? 0);
  else pushCodePoint(out, codePoint);
}

function namedReference(cursor: Cursor): number | undefined {
  const name = cursor.rawName();
  if (cursor.take() !== SEMICOLON) cursor.at--;
  else if (name !== undefined) return entity(cursor.bytes, name);
  return undefined;
}

/** The five that XML knows by itself, told apart by case. Four bytes fit into one number. */
function entity(bytes: Uint8Array, { start, end }: Span): number | undefined {
  if (end - start > 4) return undefined;
  let letters = 0;
  for (let i = start; i < end; i++) letters = letters * 0x100 + (bytes[i] ?? 0);
  return ENTITIES.get(letters);
}

const ENTITIES: ReadonlyMap<number, number> = new Map([
  [0x6c_74, LESS], // lt
  [0x67_74, GREATER], // gt
  [0x61_6d_70, AMPERSAND], // amp
  [0x61_70_6f_73, 0x27], // apos
  [0x71_75_6f_74, 0x22], // quot
]);

/** `&#` was read. Digits are taken as far as they go; what is no code point is left as it is. */
function numericReference(cursor: Cursor): number | undefined {
  let byte = cursor.take();
  const base = byte === 0x78 ? 16 : 10;
  if (base === 16) byte = cursor.take();
  let value: number | undefined;
  for (let digit = digitOf(byte); digit < base; digit = digitOf(byte)) {
    value = Math.min((value ?? 0) * base + digit, MAX_RUNE + 1);
    byte = cursor.take();
  }
  if (byte === SEMICOLON) return value === undefined || value > MAX_RUNE ? undefined : value;
  cursor.at--;
  return undefined;
}

function digitOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : Number.POSITIVE_INFINITY;
}

/** Half a surrogate pair is no character: it becomes U+FFFD, as Go makes it. */
function pushCodePoint(out: TextBuffer, codePoint: number): void {
  const c = codePoint >= 0xd800 && codePoint <= 0xdfff ? 0xfffd : codePoint;
  if (c < 0x80) {
    out.push(c);
    return;
  }
  if (c < 0x800) out.push(0xc0 | (c >> 6));
  else {
    if (c < 0x10000) out.push(0xe0 | (c >> 12));
    else {
      out.push(0xf0 | (c >> 18));
      out.push(0x80 | ((c >> 12) & 0x3f));
    }
    out.push(0x80 | ((c >> 6) & 0x3f));
  }
  out.push(0x80 | (c & 0x3f));
}

function checkCharacters(bytes: Uint8Array, start: number, cursor: Cursor): void {
  for (let at = start; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    if (length === 0) throw cursor.fault('invalid UTF-8');
    const c = codePointAt(bytes, at, length);
    if (!isCharacter(c))
      throw cursor.fault(`illegal character code U+${c.toString(16).toUpperCase().padStart(4, '0')}`);
    at += length;
  }
}

/** XML's Char. What is valid UTF-8 holds no surrogates. */
function isCharacter(c: number): boolean {
  return c >= 0x20 ? c !== 0xfffe && c !== 0xffff : c === TAB || c === LF || c === CR;
}
