/** What a path and a page say about a repository, against the reference's answers. */
import { DEFAULT_GOVCS, decideGovcs, parseGovcs } from '../../src/gomod/govcs.ts';
import { type MetaImport, matchMetaImport, parseMetaImports, subdirectoryFault } from '../../src/gomod/meta-import.ts';
import { discoveryUrl, isSecureUrl, repositoryFault } from '../../src/gomod/repository-url.ts';
import { qualifiedRoot, staticRoot } from '../../src/gomod/vcs-paths.ts';
import { bytesOfText } from '../../src/gomod/go-text.ts';
import { orUndefined, type Row, rowsOf, stringAt, succeeds, type Suite, type Tally, textOf } from './suite.ts';

export const suites: Suite[] = [{ group: 'git', file: 'discovery/vcs.json', run: runVcs }];

function runVcs(data: unknown, t: Tally): void {
  for (const row of rowsOf(data, 'parse_meta')) parsesMeta(row, t);
  for (const row of rowsOf(data, 'match')) matches(row, t);
  for (const row of rowsOf(data, 'static_sites')) knowsSite(row, t);
  for (const row of rowsOf(data, 'vcs_qualifier')) findsQualifier(row, t);
  for (const row of rowsOf(data, 'govcs')) decides(row, t);
  for (const row of rowsOf(data, 'govcs_errors')) {
    const isRefused = !succeeds(() => parseGovcs(stringAt(row, 'govcs')));
    t.check(`GOVCS ${JSON.stringify(row['govcs'])}`, isRefused === (row['error'] !== null));
  }
  for (const row of rowsOf(data, 'validate_repo_root')) {
    const fault = repositoryFault(textOf(row, 'repo'));
    same(t, `repository ${JSON.stringify(row['repo'])}`, fault === undefined, row['error'] === null);
  }
  for (const row of rowsOf(data, 'validate_subdir')) {
    const fault = subdirectoryFault(textOf(row, 'subdir'));
    same(t, `subdirectory ${JSON.stringify(row['subdir'])}`, fault === undefined, row['error'] === null);
  }
  for (const row of rowsOf(data, 'url_for_import_path'))
    same(t, `URL of ${stringAt(row, 'path')}`, discoveryUrl(textOf(row, 'path')), row['url']);
  for (const row of rowsOf(data, 'secure_scheme')) {
    const secure = isSecureUrl(stringAt(row, 'url'), stringAt(row, 'vcs'), stringAt(row, 'GIT_ALLOW_PROTOCOL'));
    same(t, `secure ${JSON.stringify(row)}`, secure, row['secure']);
  }
}

function same(t: Tally, name: string, got: unknown, want: unknown): void {
  const g = JSON.stringify(got ?? null);
  const w = JSON.stringify(want ?? null);
  t.check(name, g === w, () => `got ${g}, want ${w}`);
}

/** A tag in the words of the data. */
function asRow({ prefix, vcs, repository, subdirectory }: MetaImport): Row {
  return { prefix, repo: repository, subdir: subdirectory, vcs };
}

function asImport(row: Row): MetaImport {
  const [prefix, vcs] = [stringAt(row, 'prefix'), stringAt(row, 'vcs')];
  return { prefix, vcs, repository: stringAt(row, 'repo'), subdirectory: stringAt(row, 'subdir') };
}

function parsesMeta(row: Row, t: Tally): void {
  const html = textOf(row, 'html');
  for (const [mod, key] of [
    ['prefer', 'prefer_mod'],
    ['ignore', 'ignore_mod'],
  ] as const) {
    const want = row[key] as Row;
    // JSON holds no byte that is not UTF-8: where that byte is the point, U+FFFD stands for it.
    const page = stringAt(want, 'error').includes('invalid UTF-8') ? html.replaceAll('\ufffd', '\udcff') : html;
    const { imports, fault } = parseMetaImports(bytesOfText(page), mod);
    const got = { failed: imports.length === 0 && fault !== undefined, imports: imports.map(asRow) };
    same(t, `${key} of ${html}`, got, { failed: want['error'] !== null, imports: want['imports'] });
  }
}

function matches(row: Row, t: Tally): void {
  const match = matchMetaImport(rowsOf(row, 'imports').map(asImport), stringAt(row, 'path'));
  same(t, `match ${stringAt(row, 'path')}`, typeof match === 'string' ? undefined : asRow(match), row['match']);
}

function knowsSite(row: Row, t: Tally): void {
  const path = textOf(row, 'path');
  const found = staticRoot(path);
  const got =
    found.kind === 'known'
      ? { repo: found.repoUrl, root: found.root, vcs: found.vcs }
      : { [found.kind === 'asked' ? 'dynamic' : 'error']: true };
  const want = row['dynamic'] === true || 'error' in row ? { [row['dynamic'] ? 'dynamic' : 'error']: true } : undefined;
  same(t, `site of ${path}`, got, want ?? { repo: row['repo'], root: row['root'], vcs: row['vcs'] });
}

function findsQualifier(row: Row, t: Tally): void {
  const found = qualifiedRoot(textOf(row, 'path'));
  const want = row['match'] === true ? { vcs: row['vcs'], root: row['root'], repository: row['repo'] } : undefined;
  same(t, `qualifier in ${textOf(row, 'path')}`, found, want);
}

function decides(row: Row, t: Tally): void {
  const rules = orUndefined(() => parseGovcs(stringAt(row, 'govcs'))) ?? [];
  const question = { root: stringAt(row, 'path'), isPrivate: row['private'] === true, vcs: stringAt(row, 'vcs') };
  const all = row['with_default'] === true ? [...rules, ...DEFAULT_GOVCS] : rules;
  same(t, `GOVCS ${JSON.stringify(row)}`, decideGovcs(all, question).isAllowed, row['allowed']);
}
