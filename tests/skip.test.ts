import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipUnless } from './skip.ts';

describe('a test whose condition fails', () => {
  let folder = '';
  const before = process.env['LARDER_SKIPS'];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'larder-skip-'));
    process.env['LARDER_SKIPS'] = join(folder, 'skips');
    await writeFile(join(folder, 'skips'), '');
  });
  afterAll(async () => {
    if (before === undefined) delete process.env['LARDER_SKIPS'];
    else process.env['LARDER_SKIPS'] = before;
    await rm(folder, { recursive: true, force: true });
  });

  test('goes on record with its name and the reason', () => {
    const hooks: ((context: unknown) => void)[] = [];
    const skipped: string[] = [];
    const task = { name: 'builds', suite: { name: 'go', suite: undefined } };
    skipUnless(false, 'go is not\ninstalled', (hook) => hooks.push(hook as (context: unknown) => void));
    for (const hook of hooks) hook({ task, skip: (reason: string) => skipped.push(reason) });
    expect(skipped).toEqual(['go is not\ninstalled']);
    expect(readFileSync(join(folder, 'skips'), 'utf8')).toBe('skipped: go > builds: go is not installed\n');
  });
});

describe('a test whose condition holds', () => {
  skipUnless(true, 'never said');
  test('runs', ({ task }) => {
    expect(task.mode).toBe('run');
  });
});
