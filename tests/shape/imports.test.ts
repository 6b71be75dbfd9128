/** The import table of ARCHITECTURE.md, and the rules of the house that a scan can see. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const source = join(root, 'src');

/** Folder -> what it may import besides itself. `x/y` names a file (without .ts) or a folder; `*` is everything. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  std: [],
  gomod: ['std'],
  io: ['std', 'sources/source'],
  credentials: ['std', 'gomod', 'io'],
  storage: ['std', 'io/temp-directory'],
  'storage/disk': ['std', 'io', 'storage/store', 'storage/key'],
  'storage/memory': ['std', 'io', 'storage/store', 'storage/key'],
  coordination: ['std', 'io/temp-directory'],
  'coordination/disk': ['std', 'io', 'coordination/register', 'coordination/lease', 'coordination/changes'],
  'coordination/memory': ['std', 'io', 'coordination/register', 'coordination/lease'],
  sources: ['std', 'gomod'],
  'sources/goproxy': ['std', 'gomod', 'io', 'sources/source', 'credentials/credentials'],
  'sources/vcs': ['std', 'gomod', 'io', 'sources/source', 'credentials/credentials'],
  'sources/modcache': ['std', 'gomod', 'io', 'sources/source'],
  'sources/bundle': ['std', 'gomod', 'io', 'sources/source'],
  verify: ['std', 'gomod', 'storage/store', 'coordination/register'],
  artifacts: ['std', 'gomod', 'storage/store', 'coordination/register', 'verify/verified'],
  anchors: ['std', 'gomod', 'coordination/register', 'verify/observer'],
  ledger: ['std', 'gomod', 'storage/store', 'coordination/register', 'verify/checksum-database'],
  admission: ['std'],
  upstream: ['std', 'gomod', 'sources/source'],
  ladder: ['std'],
  policy: ['std', 'gomod'],
  resolver: [
    'std',
    'gomod',
    'policy',
    'verify',
    'artifacts',
    'sources/source',
    'storage/store',
    'coordination/register',
    'coordination/lease',
    'coordination/changes',
    'upstream/asking',
    'ladder/level',
    'admission',
  ],
  server: ['std', 'gomod', 'policy', 'resolver', 'storage/store', 'ladder/level', 'admission'],
  observe: [
    'std',
    'server/observer',
    'resolver/observer',
    'verify/observer',
    'ledger/observer',
    'upstream/observer',
    'ladder/level',
    'ladder/observer',
  ],
  config: ['std', 'gomod', 'policy/upstream-list'],
  control: ['std', 'io'],
  drill: ['std', 'io'],
  toolbox: ['std', 'gomod', 'io', 'sources', 'sources/bundle', 'verify', 'config'],
  cli: ['std', 'gomod', 'app', 'config', 'toolbox', 'control/client'],
  app: ['*'],
};

/** What node: modules the pure folders may use, and where. */
const PURE_NODE_FILES: Readonly<Record<string, readonly string[]>> = {
  'node:crypto': ['gomod/sha256.ts', 'gomod/sumdb/ed25519.ts'],
  'node:zlib': ['gomod/zip/inflate.ts'],
};

interface Import {
  readonly from: string;
  readonly line: number;
  readonly specifier: string;
}

const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
const shipped = files.filter((name) => !name.endsWith('.test.ts') && !/(^|\/)(\w+-)?contract\.ts$/.test(name));
const imports = shipped.flatMap(importsOf);

function importsOf(file: string): Import[] {
  const text = readFileSync(join(source, file), 'utf8');
  const found: Import[] = [];
  for (const match of text.matchAll(
    /^(?:import|export)\s(?:[^'";]*?\sfrom\s)?['"]([^'"]+)['"]|import\(['"]([^'"]+)['"]\)/gm,
  )) {
    found.push({
      from: file,
      line: text.slice(0, match.index).split('\n').length,
      specifier: match[1] ?? match[2] ?? '',
    });
  }
  return found;
}

/** The row of the table that `file` belongs to: its adapter folder where that has a row, else its top folder. */
function rowOf(file: string): string {
  const [top = '', second = ''] = dirname(file).split('/');
  const adapter = `${top}/${second}`;
  return adapter in MAY_IMPORT ? adapter : top;
}

function isAllowed(from: string, target: string): boolean {
  const row = rowOf(from);
  if (rowOf(target) === row) return true;
  const allowed = MAY_IMPORT[row] ?? [];
  const stem = target.replace(/\.ts$/, '');
  if (isRegistryOf(from, target)) return true;
  return allowed.some(
    (entry) => entry === '*' || stem === entry || (target.startsWith(`${entry}/`) && !isAdapterInside(target, entry)),
  );
}

/** `sources/registry.ts` and its like name the adapters below their own folder. */
function isRegistryOf(from: string, target: string): boolean {
  return from.endsWith('/registry.ts') && target.startsWith(`${dirname(from)}/`);
}

function isAdapterInside(target: string, entry: string): boolean {
  return rowOf(target) !== entry && rowOf(target) !== rowOf(`${entry}/x.ts`);
}

describe('the house', () => {
  test('every import is allowed by the table', () => {
    const wrong = imports
      .filter((one) => one.specifier.startsWith('.') && one.from !== 'main.ts')
      .map((one) => ({ ...one, target: relative(source, resolve(source, dirname(one.from), one.specifier)) }))
      .filter((one) => one.target !== '../package.json' && !isAllowed(one.from, one.target))
      .map((one) => `${one.from}:${one.line} imports ${one.target}`);
    expect(wrong).toEqual([]);
  });

  test('src/main.ts knows the command line only', () => {
    const targets = imports
      .filter((one) => one.from === 'main.ts' && one.specifier.startsWith('.'))
      .map((one) => one.specifier);
    expect(targets.every((one) => one.startsWith('./cli/'))).toBe(true);
  });

  test('the pure core does no IO and uses node: modules only where the table says', () => {
    const wrong = imports
      .filter((one) => one.from.startsWith('gomod/') && one.specifier.startsWith('node:'))
      .filter((one) => !(PURE_NODE_FILES[one.specifier] ?? []).includes(one.from))
      .map((one) => `${one.from}:${one.line} imports ${one.specifier}`);
    expect(wrong).toEqual([]);
  });

  test('only verify/ calls bytes verified', () => {
    const callers = shipped.filter((file) => /\bmarkVerified\(/.test(readFileSync(join(source, file), 'utf8')));
    expect(callers.filter((file) => !file.startsWith('verify/'))).toEqual([]);
  });

  test('nothing that is shipped can leave out the check of a certificate', () => {
    const skips = /rejectUnauthorized|NODE_TLS_REJECT_UNAUTHORIZED|checkServerIdentity: \(\) =>/;
    expect(shipped.filter((file) => skips.test(readFileSync(join(source, file), 'utf8')))).toEqual([]);
    // Tests have such servers, so the scan can find one.
    expect(skips.test(readFileSync(join(source, 'io/pins.test.ts'), 'utf8'))).toBe(true);
  });

  test('every folder that holds code has a README of at most 25 lines', () => {
    const folders = new Set(shipped.filter((file) => file.includes('/')).map((file) => file.split('/')[0] ?? ''));
    for (const folder of folders) {
      const readme = join(source, folder, 'README.md');
      expect(existsSync(readme), `${folder}/README.md`).toBe(true);
      expect(readFileSync(readme, 'utf8').trimEnd().split('\n').length, `${folder}/README.md`).toBeLessThanOrEqual(25);
    }
  });

  test('the table is the one that ARCHITECTURE.md prints', () => {
    const page = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
    for (const [folder, allowed] of Object.entries(MAY_IMPORT)) {
      const row = `| \`${folder}\` | ${allowed.length === 0 ? 'nothing' : allowed.map((one) => (one === '*' ? 'everything' : `\`${one}\``)).join(', ')} |`;
      expect(page).toContain(row);
    }
  });

  test('the scan itself finds what is forbidden', () => {
    expect(isAllowed('gomod/module.ts', 'io/spool.ts')).toBe(false);
    expect(isAllowed('sources/goproxy/goproxy.ts', 'sources/modcache/modcache.ts')).toBe(false);
    expect(isAllowed('server/edge.ts', 'artifacts/artifact-store.ts')).toBe(false);
    expect(isAllowed('gomod/module.ts', 'std/errors.ts')).toBe(true);
    expect(isAllowed('sources/registry.ts', 'sources/goproxy/goproxy.ts')).toBe(true);
    expect(imports.length).toBeGreaterThan(50);
  });
});
