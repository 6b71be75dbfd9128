/**
 * All checks of the project, one after the other; the last line is `N passed, N failed, N skipped`, and the exit code says
 * whether anything failed. Run by ./test, which gets the tools first. With arguments: only the vitest files under those paths.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

interface Tally {
  passed: number;
  failed: number;
  readonly skipped: string[];
  /** What failed beside others and passed alone, and why it failed. */
  readonly secondTries: string[];
}

/** More files than this do not fail by chance. */
const MOST_SECOND_TRIES = 5;

const scratch = mkdtempSync(join(tmpdir(), 'larder-test-'));
const skipsFile = join(scratch, 'skips');
const tally: Tally = { passed: 0, failed: 0, skipped: [], secondTries: [] };
const only = process.argv.slice(2);

if (only.some((one) => one.startsWith('-'))) {
  process.stdout.write('usage: ./test [PATH ...]   all checks, or only the vitest files under the paths\n');
  process.exit(only.includes('--help') ? 0 : 2);
}

if (only.length === 0) {
  await check('types', 'tsc', ['--noEmit']);
  await check('lint', 'oxlint', ['--type-aware']);
  await check('format', 'biome', ['format']);
  await check('dead code', 'knip', []);
  await check('build', 'rolldown', ['-c', 'tools/rolldown.config.ts']);
}
await vitest(only);
if (only.length === 0) await conformance();
finish();

/** A command that passes or fails as a whole. */
async function check(name: string, command: string, args: readonly string[]): Promise<void> {
  const started = performance.now();
  const { code, output } = await run(join('node_modules', '.bin', command), args, {
    LARDER_BUILD_DIR: join(scratch, 'dist'),
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${code === 0 ? 'ok' : 'FAILED'}: ${name} (${seconds} s)\n`);
  if (code === 0) tally.passed++;
  else {
    tally.failed++;
    process.stdout.write(output);
  }
}

interface VitestResult {
  readonly status: string;
  readonly fullName: string;
  readonly failureMessages: readonly string[];
}
interface VitestFile {
  /** Its path. */
  readonly name: string;
  readonly status: string;
  readonly assertionResults: readonly VitestResult[];
}
interface VitestReport {
  /** Errors that nobody caught, and what else it failed for that no file did. */
  readonly uncaught: number;
  readonly testResults: readonly VitestFile[];
}

/**
 * All vitest files under `paths`. Those that fail beside others are tried once more, alone on the machine: many measure time, and the machine may have had
 * something else to do. What passes only then is named at the end, so that nobody has to believe that it never failed.
 */
async function vitest(paths: readonly string[]): Promise<void> {
  const first = await vitestReport(paths);
  if (first === undefined) {
    tally.failed++;
    return;
  }
  const failed = first.testResults.filter((file) => failuresIn(file) > 0);
  const isByChance = failed.length > 0 && failed.length <= MOST_SECOND_TRIES;
  const second = isByChance
    ? await vitestReport([...failed.map(({ name }) => relative('.', name)), '--maxWorkers=1'])
    : undefined;
  for (const file of first.testResults) count(second?.testResults.find(({ name }) => name === file.name) ?? file);
  for (const { assertionResults, name } of failed) {
    const again = second?.testResults.find((file) => file.name === name);
    if (again === undefined || failuresIn(again) > 0) continue;
    const one = assertionResults.find(({ status }) => status === 'failed');
    const [why] = (one?.failureMessages[0] ?? 'the file itself').split('\n');
    tally.secondTries.push(`${relative('.', name)}: ${one?.fullName ?? ''}: ${why}`);
  }
  // Vitest also fails for what no test did.
  for (const run of [first, second]) tally.failed += run?.uncaught ?? 0;
}

async function vitestReport(args: readonly string[]): Promise<VitestReport | undefined> {
  const report = join(scratch, 'vitest.json');
  rmSync(report, { force: true });
  const { code, output } = await run(
    join('node_modules', '.bin', 'vitest'),
    ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...args],
    { LARDER_SKIPS: skipsFile },
    'show',
  );
  if (!existsSync(report)) return undefined;
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as Pick<VitestReport, 'testResults'>;
  const errors = Number(/^\W*Errors\W+(\d+) error/m.exec(stripVTControlCharacters(output))?.[1] ?? 0);
  const isUnexplained = code !== 0 && errors === 0 && testResults.every((file) => failuresIn(file) === 0);
  return { testResults, uncaught: isUnexplained ? 1 : errors };
}

/** A file may fail without a test of it, as when it cannot be loaded. */
function failuresIn({ status, assertionResults }: VitestFile): number {
  const failed = assertionResults.filter((one) => one.status === 'failed').length;
  return Math.max(failed, status === 'failed' ? 1 : 0);
}

function count(file: VitestFile): void {
  tally.failed += failuresIn(file);
  for (const { status, fullName } of file.assertionResults) {
    if (status === 'passed') tally.passed++;
    else if (status !== 'failed') tally.skipped.push(fullName);
  }
}

async function conformance(): Promise<void> {
  const folder = process.env['CONFORMANCE_DIR'] ?? '../shared/conformance';
  if (!existsSync(folder)) {
    tally.skipped.push(`conformance: no folder ${folder} (set CONFORMANCE_DIR)`);
    return;
  }
  const { code, output } = await run(process.execPath, ['tests/conformance/main.ts'], {}, 'show');
  const counts = /(\d+) passed, (\d+) failed, (\d+) skipped\s*$/.exec(output);
  if (counts === null) {
    tally.failed++;
    return;
  }
  tally.passed += Number(counts[1]);
  tally.failed += Number(counts[2]);
  for (const line of output.split('\n')) {
    if (/^\s+SKIP |: skipped, no such file/.test(line)) tally.skipped.push(`conformance: ${line.trim()}`);
  }
  if (code !== 0 && Number(counts[2]) === 0) tally.failed++;
}

function finish(): void {
  const reasons = existsSync(skipsFile) ? [...new Set(readFileSync(skipsFile, 'utf8').trim().split('\n'))] : [];
  rmSync(scratch, { recursive: true, force: true });
  if (tally.skipped.length > 0)
    process.stdout.write(`\nskipped:\n${tally.skipped.map((name) => `  ${name}\n`).join('')}`);
  if (reasons.length > 0) process.stdout.write(`reasons:\n${reasons.map((line) => `  ${line}\n`).join('')}`);
  if (tally.secondTries.length > 0)
    process.stdout.write(
      `failed beside others, passed alone:\n${tally.secondTries.map((line) => `  ${line}\n`).join('')}`,
    );
  process.stdout.write(`\n${tally.passed} passed, ${tally.failed} failed, ${tally.skipped.length} skipped\n`);
  process.exitCode = tally.failed === 0 ? 0 : 1;
}

/** Runs a command; `show` passes its output on while it comes. */
async function run(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  how: 'show' | 'keep' = 'keep',
): Promise<{ code: number; output: string }> {
  const colours = process.stdout.isTTY ? {} : { NO_COLOR: '1' };
  const child = spawn(command, args, {
    env: { ...process.env, ...colours, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const take = (chunk: Buffer): void => {
    output += chunk.toString();
    if (how === 'show') process.stdout.write(chunk);
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const { promise, resolve } = Promise.withResolvers<number>();
  child.on('error', (error) => {
    output += `${error.message}\n`;
    resolve(1);
  });
  child.on('close', (code) => resolve(code ?? 1));
  return { code: await promise, output };
}
