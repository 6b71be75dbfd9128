import { expect, test } from 'vitest';
import { cleanedInside, hasPathPrefix, rowFor } from './path-prefix.ts';

test.each([
  ['a/b', 'a', true],
  ['a/b', 'a/', true],
  ['a/b', 'a/b', true],
  ['a/b', '', true],
  ['a/b', 'a/b/', false],
  ['a', 'a/', false],
  ['ab', 'a', false],
  ['a', 'a/b', false],
])('whether %j begins with the elements of %j: %s', (path, prefix, expected) => {
  expect(hasPathPrefix(path, prefix)).toBe(expected);
});

test.each([
  ['', ''],
  ['.', ''],
  ['a//b/', 'a/b'],
  ['a/../b/./c', 'b/c'],
  ['..', undefined],
  ['a/../../a', undefined],
  ['/a', undefined],
])('%j in its shortest form is %j', (path, expected) => {
  expect(cleanedInside(path)).toBe(expected);
});

test('of several rows the one about the longest path speaks for a module', () => {
  const rows = ['a.test', 'a.test/b/c', 'a.test/b'].map((module) => ({ module }));
  expect(rowFor(rows, 'a.test/b/c/d')).toEqual({ module: 'a.test/b/c' });
  expect(rowFor(rows, 'a.test/bb')).toEqual({ module: 'a.test' });
  expect(rowFor(rows, 'b.test')).toBeUndefined();
});
