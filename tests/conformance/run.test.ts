import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Counts, runSuites } from './run.ts';
import type { Group, Suite } from './suite.ts';

describe('the conformance runner', () => {
  let directory = '';
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'larder-conformance-'));
    await writeFile(join(directory, 'a.json'), '{"tests":[1,2,3]}');
  });
  afterEach(() => rm(directory, { recursive: true }));

  async function run(suites: Suite[], ...groups: Group[]): Promise<{ counts: Counts; lines: string[] }> {
    const lines: string[] = [];
    const counts = await runSuites(suites, { directory, groups, print: (line) => lines.push(line) });
    return { counts, lines };
  }

  const small: Suite = {
    group: 'core',
    file: 'a.json',
    run: (data, t) =>
      (data as { tests: number[] }).tests.forEach((n) => t.check(`case ${n}`, n !== 2, () => `is ${n}`)),
  };

  test('counts cases, shows failures, and ends with the totals', async () => {
    const { counts, lines } = await run([small]);
    expect(counts).toEqual({ passed: 2, failed: 1, skipped: 0 });
    expect(lines).toEqual([
      'core a.json: 2 passed, 1 failed, 0 skipped',
      '  FAIL case 2: is 2',
      '2 passed, 1 failed, 0 skipped',
    ]);
  });

  test('says what to set when the folder is missing, before the totals', async () => {
    const lines: string[] = [];
    const folder = join(directory, 'none');
    const counts = await runSuites([small], { directory: folder, groups: [], print: (line) => lines.push(line) });
    expect(counts).toEqual({ passed: 0, failed: 0, skipped: 1 });
    expect(lines.slice(-2)).toEqual([
      `no folder ${folder}: set CONFORMANCE_DIR to the folder with the cases`,
      '0 passed, 0 failed, 1 skipped',
    ]);
  });

  test('names a file that is missing and counts it as one skip', async () => {
    const { counts, lines } = await run([{ ...small, file: 'missing.json' }]);
    expect(counts).toEqual({ passed: 0, failed: 0, skipped: 1 });
    expect(lines[0]).toContain('missing.json: skipped');
  });

  test('runs a suite over a folder once for each file in it', async () => {
    await mkdir(join(directory, 'golden'));
    for (const name of ['b.json', 'a.json', 'c.txt']) await writeFile(join(directory, 'golden', name), '{"tests":[1]}');
    expect((await run([{ ...small, file: 'golden/*.json' }])).lines).toEqual([
      'core golden/a.json: 1 passed, 0 failed, 0 skipped',
      'core golden/b.json: 1 passed, 0 failed, 0 skipped',
      '2 passed, 0 failed, 0 skipped',
    ]);
    expect((await run([{ ...small, file: 'none/*.json' }])).counts.skipped).toBe(1);
  });

  test('runs only the groups that are asked for; a group without suites passes', async () => {
    expect((await run([small], 'git')).lines).toEqual(['0 passed, 0 failed, 0 skipped']);
    expect((await run([small], 'git', 'core')).counts.passed).toBe(2);
  });

  test('counts a suite that breaks, and a file that is not JSON, as a failure', async () => {
    const breaking: Suite = { ...small, run: () => Promise.reject(new Error('broken')) };
    expect((await run([breaking])).counts.failed).toBe(1);
    await writeFile(join(directory, 'a.json'), 'not json');
    expect((await run([small])).counts.failed).toBe(1);
  });

  test('shows at most twenty failures of a file', async () => {
    const failing: Suite = {
      ...small,
      run: (_, t) => {
        for (let i = 0; i < 50; i++) t.check(`case ${i}`, false);
      },
    };
    const { counts, lines } = await run([failing]);
    expect([counts.failed, lines.filter((line) => line.includes('FAIL')).length]).toEqual([50, 20]);
  });
});
