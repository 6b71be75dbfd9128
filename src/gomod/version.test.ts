import { describe, expect, test } from 'vitest';
import { canonicalVersion, goVersionOfToolchain, isCanonicalVersion, isIncompatible } from './version.ts';

describe('a canonical module version', () => {
  test.each([
    ['v1.2.3', 'v1.2.3'],
    ['v1', 'v1.0.0'],
    ['v2.0.0+incompatible', 'v2.0.0+incompatible'],
    ['v2.0.0-rc.1+incompatible', 'v2.0.0-rc.1+incompatible'],
    ['v2.0.0+incompatible.1', 'v2.0.0'],
    ['v1.2.3+meta', 'v1.2.3'],
    ['main', ''],
  ])('of %s is %j', (v, canonical) => {
    expect(canonicalVersion(v)).toBe(canonical);
    expect(isCanonicalVersion(v)).toBe(v === canonical);
  });

  test('says by its suffix that it is incompatible', () => {
    expect([isIncompatible('v2.0.0+incompatible'), isIncompatible('v2.0.0')]).toEqual([true, false]);
  });
});

describe('a toolchain version', () => {
  test.each([
    ['v0.0.1-go1.21.0.linux-amd64', '1.21.0'],
    ['v0.0.1-go1.22rc1.windows-arm64', '1.22rc1'],
    ['v0.0.1-go1.22.3-custom.linux-amd64', '1.22.3-custom'],
    ['v0.0.1', undefined],
    ['v0.0.1-go1.21.0', undefined],
    ['v0.0.1-go1-amd64', undefined],
  ])('%s holds Go %s', (v, go) => {
    expect(goVersionOfToolchain(v)).toBe(go);
  });
});
