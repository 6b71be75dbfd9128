import { describe, expect, test } from 'vitest';
import { foldCase } from './fold.ts';

describe('names that differ by case only', () => {
  test.each([
    ['README.md', 'readme.MD'],
    ['k', '\u212a'],
    ['s', '\u017f'],
    ['\u03c3', '\u03c2'],
    ['\u{10400}.go', '\u{10428}.go'],
  ])('%j and %j collide', (a, b) => {
    expect(foldCase(a)).toBe(foldCase(b));
  });

  test.each([
    ['stra\u00dfe', 'strasse'],
    ['\u0131', 'i'],
    ['\u0130', 'i'],
    ['a/b', 'a_b'],
  ])('%j and %j do not', (a, b) => {
    expect(foldCase(a)).not.toBe(foldCase(b));
  });

  test('the pinned table says what the regular expressions of this Node say', () => {
    const wrong: string[] = [];
    for (let codePoint = 0x80; codePoint <= 0x10ffff; codePoint++) {
      const char = String.fromCodePoint(codePoint);
      const folded = foldCase(char);
      const isCased = char.toLowerCase() !== char || char.toUpperCase() !== char;
      if (folded === char && !isCased) continue;
      const others = [folded, char.toLowerCase(), char.toUpperCase()].filter((one) => /^.$/u.test(one));
      const isSame = (other: string): boolean => new RegExp(`^\\u{${codePoint.toString(16)}}$`, 'iu').test(other);
      // An older Node does not know the newest letters; what it knows must agree.
      const isUnknown = folded !== char && !isCased && Number(process.versions.unicode) < 17;
      if (!isUnknown && others.some((other) => isSame(other) !== (foldCase(other) === folded))) wrong.push(char);
    }
    expect(wrong).toEqual([]);
  });
});
