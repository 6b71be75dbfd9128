/** Module paths, versions, pseudo-versions, patterns and proxy lists against the reference's answers. */
import { type ProxyEntry, matchPrefixPatterns, parseProxyList } from '../../src/gomod/goenv.ts';
import {
  check,
  checkFilePath,
  checkImportPath,
  checkPath,
  compareModuleVersions,
  declaresMajor,
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
} from '../../src/gomod/pseudo.ts';
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
import { canonicalVersion, goVersionOfToolchain } from '../../src/gomod/version.ts';
import { orUndefined, type Row, rowsOf, stringAt, succeeds, type Suite, type Tally, textOf } from './suite.ts';

export const suites: Suite[] = [
  { group: 'core', file: 'semver.json', run: runSemver },
  { group: 'core', file: 'module_paths.json', run: runModulePaths },
  { group: 'core', file: 'module_check.json', run: runModuleCheck },
  { group: 'core', file: 'prefix_patterns.json', run: runPrefixPatterns },
  { group: 'core', file: 'pseudo_versions.json', run: runPseudoVersions },
  { group: 'core', file: 'goproxy/proxy_list.json', run: runProxyList },
];

/** Compares by JSON, so that objects and null are compared by content. */
function same(t: Tally, name: string, got: unknown, want: unknown): void {
  const g = JSON.stringify(got ?? null);
  const w = JSON.stringify(want ?? null);
  t.check(name, g === w, () => `got ${g}, want ${w}`);
}

/** Whether a member that is null or an error text says "fails". Error texts themselves are ours. */
function fails(row: Row, key: string): boolean {
  return (row[key] ?? null) !== null;
}

function runSemver(data: unknown, t: Tally): void {
  for (const row of rowsOf(data, 'parse')) {
    const v = textOf(row, 'in');
    const got = {
      build: build(v),
      canonical: canonical(v),
      is_pseudo: isPseudoVersion(v),
      major: major(v),
      major_minor: majorMinor(v),
      module_canonical: canonicalVersion(v),
      prerelease: prerelease(v),
      valid: isValid(v),
    };
    const want = Object.fromEntries(Object.keys(got).map((key) => [key, row[key]]));
    same(t, `parse ${JSON.stringify(v)}`, got, want);
  }
  runSemverOrder(data as { compare?: { versions: string[]; rows: string[] }; sorted?: string[] }, t);
}

function runSemverOrder(data: { compare?: { versions: string[]; rows: string[] }; sorted?: string[] }, t: Tally): void {
  const versions = data.compare?.versions ?? [];
  for (const [i, a] of versions.entries()) {
    for (const [j, b] of versions.entries()) {
      const order = compare(a, b);
      same(t, `compare ${a} ${b}`, order < 0 ? '<' : order > 0 ? '>' : '=', data.compare?.rows[i]?.[j]);
    }
  }
  if (data.sorted !== undefined) same(t, 'sorted', sortVersions(data.sorted.toReversed()), data.sorted);
}

function runModulePaths(data: unknown, t: Tally): void {
  for (const row of rowsOf(data, 'paths')) {
    const path = textOf(row, 'path');
    const name = JSON.stringify(path);
    same(
      t,
      `check module path ${name}`,
      succeeds(() => checkPath(path)),
      !fails(row, 'module'),
    );
    same(
      t,
      `check import path ${name}`,
      succeeds(() => checkImportPath(path)),
      !fails(row, 'import'),
    );
    same(
      t,
      `check file path ${name}`,
      succeeds(() => checkFilePath(path)),
      !fails(row, 'file'),
    );
    const want = row['split'] as Row;
    const split = splitPathVersion(path);
    same(t, `split ${name} ok`, split !== undefined, want['ok']);
    same(t, `split ${name}`, split?.prefix ?? path, textOf(want, 'prefix'));
    same(t, `split ${name} suffix`, split?.pathMajor ?? '', textOf(want, 'path_major'));
    same(
      t,
      `escape ${name}`,
      orUndefined(() => escapePath(parseModulePath(path))),
      row['escaped'],
    );
  }
  for (const row of rowsOf(data, 'unescape')) {
    const escaped = textOf(row, 'escaped');
    same(
      t,
      `unescape path ${JSON.stringify(escaped)}`,
      orUndefined(() => unescapePath(escaped)),
      row['path'],
    );
    same(
      t,
      `unescape version ${JSON.stringify(escaped)}`,
      orUndefined(() => unescapeVersion(escaped)),
      row['as_version'],
    );
  }
  for (const row of rowsOf(data, 'escape_version')) {
    const v = textOf(row, 'version');
    const escaped = orUndefined(() => escapeVersion(v));
    same(t, `escape version ${JSON.stringify(v)}`, escaped, row['escaped']);
    if (escaped !== undefined) same(t, `unescape version ${escaped}`, unescapeVersion(escaped), v);
  }
}

function runModuleCheck(data: unknown, t: Tally): void {
  for (const row of rowsOf(data, 'check')) {
    const path = textOf(row, 'path');
    const version = textOf(row, 'version');
    same(
      t,
      `check ${path}@${version}`,
      succeeds(() => check(path, version)),
      !fails(row, 'error'),
    );
  }
  for (const row of rowsOf(data, 'match_path_major')) {
    const [v, suffix] = [textOf(row, 'version'), textOf(row, 'path_major')];
    same(t, `${v} fits suffix ${JSON.stringify(suffix)}`, matchPathMajor(v, suffix), row['match']);
  }
  for (const row of rowsOf(data, 'path_major_prefix')) {
    const suffix = textOf(row, 'path_major');
    same(t, `prefix of suffix ${JSON.stringify(suffix)}`, pathMajorPrefix(suffix), row['prefix']);
  }
  const sorted = (data as { sorted?: string[] }).sorted ?? [];
  const parsed = sorted.map((line) => ({ path: line.replace(/ .*$/, ''), version: line.replace(/^[^ ]* /, '') }));
  const again = parsed.toReversed().toSorted(compareModuleVersions);
  if (sorted.length > 0)
    same(
      t,
      'go.sum order',
      again.map(({ path, version }) => `${path} ${version}`),
      sorted,
    );
}

function runPrefixPatterns(data: unknown, t: Tally): void {
  for (const row of rowsOf(data, 'tests')) {
    const [globs, target] = [textOf(row, 'globs'), textOf(row, 'target')];
    same(
      t,
      `${JSON.stringify(globs)} matches ${JSON.stringify(target)}`,
      matchPrefixPatterns(globs, target),
      row['match'],
    );
  }
}

function runPseudoVersions(data: unknown, t: Tally): void {
  for (const row of rowsOf(data, 'generate')) {
    const [majorVersion, older, rev] = [textOf(row, 'major'), textOf(row, 'older'), textOf(row, 'rev')];
    const got = pseudoVersion(majorVersion, older, new Date(stringAt(row, 'time')), rev);
    same(t, `pseudo-version of ${rev} after ${JSON.stringify(older)}`, got, row['pseudo']);
  }
  for (const row of rowsOf(data, 'parse')) {
    const v = textOf(row, 'version');
    const name = JSON.stringify(v);
    same(t, `${name} is a pseudo-version`, isPseudoVersion(v), row['is_pseudo']);
    same(t, `${name} is a zero pseudo-version`, isZeroPseudoVersion(v), row['is_zero_pseudo']);
    same(
      t,
      `rev of ${name}`,
      orUndefined(() => pseudoVersionRev(v)),
      row['rev'],
    );
    same(
      t,
      `time of ${name}`,
      orUndefined(() => printedTime(pseudoVersionTime(v))),
      row['time'],
    );
    same(
      t,
      `base of ${name}`,
      orUndefined(() => pseudoVersionBase(v)),
      row['base'],
    );
  }
}

function printedTime(time: Date): string {
  return time.toISOString().replace('.000Z', 'Z');
}

function runProxyList(data: unknown, t: Tally): void {
  for (const row of rowsOf(data, 'proxy_list')) {
    const [goproxy, gonoproxy] = [textOf(row, 'GOPROXY'), textOf(row, 'GONOPROXY')];
    const got = orUndefined(() => parseProxyList(goproxy, gonoproxy).map(asReference));
    same(t, `GOPROXY=${JSON.stringify(goproxy)} GONOPROXY=${JSON.stringify(gonoproxy)}`, got, row['list']);
  }
  for (const row of rowsOf(data, 'is_major')) {
    const [path, suffix] = [textOf(row, 'go_mod_path'), textOf(row, 'path_major')];
    same(
      t,
      `go.mod of ${JSON.stringify(path)} for suffix ${JSON.stringify(suffix)}`,
      declaresMajor(path, suffix),
      row['ok'],
    );
  }
  for (const row of rowsOf(data, 'toolchain')) {
    const v = textOf(row, 'version');
    const want = row['ok'] === true ? row['go'] : undefined;
    same(t, `Go version of toolchain ${v}`, goVersionOfToolchain(v), want);
  }
}

function asReference(entry: ProxyEntry): unknown {
  return { fallback_on_any_error: entry.separator === '|', url: entry.kind === 'proxy' ? entry.url : entry.kind };
}
