import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openTempDirectory } from '../io/temp-directory.ts';
import { openStore, STORE_ADAPTERS } from './registry.ts';

test('every adapter opens under its name with its defaults, behind the checks', async () => {
  const root = await mkdtemp(join(tmpdir(), 'larder-registry-'));
  const temp = await openTempDirectory(root);
  for (const { name } of STORE_ADAPTERS) {
    const store = openStore(name, { root, temp, now: Date.now });
    await expect(store?.head('../etc/passwd', { signal: new AbortController().signal })).rejects.toMatchObject({
      code: 'INTERNAL',
    });
  }
  expect(openStore('floppy', { root, temp, now: Date.now })).toBeUndefined();
  await temp.close();
  await rm(root, { recursive: true });
});
