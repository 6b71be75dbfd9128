import { expect, test } from 'vitest';
import { formatDataTile, parseDataTile } from './data-tile.ts';

test('a data tile holds texts of records, an empty line after each', () => {
  expect(Buffer.from(formatDataTile(['a\n', 'b\nc\n'])).toString()).toBe('a\n\nb\nc\n\n');
  expect(parseDataTile(Buffer.from('a\n\nb\nc\n\n'))).toEqual(['a\n', 'b\nc\n']);
});

test.each([
  '',
  '\n',
  '\n\n',
  'a',
  'a\n',
  'a\n\nb',
  'a\n\nb\n',
  'a\n\n\n\nb\n\n',
  '\na\n\n',
  'a\n\n\nb\n\n',
  '\xff\n\n',
])('no data tile is %j', (text) => {
  expect(parseDataTile(Buffer.from(text, 'latin1'))).toBeUndefined();
});
