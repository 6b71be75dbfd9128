import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AppError, isAppError } from '../std/errors.ts';
import {
  check,
  checkFilePath,
  checkImportPath,
  checkPath,
  compareModuleVersions,
  declaresMajor,
  escapePath,
  escapeVersion,
  isCanonicalFor,
  isModulePath,
  matchPathMajor,
  parseModulePath,
  pathMajorPrefix,
  splitPathVersion,
  unescapePath,
  unescapeVersion,
} from './module.ts';

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (isAppError(error)) return error.code;
    throw error;
  }
}

describe('a module path', () => {
  test.each([
    'rsc.io/quote',
    'github.com/Azure/azure-sdk-for-go',
    'a.b/c~',
    'a.b/a~1b',
    'a.b/a..b',
    'example.com/m/v2',
    'example.com/m/V1',
    'example.com/v',
    'gopkg.in/yaml.v2',
    'gopkg.in/yaml.v1-unstable',
    'x.y/comx',
  ])('%s is valid', (path) => {
    expect(codeOf(() => checkPath(path))).toBeUndefined();
    expect(isModulePath(path)).toBe(true);
  });

  test.each([
    '',
    '/x.y',
    'x.y/',
    'x.y//z',
    '-x.y/z',
    'xy/z',
    'X.y/z',
    'x_.y/z',
    'x.y/.z',
    'x.y/z.',
    'x.y/..',
    'x.y/a+b',
    'x.y/é',
    'x.y/a b',
    'x.y/con',
    'x.y/Aux.txt',
    'x.y/lpt1',
    'x.y/a~1',
    'x.y/m/v1',
    'x.y/m/v0',
    'x.y/m/v02',
    'x.y/m/v2.0',
    'gopkg.in/yaml',
    'gopkg.in/yaml.v02',
    'gopkg.in/yaml.v2/sub',
    'x.y/\ud800',
    'x.y/a\\b',
    'x.y/a\0',
  ])('%j is not', (path) => {
    expect(codeOf(() => checkPath(path))).toBe('BAD_MODULE_PATH');
    expect(isModulePath(path)).toBe(false);
  });

  test('is refused with one printable line, however long and odd it is', () => {
    const path = `x.y/\n${'é'.repeat(100_000)}`;
    expect(() => checkPath(path)).toThrow(AppError);
    expect(() => checkPath(path)).toThrow(/^[\x20-\x7e]{1,1200}$/);
  });
});

describe('import and file paths', () => {
  test('import paths need no host, may have hidden elements and plus signs', () => {
    for (const path of ['fmt', 'example.com/.x', 'a+b', 'x/v1'])
      expect(codeOf(() => checkImportPath(path))).toBeUndefined();
    for (const path of ['', '-x', 'a b', 'x/é', 'x/a~1', 'x/nul'])
      expect(codeOf(() => checkImportPath(path))).toBe('BAD_MODULE_PATH');
  });

  test('file paths may have letters of any script, spaces and tilde-digits', () => {
    for (const path of ['-x', 'a b', 'é/漢字/ж', 'a~1', '[x]{y}', '𐐀'])
      expect(codeOf(() => checkFilePath(path))).toBeUndefined();
    for (const path of [
      'a/./b',
      '../x',
      'a:b',
      'a*b',
      'x/١',
      'a\u0301',
      '😀',
      'con.txt',
      'x.',
      'a\tb',
      'a"b',
      '\udc80',
    ]) {
      expect(codeOf(() => checkFilePath(path))).toBe('BAD_MODULE_PATH');
    }
  });
});

describe('escaping', () => {
  test('writes upper case as ! and lower case', () => {
    expect(escapePath(parseModulePath('github.com/Azure/SDK'))).toBe('github.com/!azure/!s!d!k');
    expect(escapeVersion('v1.0.0-RC1')).toBe('v1.0.0-!r!c1');
  });

  test.each(['github.com/Azure/x', 'x.y/z!', 'x.y/!!a', 'x.y/!1', 'x.y/é', 'x.y/v!2', 'x.y/!A', '', 'x.y/c!o!n'])(
    '%j stands for no path',
    (escaped) => {
      expect(codeOf(() => unescapePath(escaped))).toBe('BAD_MODULE_PATH');
    },
  );

  test.each(['', 'a/b', 'v1!', 'V1', 'x.', '..', 'con', 'a:b', 'é', 'a\\b'])('%j stands for no version', (escaped) => {
    expect(codeOf(() => unescapeVersion(escaped))).toBe('BAD_VERSION');
  });

  test.each(['feature/x', 'a!b', 'v1.0.0-é', ''])('%j cannot be asked for as a version', (v) => {
    expect(codeOf(() => escapeVersion(v))).toBe('BAD_VERSION');
  });

  test('loses nothing: what can be escaped comes back', () => {
    const name = fc.string({ unit: fc.constantFrom(...Array.from('abzABZ019-_.~+! é')), maxLength: 12 });
    fc.assert(
      fc.property(name, (v) => {
        fc.pre(codeOf(() => escapeVersion(v)) === undefined);
        const escaped = escapeVersion(v);
        expect(escaped).toBe(escaped.toLowerCase());
        expect(unescapeVersion(escaped)).toBe(v);
      }),
    );
  });

  test('is one to one: no two escaped forms stand for one path', () => {
    const text = fc.string({ unit: fc.constantFrom(...Array.from('abAB!1-/.')), maxLength: 10 }).map((s) => `x.y/${s}`);
    fc.assert(
      fc.property(text, (escaped) => {
        fc.pre(codeOf(() => unescapePath(escaped)) === undefined);
        expect(escapePath(unescapePath(escaped))).toBe(escaped);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('the major version of a path', () => {
  test.each([
    ['x.y/z', 'x.y/z', ''],
    ['x.y/z/v2', 'x.y/z', '/v2'],
    ['x.y/z/v10', 'x.y/z', '/v10'],
    ['gopkg.in/yaml.v0', 'gopkg.in/yaml', '.v0'],
    ['gopkg.in/yaml.v2-unstable', 'gopkg.in/yaml', '.v2-unstable'],
  ])('of %s is cut off', (path, prefix, pathMajor) => {
    expect(splitPathVersion(path)).toEqual({ prefix, pathMajor });
  });

  test.each([
    ['', 'v1.2.3', true],
    ['', 'v0.0.0-20200101000000-0123456789ab', true],
    ['', 'v2.0.0', false],
    ['', 'v2.0.0+incompatible', true],
    ['/v2', 'v2.1.0', true],
    ['/v2', 'v1.9.0', false],
    ['/v2', 'v20.0.0', false],
    ['.v1', 'v0.0.0-20200101000000-0123456789ab', true],
    ['.v1', 'v0.0.0', false],
    ['.v2-unstable', 'v2.0.0', true],
  ])('suffix %j, version %s: %s', (pathMajor, v, fits) => {
    expect(matchPathMajor(v, pathMajor)).toBe(fits);
  });

  test('demands a version prefix', () => {
    expect(['', '/v2', '.v1', '.v3-unstable'].map(pathMajorPrefix)).toEqual(['', 'v2', 'v1', 'v3']);
  });

  test('is all that a declared path must agree in, so that forks are served', () => {
    expect(declaresMajor('other.example/fork', '')).toBe(true);
    expect(declaresMajor('other.example/fork/v2', '/v2')).toBe(true);
    expect(declaresMajor('other.example/fork', '/v2')).toBe(false);
    expect(declaresMajor('', '')).toBe(false);
  });
});

describe('a path with a version', () => {
  test('is checked as a whole', () => {
    expect(codeOf(() => check('x.y/z', 'v1'))).toBeUndefined();
    expect(codeOf(() => check('x.y/z', 'v2.0.0'))).toBe('BAD_VERSION');
    expect(codeOf(() => check('x.y/z', 'latest'))).toBe('BAD_VERSION');
    expect(codeOf(() => check('xy/z', 'v1.0.0'))).toBe('BAD_MODULE_PATH');
  });

  test('is immutable only when the version is canonical and fits', () => {
    const path = parseModulePath('x.y/z');
    const answers = ['v1.2.3', 'v2.0.0+incompatible', 'v1.2', 'v1.2.3+meta', 'v2.0.0', 'main', ''].map((v) =>
      isCanonicalFor(path, v),
    );
    expect(answers).toEqual([true, true, false, false, false, false, false]);
  });

  test('sorts as in go.sum', () => {
    const sorted = [
      { path: 'a.b/C', version: 'v1.0.0' },
      { path: 'a.b/c', version: 'v1.2.0-pre/go.mod' },
      { path: 'a.b/c', version: 'v1.2.0' },
      { path: 'a.b/c', version: 'v1.2.0/go.mod' },
      { path: 'a.b/c', version: 'v1.10.0' },
      { path: 'a.b/c-d', version: 'v1.0.0' },
      { path: 'a.b/c/v2', version: 'v2.0.0' },
    ];
    expect(sorted.toReversed().toSorted(compareModuleVersions)).toEqual(sorted);
  });
});
