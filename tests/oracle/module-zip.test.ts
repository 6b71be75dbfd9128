import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { ModulePath, Version } from '../../src/gomod/module.ts';
import { memorySource } from '../../src/gomod/zip/byte-source.ts';
import { inspectModuleZip } from '../../src/gomod/zip/inspect.ts';
import { moduleZip, type TreeArchive } from '../../src/sources/vcs/module-zip.ts';
import { isAppError } from '../../src/std/errors.ts';
import { goVersion } from '../e2e/go-client.ts';
import { type CommitSpec, makeRepository } from '../fakes/git-repositories.ts';
import { plainTreeArchive } from '../fakes/plain-tree-archive.ts';
import { skipUnless } from '../skip.ts';
import { REFUSED, seed } from './compare.ts';
import { Dice } from './dice.ts';
import { DirectGo, type DirectOutcome } from './git-direct-go.ts';
import { modulesOfTree, type TreeModule } from './module-zip-trees.ts';

const scratch = mkdtempSync(join(tmpdir(), 'larder-module-zip-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Trees of one run; the modules in each are asked for one by one. */
const TREES = Number(process.env['LARDER_TREES'] ?? 16);
const ROOT = 'github.com/larder/trees';

describe('module zips of generated trees', () => {
  skipUnless(goVersion() !== undefined, 'go is not installed');

  test('have the h1 that the go command gives them, or are refused as by it', async () => {
    const dice = new Dice(seed);
    const trees = Array.from({ length: TREES }, (_, i) => modulesOfTree(dice, ROOT, i));
    const commits = trees.map(
      ({ files, modules }, i): CommitSpec => ({ on: `tree-${i}`, files, tags: modules.map(({ tag }) => tag) }),
    );
    const folder = join(scratch, 'repositories/larder/trees.git');
    await makeRepository(folder, { commits, head: 'tree-0' });
    const modules = trees.flatMap((tree) => tree.modules);
    const go = new DirectGo(join(scratch, 'go'), join(scratch, 'repositories'));
    const theirs = await go.download(
      modules.map(({ module, version }) => ({ module, query: version })),
      'full clones',
    );
    await expectSame(modules, theirs, plainTreeArchive(folder));
  }, 300_000);
});

/** A go command that fails before it makes a zip says nothing about zips. */
async function expectSame(
  modules: readonly TreeModule[],
  theirs: readonly DirectOutcome[],
  archive: TreeArchive,
): Promise<void> {
  const asked = modules.map((module, i) => ({ module, theirs: zipOutcomeOf(theirs[i]) }));
  const compared = asked.filter((one) => one.theirs !== undefined);
  const both = await Promise.all(
    compared.map(async ({ module, theirs: wanted }) => ({ module, wanted, ours: await ourOutcome(archive, module) })),
  );
  expect(
    both.filter(({ wanted, ours }) => wanted !== ours),
    `seed ${seed}, of ${both.length}`,
  ).toEqual([]);
  expect(both.length, 'modules that the go command makes a zip of, or tries to').toBeGreaterThan(modules.length / 2);
  expect(new Set(both.map(({ wanted }) => wanted)).size).toBeGreaterThan(modules.length / 4);
}

function zipOutcomeOf(outcome: DirectOutcome | undefined): string | undefined {
  if (outcome === undefined) return undefined;
  if (!('failure' in outcome)) return outcome.zipSum;
  return outcome.failure.includes('create zip: ') ? REFUSED : undefined;
}

async function ourOutcome(archive: TreeArchive, { module, version, tag, directory }: TreeModule): Promise<string> {
  const named = { path: module as ModulePath, version: version as Version };
  const tree = { module: named, commit: tag, directory };
  try {
    const zip = await Array.fromAsync(moduleZip(archive, tree, { signal: new AbortController().signal }));
    return (await inspectModuleZip(memorySource(Buffer.concat(zip)), module, version)).h1;
  } catch (error) {
    if (isAppError(error, 'NOT_FOUND')) return REFUSED;
    throw error;
  }
}
