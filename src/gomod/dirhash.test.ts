import { describe, expect, test } from 'vitest';
import { hash1, hashGoMod, hashZip } from './dirhash.ts';
import { sha256Hex } from './sha256.ts';

const file = (name: string, content = ''): { name: string; sha256: string } => ({ name, sha256: sha256Hex(content) });

describe('h1', () => {
  test('of a go.mod is the one in go.sum', () => {
    expect(hashGoMod(Buffer.from('module github.com/rsc/vgotest1\n'))).toBe(
      'h1:Cikz7B+nPkZt/jV9utQtgwwldwX1OWdKqIsrVQcO47c=',
    );
  });

  test('does not depend on the order of the files', () => {
    const files = [
      file('a'),
      file('B', 'b'),
      file('a-b'),
      file('a/b'),
      file('\u00e9'),
      file('\u{10400}'),
      file('\uff5a'),
    ];
    expect(hash1(files.toReversed())).toBe(hash1(files));
  });

  test('sorts by bytes where UTF-16 would sort otherwise', () => {
    const files = [file('m@v1/\u{10400}.txt', 'b'), file('m@v1/\uff5a.txt', 'a')];
    expect(hash1(files)).toBe('h1:+4Yl0N3Ca5C3J2uxvP7Uk5udXDkF/oQjpDGaWApbVGA=');
  });

  test('refuses a newline in a name, which could stand for another file', () => {
    expect(() => hash1([file('a\nb')])).toThrow(expect.objectContaining({ code: 'ZIP_INVALID' }));
  });

  test('of a zip counts the last of two entries with one name, twice', () => {
    expect(hashZip([file('a', '1'), file('a', '2')])).toBe(hash1([file('a', '2'), file('a', '2')]));
  });
});
