import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { matchPrefixPatterns } from '../../src/gomod/goenv.ts';
import {
  check,
  checkFilePath,
  checkImportPath,
  checkPath,
  compareModuleVersions,
  escapePath,
  escapeVersion,
  matchPathMajor,
  parseModulePath,
  pathMajorPrefix,
  splitPathVersion,
  unescapePath,
  unescapeVersion,
} from '../../src/gomod/module.ts';
import {
  isPseudoVersion,
  isZeroPseudoVersion,
  pseudoVersion,
  pseudoVersionBase,
  pseudoVersionRev,
  pseudoVersionTime,
  zeroPseudoVersion,
} from '../../src/gomod/pseudo.ts';
import { autoQuote, quote, unquote } from '../../src/gomod/quote.ts';
import {
  build,
  canonical,
  compare,
  isValid,
  major,
  majorMinor,
  prerelease,
  sortVersions,
} from '../../src/gomod/semver.ts';
import { bytesOfText } from '../../src/gomod/go-text.ts';
import { canonicalVersion } from '../../src/gomod/version.ts';
import { skipUnless } from '../skip.ts';
import { expectAgreement } from './compare.ts';
import {
  damaged,
  escapedLikes,
  filePathLikes,
  globLists,
  literals,
  pathLikes,
  pathMajors,
  paths,
  pseudoVersions,
  releases,
  strings,
  versionLikes,
  versions,
} from './inputs.ts';
import { buildReference } from './reference.ts';

const reference = await buildReference();
afterAll(() => reference.remove());

/** A function of one text: how many texts of which kind, and ours. */
type Row = readonly [op: string, inputs: fc.Arbitrary<string>, ours: (text: string) => unknown];

const accepts =
  (checkText: (text: string) => void) =>
  (text: string): true => {
    checkText(text);
    return true;
  };

const PSEUDO_LIKES = damaged(pseudoVersions, ['0', '1', '-', '.', '+', 'v', 'a', '9']);
const MAJORS = fc.constantFrom('', 'v0', 'v1', 'v2', 'v10');
const base64 = (text: string | undefined): string => {
  if (text === undefined) throw new Error('not a literal');
  return Buffer.from(bytesOfText(text)).toString('base64');
};

const ROWS: readonly Row[] = [
  ['semver.IsValid', versionLikes, isValid],
  ['semver.Canonical', versionLikes, canonical],
  ['semver.Major', versionLikes, major],
  ['semver.MajorMinor', versionLikes, majorMinor],
  ['semver.Prerelease', versionLikes, prerelease],
  ['semver.Build', versionLikes, build],
  ['module.CanonicalVersion', versionLikes, canonicalVersion],
  ['module.CheckPath', pathLikes, accepts(checkPath)],
  ['module.CheckImportPath', pathLikes, accepts(checkImportPath)],
  ['module.CheckFilePath', filePathLikes, accepts(checkFilePath)],
  ['module.EscapePath', pathLikes, (path) => escapePath(parseModulePath(path))],
  ['module.UnescapePath', escapedLikes, unescapePath],
  ['module.EscapeVersion', fc.oneof(versionLikes, filePathLikes), escapeVersion],
  ['module.UnescapeVersion', escapedLikes, unescapeVersion],
  ['module.SplitPathVersion', pathLikes, (path) => splitOf(path)],
  ['module.PathMajorPrefix', pathMajors, pathMajorPrefix],
  ['module.IsPseudoVersion', PSEUDO_LIKES, isPseudoVersion],
  ['module.PseudoVersionTime', PSEUDO_LIKES, (v) => pseudoVersionTime(v).getTime() / 1000],
  ['module.PseudoVersionRev', PSEUDO_LIKES, pseudoVersionRev],
  ['module.PseudoVersionBase', PSEUDO_LIKES, pseudoVersionBase],
  ['module.ZeroPseudoVersion', MAJORS, zeroPseudoVersion],
  [
    'module.IsZeroPseudoVersion',
    fc.oneof(MAJORS.map(zeroPseudoVersion), PSEUDO_LIKES, versionLikes),
    isZeroPseudoVersion,
  ],
  ['modfile.AutoQuote', strings, (text) => base64(autoQuote(text))],
  ['strconv.Quote', strings, (text) => base64(quote(text))],
  ['strconv.Unquote', literals, (literal) => base64(unquote(literal))],
];

function splitOf(path: string): [string, string] {
  const split = splitPathVersion(path);
  if (split === undefined) throw new Error('no such suffix');
  return [split.prefix, split.pathMajor];
}

describe('names agree with golang.org/x/mod', () => {
  skipUnless(reference.unavailable === undefined, reference.unavailable ?? '');

  test.each(ROWS)('%s', async (op, inputs, ours) => {
    await expectAgreement(reference, { op, inputs, count: 2000, args: (text) => [text], ours });
  });

  test('a function that is wrong in one case is caught', async () => {
    const wrong = expectAgreement(reference, {
      op: 'semver.Canonical',
      inputs: versionLikes,
      count: 2000,
      args: (text) => [text],
      ours: (text) => (text.endsWith('-rc1') ? text : canonical(text)) || canonical(text.replace('.01', '.1')),
    });
    await expect(wrong).rejects.toThrow(/semver\.Canonical, seed \d+: \d+ of 2000 differ/);
  });

  test('semver.Compare', async () => {
    await expectAgreement(reference, {
      op: 'semver.Compare',
      inputs: fc.tuple(versionLikes, versionLikes),
      count: 2000,
      args: (pair) => pair,
      ours: ([a, b]) => Math.sign(compare(a, b)),
    });
  });

  test('semver.Sort', async () => {
    await expectAgreement(reference, {
      op: 'semver.Sort',
      inputs: fc.array(versionLikes, { minLength: 2, maxLength: 30 }),
      count: 300,
      args: (list) => list,
      ours: sortVersions,
    });
  });

  test('module.Check', async () => {
    await expectAgreement(reference, {
      op: 'module.Check',
      inputs: fc.tuple(paths, versionLikes),
      count: 1500,
      args: (pair) => pair,
      ours: ([path, version]) => accepts((v) => check(path, v))(version),
    });
  });

  test('module.MatchPathMajor', async () => {
    await expectAgreement(reference, {
      op: 'module.MatchPathMajor',
      inputs: fc.tuple(fc.oneof(versionLikes, pseudoVersions), pathMajors),
      count: 1500,
      args: (pair) => pair,
      ours: ([version, pathMajor]) => matchPathMajor(version, pathMajor),
    });
  });

  test('module.MatchPrefixPatterns', async () => {
    await expectAgreement(reference, {
      op: 'module.MatchPrefixPatterns',
      inputs: fc.tuple(globLists, fc.oneof(globLists, pathLikes)),
      count: 3000,
      args: (pair) => pair,
      ours: ([globs, target]) => matchPrefixPatterns(globs, target),
    });
  });

  // Only versions that differ by semantic version order: the reference leaves the order of others to chance.
  test('module.Sort, the order of go.sum', async () => {
    const version = fc.tuple(releases, fc.constantFrom('', '', '/go.mod', '/a', '/b/c')).map((parts) => parts.join(''));
    await expectAgreement(reference, {
      op: 'module.Sort',
      inputs: fc.array(
        fc.tuple(fc.constantFrom('a.b', 'a.b/c', 'a.b/\ufffd', 'a.b/😀', 'A.b'), version).map((pair) => pair.join(' ')),
        { minLength: 2, maxLength: 20 },
      ),
      count: 300,
      args: (list) => list,
      ours: (list) =>
        list
          .map(splitAtSpace)
          .toSorted(compareModuleVersions)
          .map((m) => `${m.path} ${m.version}`),
    });
  });

  test('module.PseudoVersion', async () => {
    const seconds = fc.integer({ min: -62_135_596_800, max: 253_402_300_799 });
    await expectAgreement(reference, {
      op: 'module.PseudoVersion',
      inputs: fc.tuple(MAJORS, fc.oneof(fc.constant(''), versions), seconds, fc.constantFrom('0123456789ab', 'abc')),
      count: 1500,
      args: ([majorVersion, older, time, rev]) => [majorVersion, older, String(time), rev],
      ours: ([majorVersion, older, time, rev]) => pseudoVersion(majorVersion, older, new Date(time * 1000), rev),
    });
  });
});

function splitAtSpace(text: string): { path: string; version: string } {
  const space = text.indexOf(' ');
  return { path: text.slice(0, space), version: text.slice(space + 1) };
}
