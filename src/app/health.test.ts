import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ToldTrouble } from '../observe/store-troubles.ts';
import { storeHealth } from './health.ts';

const trouble: ToldTrouble = {
  operation: 'commit',
  code: 'STORE_UNAVAILABLE',
  message: 'write /secret/folder/x: ENOSPC',
  subject: 'corp.example/secret',
};

test('a store that was in trouble just now is ready and degraded, with what to do and without names', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'larder-health-'));
  let recent: ToldTrouble | undefined;
  const health = storeHealth(folder, () => recent);
  expect(await health.readiness()).toEqual({ ready: true, detail: 'the store can be read' });
  recent = trouble;
  const degraded = await health.readiness();
  expect(degraded).toMatchObject({ ready: true, degraded: true });
  expect(degraded.detail).toMatch(/STORE_UNAVAILABLE.*free space/);
  expect(degraded.detail).not.toContain('secret');
  rmSync(folder, { recursive: true });
  expect(await health.readiness()).toMatchObject({ ready: false });
});
