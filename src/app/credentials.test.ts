/** Credentials in a whole Larder: what the upstream gets, and what nobody else does. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { madeUpModule } from '../../tests/fakes/content.ts';
import { type FakeUpstream, startFakeUpstream } from '../../tests/fakes/fake-upstream.ts';
import { loadConfig } from '../config/load.ts';
import { composeLarder } from './compose.ts';
import type { Larder } from './larder.ts';

const MODULE = 'example.com/quote';
const CANARY = 'canary-3b9d1f';
const basic = (token: string): string => `Basic ${Buffer.from(`git:${token}`).toString('base64')}`;

let folder = '';
let upstream: FakeUpstream;
let larder: Larder | undefined;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'larder-app-'));
  upstream = await startFakeUpstream({ content: [madeUpModule(MODULE, 'v1.2.3', { zipBytes: 1000 })] });
  // It repeats what it was sent, as careless ones do.
  upstream.fault(({ headers: { authorization = '' } }) => {
    if (authorization === basic(`${CANARY}-good`)) return undefined;
    const body = Buffer.from(`who is ${authorization} ${CANARY}-bad?`);
    return { answer: { status: 401, headers: { 'content-type': 'text/plain' }, body } };
  });
});
afterEach(async () => {
  await larder?.stopNow();
  await upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

async function serve(credentials: string): Promise<(path: string) => Promise<{ status: number; text: string }>> {
  const data = join(folder, 'data');
  const keys = { listen: '127.0.0.1:0', data, upstream: upstream.base, 'sumdb.database': 'off', credentials };
  const sets = Object.entries(keys).map(([key, value]) => `${key}=${value}`);
  const around = { environment: { GOENV: 'off' }, folder, home: folder, localNames: [] };
  const loaded = loadConfig({ values: new Map(), sets }, around);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const logTo = join(folder, 'log.jsonl');
  larder = await composeLarder(loaded.config, { version: '0.0.0', environment: {}, home: folder, logTo });
  const { host, port } = await larder.start();
  return async (path) => {
    const response = await fetch(`http://${host}:${port}/${path}`);
    return { status: response.status, text: await response.text() };
  };
}

test('a refused token is never repeated, and a new one in its file counts at once', async () => {
  const file = join(folder, 'token');
  writeFileSync(file, `${CANARY}-bad\n`);
  const get = await serve(`url=${upstream.origin},token=file:${file}`);
  const refused = await get(`${MODULE}/@v/v1.2.3.mod`);
  expect(refused.status).toBe(502);
  expect(refused.text).toContain(`(the token of file:${file}) are not accepted`);
  expect(upstream.requests[0]?.headers['authorization']).toBe(basic(`${CANARY}-bad`));
  writeFileSync(file, `${CANARY}-good\n`);
  // A failure is repeated for a second.
  await expect
    .poll(async () => (await get(`${MODULE}/@v/v1.2.3.mod`)).text, { timeout: 10_000 })
    .toBe(`module ${MODULE}\n`);
  await larder?.stopNow();
  const log = readFileSync(join(folder, 'log.jsonl'), 'utf8');
  expect(log).toContain('are not accepted');
  for (const secret of [CANARY, basic(`${CANARY}-bad`).slice(6, 20)]) expect(refused.text + log).not.toContain(secret);
});

test('what cannot be read keeps it from starting', async () => {
  await expect(serve(`url=${upstream.origin},token=file:/not/there`)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    detail: { key: 'credentials', reason: 'credentials-unusable' },
  });
});
