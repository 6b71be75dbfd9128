/** `npm run regression -- ID ... | --list | --all`: runs what shows that bugs stay mended. Exit code 0: all shown; 1: something failed or was skipped; 2: not understood. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { LEDGER, patternOf, rowsCalled } from './ledger.ts';
import type { Proof, Row } from './row.ts';

const root = resolve(import.meta.dirname, '../..');
const asked = process.argv.slice(2);

process.exitCode = main();

function main(): number {
  if (asked.length === 0 || asked.includes('--help'))
    return say('usage: npm run regression -- ID ... | --list | --all', 2);
  if (asked[0] === '--list') return list();
  const rows = asked[0] === '--all' ? LEDGER : asked.flatMap((id) => rowsCalled(id));
  const unknown = asked[0] === '--all' ? [] : asked.filter((id) => rowsCalled(id).length === 0);
  if (unknown.length > 0) return say(`no such bug: ${unknown.join(', ')} (npm run regression -- --list)`, 2);
  return run(rows);
}

function list(): number {
  for (const { id, what } of LEDGER) say(`${id}\n    ${what}`);
  return 0;
}

interface Result {
  readonly ancestorTitles: readonly string[];
  readonly title: string;
  readonly status: string;
}

/** All rows in one run of vitest, since starting it costs more than most of the tests. */
function run(rows: readonly Row[]): number {
  const results = resultsOf(rows.flatMap(({ proofs }) => proofs));
  let failed = 0;
  for (const { id, what, proofs } of rows) {
    const states = proofs.map((proof) => stateOf(proof, results));
    const isShown = states.every((state) => state === 'shown');
    if (!isShown) failed++;
    say(`${isShown ? 'ok' : 'NOT SHOWN'}  ${id}: ${what}`);
    proofs.forEach((proof, i) => states[i] !== 'shown' && say(`      ${states[i]}: ${proof.file}: ${proof.test}`));
  }
  return say(`\n${rows.length - failed} shown, ${failed} not shown`, failed === 0 ? 0 : 1);
}

function stateOf(proof: Proof, results: ReadonlyMap<string, readonly Result[]>): string {
  const pattern = new RegExp(patternOf(proof), 's');
  const own = (results.get(resolve(root, proof.file)) ?? []).filter((one) => pattern.test(nameOf(one)));
  const ran = own.filter(({ status }) => status === 'passed' || status === 'failed');
  if (ran.some(({ status }) => status === 'failed')) return 'failed';
  return ran.length > 0 ? 'shown' : 'not run or skipped';
}

/** As vitest matches it. */
function nameOf({ ancestorTitles, title }: Result): string {
  return [...ancestorTitles, title].join(' > ');
}

function resultsOf(proofs: readonly Proof[]): ReadonlyMap<string, readonly Result[]> {
  const scratch = mkdtempSync(join(tmpdir(), 'larder-regression-'));
  const report = join(scratch, 'report.json');
  const files = [...new Set(proofs.map(({ file }) => file))];
  const pattern = [...new Set(proofs.map(patternOf))].map((one) => `(?:${one})`).join('|');
  const flags = ['run', '--reporter=json', `--outputFile.json=${report}`, '-t', pattern];
  try {
    spawnSync(join(root, 'node_modules/.bin/vitest'), [...flags, ...files], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as {
      testResults: readonly { name: string; assertionResults: readonly Result[] }[];
    };
    return new Map(testResults.map(({ name, assertionResults }) => [name, assertionResults]));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function say(text: string, code = 0): number {
  process.stdout.write(`${text}\n`);
  return code;
}
