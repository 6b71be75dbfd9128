import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { bundler, stranger, writeBundle } from '../../tests/fakes/bundles.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { type Clock, systemClock } from '../std/clock.ts';
import { openBundles } from './bundles.ts';
import { findUnusable } from './preflight.ts';
import { findUnusableRows } from './unusable-rows.ts';

const root = mkdtempSync(join(tmpdir(), 'larder-app-bundles-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function storeSignedBy(signer = bundler): string {
  const store = mkdtempSync(join(root, 'store-'));
  writeBundle(join(store, 'b1'), { 'x.test/a/@v/list': '' }, { id: 'b1', signer });
  symlinkSync('b1', join(store, 'current'));
  return store;
}

function configOf(bundles: readonly string[]): Config {
  const file = join(root, 'larder.yaml');
  writeFileSync(file, JSON.stringify({ ladder: { bundles, bundleKeys: [bundler.verifier.text] } }));
  const around = { environment: { GOENV: 'off' }, folder: root, home: root, localNames: [] };
  const loaded = loadConfig({ file, values: new Map(), sets: [] }, around);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.config;
}

const o = { signal: new AbortController().signal };
const around = { version: '0', environment: {}, home: root, logTo: 2 };

let warned: unknown[] = [];
const needs = { logger: { warn: (...said: unknown[]) => void warned.push(said[0]) } };
beforeEach(() => {
  warned = [];
});

describe('stores of bundles in a configuration', () => {
  test('are sources, in order, with names of their own', async () => {
    const bundles = [storeSignedBy(), join(root, 'not-there-yet')];
    const sources = await openBundles({ ladder: { bundles, bundleKeys: [bundler.verifier.text] } }, needs);
    expect(sources.map(({ name }) => name)).toEqual(bundles.map((store) => `bundle:${store}`));
  });

  test('are refused with the key and the reason when nobody who is trusted signed', async () => {
    const ladder = { bundles: [storeSignedBy(stranger)], bundleKeys: [bundler.verifier.text] };
    await expect(openBundles({ ladder }, needs)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      detail: { key: 'ladder.bundles', why: expect.stringContaining('no signature by a known key') },
    });
  });

  test('that cannot be read are told of, and sources all the same: they may come back', async () => {
    // A link to itself: what the system says of it is neither that it is there nor that it is not.
    const store = join(root, 'circle');
    symlinkSync('circle', store);
    const ladder = { bundles: [store], bundleKeys: [bundler.verifier.text] };
    const [source] = await openBundles({ ladder }, needs);
    expect(warned).toMatchObject([{ store, err: { code: 'UPSTREAM_UNAVAILABLE' } }]);
    rmSync(store);
    renameSync(storeSignedBy(), store);
    expect(await source?.check(o)).toBeUndefined();
    expect(await findUnusable(configOf([store]), around)).toEqual([]);
  });

  test('that do not answer keep nothing from starting for more than 5 s', async () => {
    const waited: number[] = [];
    const after: Clock['after'] = (ms, run) => (waited.push(ms), run(), () => undefined);
    const ladder = { bundles: [storeSignedBy(), storeSignedBy()], bundleKeys: [bundler.verifier.text] };
    expect(await openBundles({ ladder }, { ...needs, clock: { ...systemClock, after } })).toHaveLength(2);
    expect(waited).toEqual([5000, 5000]);
    expect(warned).toMatchObject(ladder.bundles.map((store) => ({ store, err: { code: 'UPSTREAM_TIMEOUT' } })));
  });

  test('are found by a check of the configuration and by one that is read again, each that cannot be used', async () => {
    const [good, bad, worse] = [storeSignedBy(), storeSignedBy(stranger), storeSignedBy(stranger)];
    const refusal = (store: string) => ({
      code: 'CONFIG_INVALID',
      detail: { key: 'ladder.bundles', reason: 'bundle-unusable', store },
    });
    const config = configOf([good, bad, worse]);
    expect(await findUnusable(config, around)).toMatchObject([refusal(bad), refusal(worse)]);
    expect(await findUnusableRows(config, around)).toMatchObject([refusal(bad), refusal(worse)]);
    expect(await findUnusable(configOf([good]), around)).toEqual([]);
  });
});
