import { describe, expect, test } from 'vitest';
import { bytesOfText, fieldsOf, isPrintable, textOfBytes, trimSpace } from './go-text.ts';

describe('text of bytes', () => {
  test.each([
    ['valid UTF-8', Buffer.from('module é 😀 // x')],
    ['Latin-1', Buffer.from('caf\xe9 \xff', 'latin1')],
    ['a surrogate encoded as UTF-8', Buffer.from([0xed, 0xb0, 0x80])],
    ['overlong forms', Buffer.from([0xc0, 0xaf, 0xe0, 0x80, 0xaf, 0xf0, 0x80, 0x80, 0xaf])],
    ['beyond U+10FFFF', Buffer.from([0xf4, 0x90, 0x80, 0x80])],
    ['a sequence cut off by the end', Buffer.from([0x61, 0xf0, 0x9f, 0x98])],
    ['a sequence cut off by another', Buffer.from([0xf0, 0x9f, 0xf0, 0x9f, 0x98, 0x80, 0xc3])],
    ['a BOM', Buffer.from([0xef, 0xbb, 0xbf, 0x6d])],
  ])('%s comes back byte for byte', (_, bytes) => {
    expect(Buffer.from(bytesOfText(textOfBytes(bytes)))).toEqual(bytes);
  });

  test('only bytes that are not UTF-8 are marked', () => {
    expect(textOfBytes(Buffer.from([0x61, 0xc3, 0xa9, 0xff, 0xf0, 0x9f, 0x98, 0x80]))).toBe('a\u00e9\udcff\u{1f600}');
  });
});

test('white space is what Unicode says: U+0085 counts, U+FEFF does not', () => {
  expect(trimSpace('\u0085\t x y \r\n\u3000')).toBe('x y');
  expect(trimSpace('\ufeffx')).toBe('\ufeffx');
  expect(fieldsOf(' a\u0085b\tc ')).toEqual(['a', 'b', 'c']);
});

test('printable are letters, marks, numbers, punctuation, symbols, the space, and raw bytes', () => {
  for (const c of ['a', ' ', '~', 'é', '\u0301', '€', '\ufffd', '\udcff', '😀'])
    expect(isPrintable(c.codePointAt(0) ?? 0), c).toBe(true);
  for (const c of ['\0', '\x7f', '\u00a0', '\u00ad', '\u2028', '\ufeff', '\ue000'])
    expect(isPrintable(c.codePointAt(0) ?? 0)).toBe(false);
});
