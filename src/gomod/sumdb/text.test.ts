import { describe, expect, test } from 'vitest';
import { encodeUtf8 } from '../../std/bytes.ts';
import { EMPTY_TREE_HASH } from './hash.ts';
import { formatTreeHead, parseRecord, parseTreeHead } from './text.ts';
import { hasRecord } from './tree.ts';

const refusal: unknown = expect.objectContaining({ code: 'SUMDB_INCONSISTENT' });

describe('the text of a tree head', () => {
  const head = formatTreeHead({ size: 1, hash: EMPTY_TREE_HASH });

  test('may hold a million bytes, however many characters they are', () => {
    const room = 1_000_000 - head.length;
    expect(parseTreeHead(head + 'e'.repeat(room)).size).toBe(1);
    expect(() => parseTreeHead(head + 'e'.repeat(room + 1))).toThrow(refusal);
    expect(() => parseTreeHead(head + 'é'.repeat(room - 1))).toThrow(refusal);
  });

  test.each(['4503599627370497', '9223372036854775807'])('of %s records is refused: no log has so many', (size) =>
    expect(() => parseTreeHead(head.replace('\n1\n', `\n${size}\n`))).toThrow(refusal),
  );
});

describe('the number of a record', () => {
  const numbered = (number: string) => parseRecord(encodeUtf8(`${number}\nx\n\n`)).id;

  test.each(['9223372036854775808', '-9223372036854775809', '1.0', '1e3', '1_0', ' 1', '+-1', '+', ''])(
    'is not %j',
    (number) => expect(() => numbered(number)).toThrow(refusal),
  );

  test.each(['9223372036854775807', '9007199254740993', '-9223372036854775808'])(
    'may be %s, which no tree has',
    (number) => expect(hasRecord({ size: 2 ** 52, hash: EMPTY_TREE_HASH }, numbered(number))).toBe(false),
  );
});
