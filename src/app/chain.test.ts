import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NO_CREDENTIALS } from '../credentials/credentials.ts';
import { bodies } from '../../tests/fakes/content.ts';
import { type FakeUpstream, startFakeUpstream } from '../../tests/fakes/fake-upstream.ts';
import { loadConfig } from '../config/load.ts';
import { parseModulePath } from '../gomod/module.ts';
import { HttpClient } from '../io/http-client.ts';
import { NO_REQUEST } from '../policy/routes.ts';
import type { Source } from '../sources/source.ts';
import { createChain } from './chain.ts';

const HELD = 'v0.0.0-20200101000000-aaaaaaaaaaaa';
const NEWEST = 'v0.0.0-20240101000000-bbbbbbbbbbbb';
const module = parseModulePath('example.com/untagged');
const o = { signal: new AbortController().signal };

let folder = '';
let upstream: FakeUpstream;
let client: HttpClient;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'larder-chain-'));
  const held = join(folder, 'cache/download', module, '@v');
  mkdirSync(held, { recursive: true });
  writeFileSync(join(held, `${HELD}.info`), `{"Version":"${HELD}"}`);
  writeFileSync(join(held, `${HELD}.mod`), `module ${module}\n`);
  upstream = await startFakeUpstream({ content: [bodies({ [`${module}/@latest`]: `{"Version":"${NEWEST}"}` })] });
  client = new HttpClient({ userAgent: 'larder/test' });
});
afterAll(async () => {
  await client.close();
  await upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The sources that are asked for the module, in order. */
async function sourcesOf(keys: Readonly<Record<string, string>>): Promise<readonly Source[]> {
  const sets = Object.entries({ data: join(folder, 'data'), ...keys }).map(([key, value]) => `${key}=${value}`);
  const around = { environment: { GOENV: 'off' }, folder, home: folder, localNames: [] };
  const loaded = loadConfig({ values: new Map(), sets }, around);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const { sources, planFor } = await createChain(loaded.config, { client, credentials: NO_CREDENTIALS });
  return planFor(module, NO_REQUEST).steps.flatMap(({ source }) => sources.get(source) ?? []);
}

describe('a module cache', () => {
  test('before an upstream has every version it holds, but leaves it to the upstream which is the latest', async () => {
    const [cache, next] = await sourcesOf({ modcache: folder, upstream: upstream.base });
    await expect(cache?.latest(module, o)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await cache?.query(module, HELD, o)).toMatchObject({ unverified: { version: HELD } });
    expect(await cache?.mod({ path: module, version: HELD as never }, o)).toHaveProperty('unverified');
    expect(await next?.latest(module, o)).toMatchObject({ unverified: { version: NEWEST } });
  });

  test('before nobody else tells the latest that it holds', async () => {
    const [cache] = await sourcesOf({ modcache: folder, upstream: 'off' });
    expect(await cache?.latest(module, o)).toMatchObject({ unverified: { version: HELD } });
  });

  test('that is itself the upstream tells the latest that it holds', async () => {
    const [tree] = await sourcesOf({ upstream: `file://${folder}/cache/download,${upstream.base}` });
    expect(await tree?.latest(module, o)).toMatchObject({ unverified: { version: HELD } });
  });
});
