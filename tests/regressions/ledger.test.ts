/** Every bug of the ledger has a test, which is there. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LEDGER, namesIn, patternOf, rowsCalled } from './ledger.ts';
import { skipUnless } from '../skip.ts';
import type { Proof } from './row.ts';

const root = resolve(import.meta.dirname, '../..');

/** The rules, where they lie beside the project. */
const RULES = resolve(root, '../shared/spec/reliability.md');

/** All that the reliability rules name in their ledger. */
const NAMED = [
  'athens#2050 athens#1972 athens#1791 athens#2152 athens-fs goproxyio#155 goproxyio#107 goproxy.cn#214 goproxy.cn#220 goproxy.cn#69',
  'golang/go#72118 golang/go#57185 golang/go#44577 golang/go#70042 golang/go#46369 GO-2026-4984 GO-2026-6179 GO-2026-6180 GO-2026-4338',
  'GO-2025-3383 GO-2022-0318 GO-2023-2383 GO-2024-2888 GHSA-g2f5 CVE-2021-32408 GHSA-2wm4 GHSA-3fvx CVE-2025-48384 CVE-2025-48385 2024-32002',
  '2024-50349 2024-52005 2024-52006 2021-21300 undici-redirects CVE-2026-22036 redis-failover kleppmann-pause',
].flatMap((line) => line.split(' '));

interface Listed {
  readonly name: string;
  readonly file: string;
}

/** Whether one of `listed` is the test of `proof`. */
function isThere(proof: Proof, listed: readonly Listed[]): boolean {
  return listed.some(({ name, file }) => file === proof.file && name === proof.test);
}

/** What vitest finds in `files`, without running it. Written to a file: what it prints is cut where it fills a pipe. */
function listedIn(files: readonly string[]): readonly Listed[] {
  const scratch = mkdtempSync(join(tmpdir(), 'larder-ledger-'));
  const list = join(scratch, 'list.json');
  try {
    const vitest = resolve(root, 'node_modules/.bin/vitest');
    execFileSync(vitest, ['list', `--json=${list}`, ...files], { cwd: root, stdio: 'pipe' });
    const all = JSON.parse(readFileSync(list, 'utf8')) as readonly Listed[];
    return all.map(({ name, file }) => ({ name, file: relative(root, file) }));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** What tells the bugs of the rules' own table apart: the last part of `CVE-2025-48385`, `-50349`, `athens#2050` and the like. */
function numbersInRules(): readonly string[] {
  const [, table = ''] = /^## 1b\..*?$(.*?)^## /ms.exec(readFileSync(RULES, 'utf8')) ?? [];
  const ids = Array.from(table.matchAll(/^\| ([^|]+) \|/gm), ([, id = '']) => id);
  return ids.flatMap((id) =>
    Array.from(id.matchAll(/GHSA-(\w{4})|[#/-](\d{2,})(?![-\d])/g), (one) => one[1] ?? one[2] ?? ''),
  );
}

describe('the ledger of regressions', () => {
  describe('beside the rules', () => {
    skipUnless(existsSync(RULES), 'the rules are not here');
    test('names every number of their table', () => {
      const numbers = numbersInRules();
      expect(numbers.length).toBeGreaterThan(30);
      const named = NAMED.flatMap((name) => name.split(/[#-]/));
      expect(numbers.filter((number) => !named.includes(number))).toEqual([]);
    });
  });

  test('has every bug that the rules name', () => {
    expect(NAMED.filter((name) => rowsCalled(name).length === 0)).toEqual([]);
    expect(rowsCalled('athens#1')).toEqual([]);
  });

  test('has each bug once, with a test', () => {
    const ids = LEDGER.flatMap(({ id }) => namesIn(id));
    expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([]);
    expect(LEDGER.filter(({ proofs }) => proofs.length === 0)).toEqual([]);
  });

  test('names only tests that are there', { timeout: 60_000 }, () => {
    const proofs = LEDGER.flatMap((row) => row.proofs);
    expect(proofs.filter(({ file }) => !existsSync(resolve(root, file)))).toEqual([]);
    const listed = listedIn([...new Set(proofs.map(({ file }) => file))]);
    expect(proofs.filter((proof) => !isThere(proof, listed))).toEqual([]);
    const [first] = proofs;
    if (first === undefined) throw new Error('no proofs');
    expect(isThere({ ...first, test: `${first.test} not` }, listed)).toBe(false);
  });
});

describe('the name of a test', () => {
  test('is found as a whole', () => {
    const pattern = new RegExp(patternOf({ file: '', test: 'a (b) > c: 5 s.' }));
    expect(['a (b) > c: 5 s.', 'a (b) > c: 5 sx', 'x a (b) > c: 5 s.'].map((name) => pattern.test(name))).toEqual([
      true,
      false,
      false,
    ]);
  });

  test('stands for all rows of its table', () => {
    const pattern = new RegExp(patternOf({ file: '', test: 'git > does not speak %s' }));
    expect(pattern.test('git > does not speak ext::sh')).toBe(true);
  });
});

describe('npm run regression', () => {
  const regression = (...args: readonly string[]) =>
    spawnSync(process.execPath, ['tests/regressions/main.ts', ...args], { cwd: root, encoding: 'utf8' });

  test('runs what shows that a bug is gone', { timeout: 60_000 }, () => {
    const { status, stdout } = regression('GO-2022-0318');
    expect(stdout).toContain('ok  GO-2022-0318: ');
    expect(stdout).toContain('1 shown, 0 not shown');
    expect(status).toBe(0);
  });

  test('lists all', () => {
    const { status, stdout } = regression('--list');
    for (const { id } of LEDGER) expect(stdout).toContain(`${id}\n`);
    expect(status).toBe(0);
  });

  test.each([['athens#1'], []])('does not understand %s', (...args) => {
    expect(regression(...args).status).toBe(2);
  });
});

test.each([
  ['a#1,#2', ['a#1', 'a#2']],
  ['GO-2026-4984,-6179', ['GO-2026-4984', 'GO-2026-6179']],
  ['CVE-1-2,3-4', ['CVE-1-2', '3-4']],
])('%s are %j', (id, names) => {
  expect(namesIn(id)).toEqual(names);
});
