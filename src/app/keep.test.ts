import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { noDatabase } from '../../tests/fakes/no-database.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { type ArtifactId, parseModulePath, type Version } from '../gomod/module.ts';
import { goSumPins } from '../verify/pins.ts';
import { createVerifier } from '../verify/verifier.ts';
import { openKeep } from './keep.ts';

const pins = goSumPins([]);
const verifier = createVerifier({ ...noDatabase, inspectZip: () => Promise.reject(new Error('not asked')), pins });
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'larder-keep-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function config(): Config {
  const around = { environment: { GOENV: 'off' }, folder, home: folder, localNames: [] };
  const loaded = loadConfig({ values: new Map(), sets: [`data=${join(folder, 'data')}`] }, around);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.config;
}

test('what was stored a moment before the end is in the list for static servers', async () => {
  const keep = await openKeep(config(), { onDamage: () => undefined }, pins);
  const version = 'v1.2.3' as Version;
  const id: ArtifactId = { module: { path: parseModulePath('example.com/quote'), version }, kind: 'info' };
  const verified = verifier.info(id, { version, time: '2026-01-01T00:00:00Z' }, 'upstream');
  await keep.artifacts.commit('public', verified, { signal: new AbortController().signal });
  await keep.close();
  expect(readFileSync(join(folder, 'data/download/example.com/quote/@v/list'), 'utf8')).toBe('v1.2.3\n');
  expect(readdirSync(join(folder, 'data/.tmp'))).toEqual([]);
});
