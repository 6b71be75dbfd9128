/**
 * All checks of the project, one after the other; the last line is `N passed, N failed, N skipped`, and the exit code says
 * whether anything failed. Run by ./test, which gets the tools first. With arguments: only the vitest files under those paths.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Tally {
  passed: number;
  failed: number;
  readonly skipped: string[];
}

const scratch = mkdtempSync(join(tmpdir(), 'larder-test-'));
const skipsFile = join(scratch, 'skips');
const tally: Tally = { passed: 0, failed: 0, skipped: [] };
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
}
interface VitestReport {
  readonly success: boolean;
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly VitestResult[];
  }[];
}

async function vitest(paths: readonly string[]): Promise<void> {
  const report = join(scratch, 'vitest.json');
  const { code } = await run(
    join('node_modules', '.bin', 'vitest'),
    ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...paths],
    { LARDER_SKIPS: skipsFile },
    'show',
  );
  if (!existsSync(report)) {
    tally.failed++;
    return;
  }
  const result = JSON.parse(readFileSync(report, 'utf8')) as VitestReport;
  tally.passed += result.numPassedTests;
  tally.failed += result.numFailedTests;
  for (const file of result.testResults) {
    if (file.status === 'failed' && file.assertionResults.every((one) => one.status !== 'failed')) tally.failed++;
    for (const one of file.assertionResults)
      if (one.status !== 'passed' && one.status !== 'failed') tally.skipped.push(one.fullName);
  }
  if (code !== 0 && tally.failed === 0) tally.failed++;
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
  const reasons = existsSync(skipsFile) ? readFileSync(skipsFile, 'utf8').trim().split('\n') : [];
  rmSync(scratch, { recursive: true, force: true });
  if (tally.skipped.length > 0)
    process.stdout.write(`\nskipped:\n${tally.skipped.map((name) => `  ${name}\n`).join('')}`);
  if (reasons.length > 0) process.stdout.write(`reasons:\n${reasons.map((line) => `  ${line}\n`).join('')}`);
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
