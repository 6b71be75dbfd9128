import { describe, expect, test } from 'vitest';
import { isAppError } from '../std/errors.ts';
import type { Version } from './module.ts';
import {
  type ChoiceRules,
  chooseVersion,
  decidingVersion,
  isRetracted,
  parseQuery,
  retractionSource,
  type VersionQuery,
  wouldGoBackInTime,
} from './query.ts';

const PATH = 'example.com/m';
const list = (...versions: string[]): Version[] => versions as Version[];

function queryOf(text: string, current = '', path = PATH): VersionQuery {
  const parsed = parseQuery(path, text, current);
  if (parsed.kind !== 'choice') throw new Error(`${text} is a name`);
  return parsed.query;
}

/** The version chosen, or the kind of the answer in brackets. */
function chosen(
  text: string,
  versions: Version[],
  o: { current?: string; path?: string } & Partial<ChoiceRules> = {},
): string {
  const rules = { decidingHasGoMod: false, ...o };
  const choice = chooseVersion(queryOf(text, o.current, o.path), versions, rules);
  return choice.kind === 'version'
    ? choice.version
    : choice.kind === 'keep-current'
      ? `(keep ${choice.version})`
      : `(${choice.kind})`;
}

const SOME = list('v1.2.0', 'v1.0.0', 'v1.1.9', 'v1.3.0-rc.1', 'v1.1.10', 'v0.9.0', 'v1.2.1-pre', 'v1.2.0-pre');

describe('a query to a list', () => {
  test.each([
    ['latest', 'v1.2.0'],
    ['v1', 'v1.2.0'],
    ['v1.1', 'v1.1.10'],
    ['v1.3', '(none)'], // v1.3.0-rc.1 is below v1.3.0
    ['v0', 'v0.9.0'],
    ['v3', '(none)'],
    ['<v1.2.0', 'v1.1.10'],
    ['<v1.2', 'v1.1.10'],
    ['<=v1.2.0', 'v1.2.0'],
    ['>v1.1.10', 'v1.2.0'],
    ['>=v1.1.9', 'v1.1.9'],
    ['>=v1.1', 'v1.1.9'],
    ['>v1.2.0', 'v1.2.1-pre'], // only pre-releases: the lowest of them
    ['<v0.1.0', '(none)'],
    ['upgrade', 'v1.2.0'],
  ])('%s gives %s', (text, version) => {
    expect(chosen(text, SOME)).toBe(version);
  });

  test('takes a pre-release only when there is no release', () => {
    expect(chosen('latest', list('v1.0.0-a', 'v1.0.0-b', 'v0.1.0'))).toBe('v0.1.0');
    expect(chosen('latest', list('v1.0.0-a', 'v1.0.0-b'))).toBe('v1.0.0-b');
  });

  test('asks @latest only for latest and for upgrades that may', () => {
    expect(chosen('latest', [])).toBe('(ask-latest)');
    expect(chosen('v1', [])).toBe('(none)');
    expect(chosen('upgrade', [], { current: 'v0.0.0-20200101000000-0123456789ab' })).toBe('(ask-latest)');
    expect(chosen('upgrade', [], { current: 'v1.0.0' })).toBe('(keep v1.0.0)');
  });

  test('passes over what is not allowed', () => {
    expect(chosen('latest', SOME, { isAllowed: (v) => v !== 'v1.2.0' })).toBe('v1.1.10');
    expect(chosen('latest', SOME, { isAllowed: () => false })).toBe('(ask-latest)');
  });

  test.each([
    ['upgrade', 'v1.1.9', 'v1.2.0'],
    ['upgrade', 'v1.2.0', 'v1.2.0'],
    ['upgrade', 'v1.2.1-pre', 'v1.3.0-rc.1'],
    ['patch', 'v1.1.9', 'v1.1.10'],
    ['patch', 'v1.0.5', '(keep v1.0.5)'],
    ['patch', 'v1.3.0-alpha', 'v1.3.0-rc.1'],
  ])('%s from %s goes to %s', (text, current, version) => {
    expect(chosen(text, SOME, { current })).toBe(version);
  });

  test.each(['<', '<x', '>=', '<=v1.2', '>v1', 'patch', '>latest'])('%j is refused', (text) => {
    expect(() => parseQuery(PATH, text)).toThrow(expect.toSatisfy((e) => isAppError(e, 'BAD_VERSION')));
  });

  test('is refused when the current version is none', () => {
    expect(() => parseQuery(PATH, 'upgrade', 'main')).toThrow('not valid');
  });

  test.each(['main', 'v1.2.3', 'v1.2.3+meta', 'abcdef123456', 'v1.x', 'feature/x'])(
    '%s is a name, not a query to a list',
    (name) => {
      expect(parseQuery(PATH, name)).toEqual({ kind: 'name', name });
    },
  );
});

describe('+incompatible versions', () => {
  const mixed = list('v2.0.0+incompatible', 'v1.5.0', 'v1.6.0-pre', 'v3.0.0+incompatible');

  test('are hidden when the highest compatible version has a go.mod', () => {
    expect(decidingVersion(queryOf('latest'), mixed)).toBe('v1.6.0-pre');
    expect(chosen('latest', mixed, { decidingHasGoMod: true })).toBe('v1.5.0');
    expect(chosen('latest', mixed, { decidingHasGoMod: false })).toBe('v3.0.0+incompatible');
  });

  test('hide behind a compatible pre-release too', () => {
    expect(chosen('latest', list('v1.0.0-pre', 'v2.0.0+incompatible'), { decidingHasGoMod: true })).toBe('v1.0.0-pre');
  });

  test('count when there is no compatible version that may be chosen', () => {
    const isAllowed = (v: Version): boolean => v.endsWith('+incompatible');
    expect(decidingVersion(queryOf('latest'), mixed, isAllowed)).toBeUndefined();
    expect(chosen('latest', mixed, { decidingHasGoMod: true, isAllowed })).toBe('v3.0.0+incompatible');
  });

  test('count when the query or the current version is one', () => {
    expect(chosen('<v3.0.0', mixed, { decidingHasGoMod: true })).toBe('v2.0.0+incompatible');
    expect(chosen('v2', mixed, { decidingHasGoMod: true })).toBe('v2.0.0+incompatible');
    expect(chosen('upgrade', mixed, { decidingHasGoMod: true, current: 'v2.0.0+incompatible' })).toBe(
      'v3.0.0+incompatible',
    );
    expect(chosen('<v1.6.0', mixed, { decidingHasGoMod: true })).toBe('v1.5.0');
  });

  test('need no go.mod when none is above a compatible one', () => {
    expect(decidingVersion(queryOf('latest'), SOME)).toBeUndefined();
  });
});

describe('an upgrade from a pseudo-version', () => {
  const from = queryOf('upgrade', 'v0.0.0-20200101000000-0123456789ab');

  test('does not go back in time', () => {
    expect(wouldGoBackInTime(from, new Date('2019-12-31T00:00:00Z'))).toBe(true);
    expect(wouldGoBackInTime(from, new Date('2020-01-01T00:00:00Z'))).toBe(false);
  });

  test('is the only kind that is compared by time', () => {
    expect(wouldGoBackInTime(queryOf('upgrade', 'v1.0.0'), new Date(0))).toBe(false);
    expect(wouldGoBackInTime(queryOf('latest'), new Date(0))).toBe(false);
  });
});

describe('retractions', () => {
  test('come from the highest release, else pre-release, never from an +incompatible version', () => {
    expect(retractionSource(list('v1.0.0', 'v1.1.0-pre', 'v2.0.0+incompatible'))).toBe('v1.0.0');
    expect(retractionSource(list('v1.0.0-a', 'v1.1.0-pre', 'v2.0.0+incompatible'))).toBe('v1.1.0-pre');
    expect(retractionSource(list('v2.0.0+incompatible'))).toBeUndefined();
  });

  test('include both ends', () => {
    const retractions = [
      { low: 'v1.0.0', high: 'v1.0.0' },
      { low: 'v1.2.0', high: 'v1.3.0' },
    ];
    const retracted = ['v1.0.0', 'v1.2.0', 'v1.3.0-pre', 'v1.3.0', 'v1.3.1', 'v1.2.0-pre'].map((v) =>
      isRetracted(v, retractions),
    );
    expect(retracted).toEqual([true, true, true, true, false, false]);
  });
});
