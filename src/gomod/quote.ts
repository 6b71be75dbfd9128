import { bytesOfText, isPrintable, isRawByte, textOfBytes } from './go-text.ts';

/** `text` as it must be written to be one token of a go.mod line: itself, or quoted. */
export function autoQuote(text: string): string {
  return mustQuote(text) ? quote(text) : text;
}

/** Whether `text` would not be one token of a go.mod line if written bare. A single bracket or comma is a token by itself. */
export function mustQuote(text: string): boolean {
  if (text === '' || text.includes('//') || text.includes('/*')) return true;
  for (const char of text) {
    if (QUOTED_ALWAYS.includes(char)) return true;
    if (QUOTED_UNLESS_ALONE.includes(char) ? text.length > 1 : !isPrintable(char.codePointAt(0) ?? 0)) return true;
  }
  return false;
}

const QUOTED_ALWAYS = ' "\'`';
const QUOTED_UNLESS_ALONE = '()[]{},';

/** `text` as a double-quoted Go string literal, in the form strconv.Quote gives. */
export function quote(text: string): string {
  const pieces: string[] = [];
  for (const char of text) pieces.push(quotedChar(char));
  return `"${pieces.join('')}"`;
}

function quotedChar(char: string): string {
  const codePoint = char.codePointAt(0) ?? 0;
  if (char === '"' || char === '\\') return `\\${char}`;
  if (isRawByte(codePoint)) return `\\x${hex(codePoint & 0xff, 2)}`;
  if (isPrintable(codePoint)) return char;
  const letter = LETTER_OF_CONTROL.get(char);
  if (letter !== undefined) return `\\${letter}`;
  if (codePoint < 0x20 || codePoint === 0x7f) return `\\x${hex(codePoint, 2)}`;
  return codePoint < 0x10000 ? `\\u${hex(codePoint, 4)}` : `\\U${hex(codePoint, 8)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

const CONTROL_OF_LETTER: ReadonlyMap<string, string> = new Map([
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
]);
const LETTER_OF_CONTROL: ReadonlyMap<string, string> = new Map(
  [...CONTROL_OF_LETTER].map(([letter, control]) => [control, letter]),
);

/**
 * What the Go string literal `literal` stands for, or undefined when it is not exactly one double-quoted or raw literal.
 * Rules of strconv.Unquote; rune literals ('x') are not strings here.
 */
export function unquote(literal: string): string | undefined {
  const mark = literal[0];
  if (literal.length < 2 || literal.at(-1) !== mark) return undefined;
  const inner = literal.slice(1, -1);
  if (mark === '`') return inner.includes('`') ? undefined : inner.replaceAll('\r', '');
  if (mark !== '"' || inner.includes('\n')) return undefined;
  return inner.includes('\\') || inner.includes('"') || !inner.isWellFormed() ? unescapeInner(inner) : inner;
}

/** One step through the inside of a double-quoted literal: plain text, or one escape. Sticky, so each step is linear. */
const STEP = /[^\\"]+|\\(?:([abfnrtv\\"])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2}))/y;

function unescapeInner(inner: string): string | undefined {
  const step = new RegExp(STEP);
  const pieces: Uint8Array[] = [];
  while (step.lastIndex < inner.length) {
    const match = step.exec(inner);
    const piece = match === null ? undefined : unescapeStep(match);
    if (piece === undefined) return undefined;
    pieces.push(piece);
  }
  return textOfBytes(Buffer.concat(pieces));
}

/** The bytes of one step: `\x` and octal escapes give one raw byte, everything else a code point in UTF-8. */
function unescapeStep(match: RegExpExecArray): Uint8Array | undefined {
  const [whole, letter, hexByte, hex4, hex8, octal] = match;
  if (letter !== undefined) return bytesOfText(CONTROL_OF_LETTER.get(letter) ?? letter);
  if (hexByte !== undefined) return Uint8Array.of(Number.parseInt(hexByte, 16));
  if (octal !== undefined) return Uint8Array.of(Number.parseInt(octal, 8));
  const wide = hex4 ?? hex8;
  // A byte that is not UTF-8 becomes U+FFFD here, where Go decodes rune by rune.
  if (wide === undefined) return bytesOfText(whole.toWellFormed());
  const codePoint = Number.parseInt(wide, 16);
  const isScalar = codePoint <= 0x10ffff && (codePoint < 0xd800 || codePoint > 0xdfff);
  return isScalar ? bytesOfText(String.fromCodePoint(codePoint)) : undefined;
}
