import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openTempDirectory } from '../io/temp-directory.ts';
import { openRegister, REGISTER_ADAPTERS } from './registry.ts';

test('every adapter opens under its name with its defaults, behind the checks', async () => {
  const root = await mkdtemp(join(tmpdir(), 'larder-registry-'));
  const temp = await openTempDirectory(root);
  for (const { name } of REGISTER_ADAPTERS) {
    const register = openRegister(name, { root, temp });
    await expect(register?.read('../etc/passwd', { signal: new AbortController().signal })).rejects.toMatchObject({
      code: 'INTERNAL',
    });
  }
  expect(openRegister('paper', { root, temp })).toBeUndefined();
  await temp.close();
  await rm(root, { recursive: true });
});
