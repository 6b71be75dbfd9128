import { bytesOfText, textOfBytes } from '../../src/gomod/go-text.ts';
import type { ModFile, PathVersion } from '../../src/gomod/modfile/mod-file.ts';
import { scanModulePath, synthesizedGoMod } from '../../src/gomod/modfile/module-path.ts';
import { parseModFile, parseModFileLax } from '../../src/gomod/modfile/parse.ts';
import { formatProblem, type ParseResult } from '../../src/gomod/modfile/problem.ts';
import { autoQuote, mustQuote } from '../../src/gomod/quote.ts';
import { type Row, rowsOf, stringAt, type Suite, type Tally, textOf } from './suite.ts';

/** Reading go.mod files, and quoting in them. */
export const suites: readonly Suite[] = [
  { group: 'core', file: 'modfile.json', run: runModFiles },
  { group: 'core', file: 'modfile_quote.json', run: runQuotes },
];

function runModFiles(data: unknown, t: Tally): void {
  for (const row of rowsOf(data, 'tests')) {
    const name = stringAt(row, 'name');
    const goMod = bytesOfText(textOf(row, 'in'));
    same(t, `${name} module path`, scanModulePath(goMod) ?? '', textOf(row, 'module_path'));
    checkParse(t, `${name} parse`, parseModFile(goMod), row['parse'] as Row);
    checkParse(t, `${name} parse lax`, parseModFileLax(goMod), row['parse_lax'] as Row);
  }
}

/** Error texts are ours; that there is an error, and on which line the first one is, is the reference's. */
function checkParse(t: Tally, name: string, ours: ParseResult<ModFile>, wanted: Row): void {
  const found = ours.ok ? plain(ours.file) : ours.problems.map((p) => formatProblem(p, 'go.mod'));
  if (wanted['error'] === undefined) return same(t, name, found, { module: '', ...wanted });
  const line = /^go\.mod:(\d+)/.exec(stringAt(wanted, 'error'))?.[1];
  same(t, name, ours.ok ? found : String(ours.problems[0]?.line), line);
}

/** The file in the shape of the test data. */
function plain(file: ModFile): unknown {
  return {
    module: file.module?.path ?? '',
    deprecated: file.module?.deprecated,
    go: file.go,
    toolchain: file.toolchain,
    godebug: file.godebug.map(({ key, value }) => `${key}=${value}`),
    require: file.require.map(({ path, version, isIndirect }) => ({ path, version, indirect: isIndirect })),
    exclude: file.exclude.map(atVersion),
    replace: file.replace.map((r) => ({ old: atVersion(r.old), new_path: r.new.path, new_version: r.new.version })),
    retract: file.retract,
    tool: file.tool,
    ignore: file.ignore,
  };
}

function atVersion({ path, version }: PathVersion): string {
  return version === '' ? path : `${path}@${version}`;
}

function runQuotes(data: unknown, t: Tally): void {
  for (const row of rowsOf(data, 'tests')) {
    const text = textOf(row, 'in');
    const name = `quote ${JSON.stringify(text)}`;
    same(t, `${name} must`, mustQuote(text), row['must_quote']);
    same(t, `${name} auto`, autoQuote(text), textOf(row, 'auto_quote'));
    same(t, `${name} go.mod`, textOfBytes(synthesizedGoMod(text)), textOf(row, 'legacy_gomod'));
  }
}

function same(t: Tally, name: string, found: unknown, wanted: unknown): void {
  const [a, b] = [comparable(found), comparable(wanted)];
  t.check(name, a === b, () => `${a} instead of ${b}`);
}

/** JSON in which the keys of every object are in order and strings under `key_b64` are plain strings under `key`. */
function comparable(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) return inner;
    const keys = Object.keys(inner).map((key) => key.replace(/_b64$/, ''));
    return Object.fromEntries(
      keys.toSorted().map((key) => [key, `${key}_b64` in inner ? textOf(inner as Row, key) : (inner as Row)[key]]),
    );
  });
}
