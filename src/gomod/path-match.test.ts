import { describe, expect, test } from 'vitest';
import { matchPath, parsePattern } from './path-match.ts';

describe('a pattern', () => {
  test.each([
    ['abc', 'abc'],
    ['*', ''],
    ['*', 'abc'],
    ['*c', 'abc'],
    ['a*', 'a'],
    ['a*/b', 'abc/b'],
    ['a*b*c*d*e*', 'axbxcxdxexxx'],
    ['a*b?c*x', 'abxbbxdbxebxczzx'],
    ['a?c', 'aéc'],
    ['ab[c]', 'abc'],
    ['ab[b-d]', 'abc'],
    ['ab[^e-g]', 'abc'],
    ['a\\*b', 'a*b'],
    ['[\\]a]', ']'],
    ['[\\-x]', '-'],
    ['[x\\-]', 'x'],
    [']a]b', ']a]b'],
    ['a**b', 'axxb'],
  ])('%s matches %j', (pattern, name) => {
    expect(matchPath(pattern, name)).toBe(true);
  });

  test.each([
    ['a*', 'ab/c'],
    ['*', '/'],
    ['a?b', 'a/b'],
    ['a*/b', 'a/c/b'],
    ['ab[e-g]', 'abc'],
    ['[^a]', 'a'],
    ['[z-a]', 'm'],
    ['a*b?c*x', 'abxbbxdbxebxczzy'],
    ['', 'a'],
    ['abc', 'ABC'],
    ['x', ''],
  ])('%s does not match %j', (pattern, name) => {
    expect(parsePattern(pattern)).toBeDefined();
    expect(matchPath(pattern, name)).toBe(false);
  });

  test.each(['[', '[]', '[]a]', '[-]', '[x-]', '[-x]', '[a-b-c]', 'a[', '\\', '[^', '[^bc', 'a\\', '[\\'])(
    '%s is malformed and matches nothing',
    (pattern) => {
      expect(parsePattern(pattern)).toBeUndefined();
      expect(['', 'a', '[', pattern].some((name) => matchPath(pattern, name))).toBe(false);
    },
  );

  test('full of stars is answered in bounded time', () => {
    const start = performance.now();
    expect(matchPath(`${'*a'.repeat(500)}b`, 'a'.repeat(5000))).toBe(false);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});
