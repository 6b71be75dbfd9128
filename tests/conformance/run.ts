/** Runs conformance suites over a data directory and prints what happened. */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compareBytewise } from '../../src/std/bytes.ts';
import { messageOf, systemCodeOf } from '../../src/std/errors.ts';
import type { Group, Suite, Tally } from './suite.ts';

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

export interface RunOptions {
  readonly directory: string;
  /** Only suites of these groups; all when empty. */
  readonly groups: readonly Group[];
  /** Takes one line of output. */
  print(line: string): void;
}

const MAX_SHOWN_FAILURES = 20;

/** Runs the chosen suites one after the other: a line per file, up to 20 failures each, and the totals on the last line. */
export async function runSuites(suites: readonly Suite[], o: RunOptions): Promise<Counts> {
  const total: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const suite of suites) {
    if (o.groups.length > 0 && !o.groups.includes(suite.group)) continue;
    for (const file of await filesOf(suite, o.directory)) {
      const counts = await runSuite({ ...suite, file }, o);
      total.passed += counts.passed;
      total.failed += counts.failed;
      total.skipped += counts.skipped;
    }
  }
  if (!existsSync(o.directory)) o.print(`no folder ${o.directory}: set CONFORMANCE_DIR to the folder with the cases`);
  o.print(summary(total));
  return total;
}

/** The file of a suite; of one over a folder (`golden/*.json`) all that are there, by name, and its own text when there are none. */
async function filesOf({ file }: Suite, directory: string): Promise<readonly string[]> {
  const folder = file.endsWith(ANY_JSON) ? file.slice(0, -ANY_JSON.length) : undefined;
  if (folder === undefined) return [file];
  const names = await readdir(join(directory, folder)).catch(() => []);
  const found = names.filter((name) => name.endsWith('.json')).sort(compareBytewise);
  return found.length === 0 ? [file] : found.map((name) => `${folder}/${name}`);
}

const ANY_JSON = '/*.json';

async function runSuite(suite: Suite, o: RunOptions): Promise<Counts> {
  const text = await readIfThere(join(o.directory, suite.file));
  if (text === undefined) {
    o.print(`${suite.group} ${suite.file}: skipped, no such file in ${o.directory}`);
    return { passed: 0, failed: 0, skipped: 1 };
  }
  const { counts, notes, tally } = startTally(o.directory);
  try {
    await suite.run(JSON.parse(text), tally);
  } catch (error) {
    tally.check('the suite runs to its end', false, () => (error instanceof Error && error.stack) || messageOf(error));
  }
  o.print(`${suite.group} ${suite.file}: ${summary(counts)}`);
  for (const note of notes) o.print(`  ${note}`);
  return counts;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function startTally(directory: string): { readonly counts: Counts; readonly notes: string[]; readonly tally: Tally } {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  const notes: string[] = [];
  const tally: Tally = {
    directory,
    check(name, ok, detail) {
      if (ok) {
        counts.passed++;
        return;
      }
      counts.failed++;
      if (counts.failed <= MAX_SHOWN_FAILURES) notes.push(`FAIL ${name}${detail === undefined ? '' : `: ${detail()}`}`);
      if (counts.failed === MAX_SHOWN_FAILURES + 1) notes.push('... further failures are not shown');
    },
    skip(name, reason) {
      counts.skipped++;
      notes.push(`SKIP ${name}: ${reason}`);
    },
  };
  return { counts, notes, tally };
}

function summary(counts: Counts): string {
  return `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
}
