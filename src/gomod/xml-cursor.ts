import { codePointAt, sequenceLength } from './go-text.ts';
import { mayBeginName, mayStandInName } from './xml-names.ts';

/** Why a page cannot be read on. The message is printable; it holds nothing of the page. */
export class XmlFault extends Error {
  /** Whether the page ends where more must come. */
  readonly isAtEnd: boolean;

  constructor(message: string, isAtEnd = false) {
    super(message);
    this.isAtEnd = isAtEnd;
  }
}

/** Part of a page: `[start, end)` in bytes. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A place in the bytes of a page. Only ever goes back by the one byte it has just read, so that all reading is linear. */
export class Cursor {
  readonly bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  /** The next byte, which must be there. Throws XmlFault. */
  take(): number {
    const byte = this.bytes[this.at];
    if (byte === undefined) throw this.fault(UNEXPECTED_END);
    this.at++;
    return byte;
  }

  skipSpace(): void {
    for (let byte = this.bytes[this.at]; byte === 0x20 || byte === 0x0d || byte === 0x0a || byte === 0x09; )
      byte = this.bytes[++this.at];
  }

  /** The name that begins here; undefined, and nothing read, when none does. Throws XmlFault when it is none that XML allows, or the page ends in it. */
  name(): Span | undefined {
    const span = this.rawName();
    if (span !== undefined && !isName(this.bytes, span)) throw this.fault('invalid XML name');
    return span;
  }

  /** The bytes that look like a name: which characters beyond ASCII are in it is not checked. */
  rawName(): Span | undefined {
    const start = this.at;
    while (isNameByte(this.take())) {}
    const end = --this.at;
    return end === start ? undefined : { start, end };
  }

  fault(what: string): XmlFault {
    let line = 1;
    for (let i = this.bytes.indexOf(0x0a); i >= 0 && i < this.at; i = this.bytes.indexOf(0x0a, i + 1)) line++;
    return new XmlFault(`XML syntax error on line ${line}: ${what}`, this.isAtEnd && what === UNEXPECTED_END);
  }
}

/** The part of a name after its `:`; the whole where that would leave a side empty. Undefined for names with more than one. */
export function localName(bytes: Uint8Array, name: Span): Span | undefined {
  const { start, end } = name;
  // No subarray: one for each name of a page would cost more than all the rest.
  let colon = -1;
  for (let i = start; i < end; i++) {
    if (bytes[i] !== COLON) continue;
    if (colon >= 0) return undefined;
    colon = i;
  }
  return colon <= start || colon === end - 1 ? name : { start: colon + 1, end };
}

/** Whether the name at `span` is `ascii`, in whatever case. `ascii` is in lower case. */
export function isNamed(bytes: Uint8Array, { start, end }: Span, ascii: string): boolean {
  if (end - start !== ascii.length) return false;
  for (let i = 0; i < ascii.length; i++) {
    const byte = bytes[start + i] ?? 0;
    const lower = byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
    if (lower !== ascii.charCodeAt(i)) return false;
  }
  return true;
}

const COLON = 0x3a;
const UNEXPECTED_END = 'unexpected EOF';

/** Letters, digits, `_ : . -`, and every byte beyond ASCII. */
function isNameByte(byte: number): boolean {
  return byte >= 0x80 || isAsciiFirst(byte) || (byte >= 0x30 && byte <= 0x39) || byte === 0x2e || byte === 0x2d;
}

function isAsciiFirst(byte: number): boolean {
  return (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) || byte === 0x5f || byte === COLON;
}

function isName(bytes: Uint8Array, { start, end }: Span): boolean {
  for (let at = start; at < end; ) {
    const byte = bytes[at] ?? 0;
    if (byte < 0x80) {
      if (at === start && !isAsciiFirst(byte)) return false;
      at++;
      continue;
    }
    const length = sequenceLength(bytes, at);
    if (length === 0) return false;
    const codePoint = codePointAt(bytes, at, length);
    if (at === start ? !mayBeginName(codePoint) : !mayStandInName(codePoint)) return false;
    at += length;
  }
  return true;
}
