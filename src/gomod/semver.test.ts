import { describe, expect, test } from 'vitest';
import {
  build,
  canonical,
  compare,
  isComplete,
  isShort,
  isValid,
  major,
  majorMinor,
  prerelease,
  sortVersions,
} from './semver.ts';

describe('a semantic version', () => {
  test.each([
    'v1',
    'v1.2',
    'v0.0.0',
    'v1.2.3-rc.1+meta',
    'v1.2.3--',
    'v1.2.3-0a',
    'v1.2.3+001',
    `v${'9'.repeat(40)}.0.0`,
  ])('%s is valid', (v) => {
    expect(isValid(v)).toBe(true);
  });

  test.each([
    '',
    'v',
    '1.2.3',
    'V1.2.3',
    'v01.2.3',
    'v1.2.3.4',
    'v1-pre',
    'v1.2+meta',
    'v1.2.3-',
    'v1.2.3-a..b',
    'v1.2.3-01',
    'v1.2.3+',
    'v1.2.3+a+b',
    'v1.2.3 ',
    'v1.2.3-é',
    'v1.',
    'v1.2.',
  ])('%j is not valid', (v) => {
    expect(isValid(v)).toBe(false);
    expect([canonical(v), major(v), majorMinor(v), prerelease(v), build(v)]).toEqual(['', '', '', '', '']);
  });

  test('is made canonical by completing it and dropping build metadata', () => {
    expect(['v1', 'v1.2', 'v1.2.3-pre+meta'].map(canonical)).toEqual(['v1.0.0', 'v1.2.0', 'v1.2.3-pre']);
  });

  test('comes apart into its parts', () => {
    const v = 'v1.2.3-rc.1+meta';
    expect([major(v), majorMinor(v), prerelease(v), build(v)]).toEqual(['v1', 'v1.2', '-rc.1', '+meta']);
    expect(majorMinor('v7')).toBe('v7.0');
  });

  test('is short or complete', () => {
    expect(['v1', 'v1.2', 'v1.2.3+x', 'bad'].map(isShort)).toEqual([true, true, false, false]);
    expect(['v1', 'v1.2', 'v1.2.3+x', 'bad'].map(isComplete)).toEqual([false, false, true, false]);
  });
});

describe('the order of versions', () => {
  // each is below the next
  const ladder = [
    'bad',
    'v0.9.0',
    'v1.0.0-0',
    'v1.0.0-2',
    'v1.0.0-10',
    'v1.0.0-A',
    'v1.0.0-a',
    'v1.0.0-a.1',
    'v1.0.0-a.b',
    'v1.0.0',
    'v1.0.9',
    'v1.0.10',
    'v1.2.0',
    `v1.${'9'.repeat(20)}.0`,
    `v1.1${'0'.repeat(20)}.0`,
    'v2.0.0',
  ];

  test.each(ladder.slice(1).map((v, i) => [ladder[i] ?? '', v]))('%s is below %s', (low, high) => {
    expect(compare(low, high)).toBeLessThan(0);
    expect(compare(high, low)).toBeGreaterThan(0);
  });

  test('does not see build metadata or missing zeros', () => {
    expect([compare('v1', 'v1.0.0'), compare('v1.0.0+a', 'v1.0.0+b'), compare('bad', 'worse')]).toEqual([0, 0, 0]);
  });

  test('is completed by bytes when sorting, so that it is the same on every run', () => {
    expect(sortVersions(['v2.0.0', 'v1.0.0+b', 'v1.0.0', 'v1.0.0+a', 'x'])).toEqual([
      'x',
      'v1.0.0',
      'v1.0.0+a',
      'v1.0.0+b',
      'v2.0.0',
    ]);
  });
});
