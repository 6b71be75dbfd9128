import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundler, stranger, writeBundle } from '../../../tests/fakes/bundles.ts';
import { madeUpModule } from '../../../tests/fakes/content.ts';
import { type ModuleVersion, parseModulePath, type Version } from '../../gomod/module.ts';
import { sumsIn } from '../../gomod/sumdb/text.ts';
import { createSpoolDirectory } from '../../io/spool.ts';
import { openTempDirectory } from '../../io/temp-directory.ts';
import { CONTRACT_CONTENT, testSource } from '../contract.ts';
import type { Spool } from '../source.ts';
import { BundleSource } from './bundle-source.ts';
import type { BundleModule } from './manifest.ts';

const o = { signal: new AbortController().signal };
const path = parseModulePath('x.test/a');
const mv: ModuleVersion = { path, version: 'v1.0.0' as Version };
const H1 = `h1:${'A'.repeat(43)}=`;

let folder: string;
let spool: Spool;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'larder-bundle-'));
  spool = createSpoolDirectory({ temp: await openTempDirectory(folder) }).spool(1 << 30);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A store with one bundle per version of x.test/a, `current` leading to the first. */
function storeOf(...versions: readonly string[]): { store: string; source: BundleSource } {
  const store = mkdtempSync(join(folder, 'store-'));
  for (const version of versions) writeModuleBundle(store, version);
  symlinkSync(versions[0] ?? '', join(store, 'current'));
  return { store, source: sourceOf(store) };
}

function writeModuleBundle(store: string, version: string, zipBytes = 500_000): void {
  const made = madeUpModule('x.test/a', version, { zipBytes });
  const module = { path, version: version as Version };
  const sums = sumsIn(made.sums, module);
  const files = ['list', `${version}.info`, `${version}.mod`, `${version}.zip`].map(
    (file) => [`x.test/a/@v/${file}`, made.get(`x.test/a/@v/${file}`) ?? ''] as const,
  );
  const hashed: BundleModule = { ...module, mod: sums.mod[0] ?? '', zip: sums.zip[0] ?? '' };
  writeBundle(join(store, version), Object.fromEntries(files), { id: version, modules: [hashed] });
}

function sourceOf(store: string, keys = [bundler.verifier]): BundleSource {
  return new BundleSource({ name: 'bundle', store, keys });
}

async function switchTo(store: string, id: string): Promise<void> {
  await symlink(id, join(store, 'next'));
  await rename(join(store, 'next'), join(store, 'current'));
}

testSource('bundle', async () => {
  const store = mkdtempSync(join(folder, 'contract-'));
  const modules: BundleModule[] = [
    { path: parseModulePath('example.test/Mod'), version: 'v1.1.0-RC' as Version, mod: H1, zip: H1 },
  ];
  writeBundle(join(store, 'b1'), CONTRACT_CONTENT, { id: 'b1', modules });
  symlinkSync('b1', join(store, 'current'));
  return { source: sourceOf(store) };
});

describe('a store of bundles', () => {
  test('claims of a zip the hash that was signed', async () => {
    const { source } = storeOf('v1.0.0');
    const { claimedH1, unverified } = await source.zip(mv, spool, o);
    expect(claimedH1).toBe(sumsIn(madeUpModule('x.test/a', 'v1.0.0', { zipBytes: 500_000 }).sums, mv).zip[0]);
    await unverified.discard();
  });

  test('has nothing while nothing is installed, or there is no store', async () => {
    const store = mkdtempSync(join(folder, 'empty-'));
    for (const source of [sourceOf(store), sourceOf(join(store, 'nowhere'))]) {
      await expect(source.mod(mv, o)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await source.check(o);
    }
  });

  test('switches at once, and what is being read goes on', async () => {
    const { store, source } = storeOf('v1.0.0', 'v1.2.0');
    let switched = false;
    const slow: Spool = {
      fill: async (body, ask) =>
        await spool.fill(
          (async function* () {
            for await (const piece of body) {
              if (!switched) await switchTo(store, 'v1.2.0');
              switched = true;
              await rm(join(store, 'v1.0.0'), { recursive: true, force: true });
              yield piece;
            }
          })(),
          ask,
        ),
    };
    const { unverified } = await source.zip(mv, slow, o);
    expect(unverified.sizeBytes).toBeGreaterThan(500_000);
    await unverified.discard();
    await expect(source.mod(mv, o)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await source.list(path, o)).toEqual(['v1.2.0']);
  });

  test('a file that was damaged since is an error, and not "not here"', async () => {
    const { store, source } = storeOf('v1.0.0');
    const place = (name: string): string => join(store, 'v1.0.0/download/x.test/a/@v', name);
    writeFileSync(place('v1.0.0.mod'), 'module x.test/b\n');
    writeFileSync(place('v1.0.0.info'), 'module x.test/b and more\n');
    rmSync(place('v1.0.0.zip'));
    rmSync(place('list'));
    mkdirSync(place('list'));
    const all: readonly (() => Promise<unknown>)[] = [
      () => source.mod(mv, o),
      () => source.query(path, 'v1.0.0', o),
      () => source.zip(mv, spool, o),
      () => source.list(path, o),
    ];
    for (const ask of all) await expect(ask()).rejects.toMatchObject({ code: 'UPSTREAM_BAD_RESPONSE' });
  });

  test('does not see files that the manifest does not have', async () => {
    const { store, source } = storeOf('v1.0.0');
    writeFileSync(join(store, 'v1.0.0/download/x.test/a/@v/v1.1.0.mod'), 'module x.test/a\n');
    expect(await source.list(path, o)).toEqual(['v1.0.0']);
    await expect(source.mod({ path, version: 'v1.1.0' as Version }, o)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test.each([
    ['signed by somebody else', (store: string) => sourceOf(store, [stranger.verifier])],
    ['without a trusted key', (store: string) => sourceOf(store, [])],
  ])('refuses a bundle %s, and works with the key', async (_, other) => {
    const { store, source } = storeOf('v1.0.0');
    await expect(other(store).mod(mv, o)).rejects.toMatchObject({ code: 'UPSTREAM_BAD_RESPONSE' });
    await expect(other(store).check(o)).rejects.toMatchObject({ code: 'UPSTREAM_BAD_RESPONSE' });
    expect((await source.mod(mv, o)).unverified.length).toBeGreaterThan(0);
  });

  test.each(['../elsewhere', '/etc', 'v1.0.0/download', '..'])('refuses a link to %s', async (target) => {
    const { store, source } = storeOf('v1.0.0');
    rmSync(join(store, 'current'));
    symlinkSync(target, join(store, 'current'));
    await expect(source.mod(mv, o)).rejects.toMatchObject({ code: 'UPSTREAM_BAD_RESPONSE' });
  });

  test('a bundle under the name of another is refused, and found once it is put right', async () => {
    const { store, source } = storeOf('v1.0.0', 'v1.2.0');
    await rm(join(store, 'v1.0.0'), { recursive: true });
    await rename(join(store, 'v1.2.0'), join(store, 'v1.0.0'));
    await expect(source.mod(mv, o)).rejects.toMatchObject({ code: 'UPSTREAM_BAD_RESPONSE' });
    await rm(join(store, 'v1.0.0'), { recursive: true });
    writeModuleBundle(store, 'v1.0.0');
    expect((await source.mod(mv, o)).source).toBe('bundle');
  });
});
