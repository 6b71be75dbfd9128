import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { loadConfig } from '../config/load.ts';
import { DEFAULT_ENGINE_LIMITS } from '../upstream/settings.ts';
import { engineLimits } from './engine-limits.ts';

function configWith(sets: readonly string[]) {
  const around = { environment: { GOENV: 'off' }, folder: tmpdir(), home: tmpdir(), localNames: [] };
  const loaded = loadConfig({ values: new Map(), sets }, around);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.config;
}

test('a configuration that says nothing has the figures of the engine itself', () => {
  expect(engineLimits(configWith([]))).toEqual(DEFAULT_ENGINE_LIMITS);
});

test('a route has its own thresholds, and everything else of all', () => {
  const config = configWith(['engine.failures=7', 'engine.probe=5s']);
  const route = { name: 'stage', upstream: 'x', failures: 1, ratio: 20 };
  expect(engineLimits(config, route)).toMatchObject({ openAfterFailures: 1, openAboveRatio: 0.2, probeMs: 5000 });
  expect(engineLimits(config, { name: 'dev', upstream: 'x' })).toMatchObject({
    openAfterFailures: 7,
    openAboveRatio: 0.5,
  });
});
