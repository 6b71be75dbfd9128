import { describe, expect, test } from 'vitest';
import { autoQuote, mustQuote, quote, unquote } from './quote.ts';

describe('quoting', () => {
  test.each([
    ['a"b\\c', '"a\\"b\\\\c"'],
    ['\x07\b\f\n\r\t\v', '"\\a\\b\\f\\n\\r\\t\\v"'],
    ['\0\x7f', '"\\x00\\x7f"'],
    ['\u00a0\ufeff', '"\\u00a0\\ufeff"'],
    ['\u{e0001}', '"\\U000e0001"'],
    ['é😀', '"é😀"'],
    ['\udcff', '"\\xff"'],
  ])('%j is written %s and read back', (text, literal) => {
    expect(quote(text)).toBe(literal);
    expect(unquote(literal)).toBe(text);
  });

  test('a bracket is quoted unless it stands alone', () => {
    expect(autoQuote('(')).toBe('(');
    expect(autoQuote('a(')).toBe('"a("');
    expect(mustQuote('\udcff')).toBe(false);
  });
});

describe('unquoting', () => {
  test.each([
    ['"\\x70\\160\\u0070\\U00000070"', 'pppp'],
    ['"\\xc3\\xa9"', 'é'],
    ['`a\\b\r\n"`', 'a\\b\n"'],
    ['""', ''],
    ['"\udcff"', '\ufffd'],
  ])('%j stands for %j', (literal, text) => {
    expect(unquote(literal)).toBe(text);
  });

  test.each([
    '',
    '"',
    'a',
    '"a',
    '"a"b"',
    '"a\nb"',
    '"\\\'"',
    '"\\q"',
    '"\\x7"',
    '"\\400"',
    '"\\ud800"',
    '"\\U00110000"',
    '"\\"',
    '`a`b`',
    "'a'",
  ])('%j stands for nothing', (literal) => {
    expect(unquote(literal)).toBeUndefined();
  });
});
