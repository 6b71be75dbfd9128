import { describe, expect, test } from 'vitest';
import { isAppError } from '../std/errors.ts';
import {
  isPseudoVersion,
  isZeroPseudoVersion,
  pseudoVersion,
  pseudoVersionBase,
  pseudoVersionRev,
  pseudoVersionTime,
  zeroPseudoVersion,
} from './pseudo.ts';

const TIME = new Date('2006-01-02T15:04:05.999Z');
const STAMP = '20060102150405-0123456789ab';

describe('a pseudo-version', () => {
  test.each([
    ['', '', `v0.0.0-${STAMP}`],
    ['v2', '', `v2.0.0-${STAMP}`],
    ['v2', 'garbage', `v2.0.0-${STAMP}`],
    ['v1', 'v1.2.3', `v1.2.4-0.${STAMP}`],
    ['v1', 'v1.2.9', `v1.2.10-0.${STAMP}`],
    ['v1', 'v1.2.99999999999999999999', `v1.2.100000000000000000000-0.${STAMP}`],
    ['v1', 'v1.2.3-rc.1', `v1.2.3-rc.1.0.${STAMP}`],
    ['v2', 'v2.3.0+incompatible', `v2.3.1-0.${STAMP}+incompatible`],
  ])('of major %j after %j is %s', (major, older, v) => {
    expect(pseudoVersion(major, older, TIME, '0123456789ab')).toBe(v);
    expect(isPseudoVersion(v)).toBe(true);
    expect(pseudoVersionRev(v)).toBe('0123456789ab');
    expect(pseudoVersionTime(v)).toEqual(new Date('2006-01-02T15:04:05Z'));
    expect(pseudoVersionBase(v)).toBe(older === 'garbage' ? '' : older);
  });

  test.each([
    'v1.2.3',
    'v1.2.3-0.2006010215040-abc',
    `v1.2.3-${STAMP}`,
    `v1.2.3-x${STAMP}`,
    `v1.2.3-1.${STAMP}`,
    `v1.2.3-00.${STAMP}`,
    `v0.0.0-${STAMP}.x`,
    `v0.0.0-20060102150405`,
    'main',
    '',
  ])('is not %j', (v) => {
    expect(isPseudoVersion(v)).toBe(false);
    expect(() => pseudoVersionRev(v)).toThrow(expect.toSatisfy((e) => isAppError(e, 'BAD_VERSION')));
  });

  test('may have a time that is none, which is said when it is asked for', () => {
    const v = 'v0.0.0-20061302150405-0123456789ab';
    expect(isPseudoVersion(v)).toBe(true);
    expect(() => pseudoVersionTime(v)).toThrow('malformed time');
  });

  test.each([
    [`v1.2.0-0.${STAMP}`, 'negative patch'],
    [`v2.0.0-${STAMP}+incompatible`, 'lacks a base'],
  ])('%s can follow nothing', (v, reason) => {
    expect(() => pseudoVersionBase(v)).toThrow(reason);
  });

  test('finds the base below a round number', () => {
    expect(pseudoVersionBase(`v1.2.10-0.${STAMP}`)).toBe('v1.2.9');
    expect(pseudoVersionBase(`v1.2.1-0.${STAMP}`)).toBe('v1.2.0');
    expect(pseudoVersionBase(`v1.2.110-0.${STAMP}`)).toBe('v1.2.109');
    expect(pseudoVersionBase(`v1.2.1000-0.${STAMP}`)).toBe('v1.2.999');
  });

  test('has a zero for each major', () => {
    expect(zeroPseudoVersion('')).toBe('v0.0.0-00010101000000-000000000000');
    expect([zeroPseudoVersion('v2'), 'v1.0.0', '', 'bad'].map(isZeroPseudoVersion)).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
});
