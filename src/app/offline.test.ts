/** Nothing outside is touched while a server is offline: not even by the programs that know its credentials, which may ask anybody. */
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadConfig } from '../config/load.ts';
import { composeLarder } from './compose.ts';
import type { Larder } from './larder.ts';

let folder = '';
let larder: Larder | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'larder-shut-'));
});
afterEach(async () => {
  await larder?.stopNow();
  rmSync(folder, { recursive: true, force: true });
});

const wasRun = (): boolean => existsSync(join(folder, 'was-run'));

/** A server that would ask a program for the credentials of its checksum database, where nobody listens. */
async function server(flags: readonly string[]): Promise<{ readonly lookUp: () => Promise<number> }> {
  const program = join(folder, 'credentials');
  writeFileSync(program, `#!/bin/sh\ntouch ${join(folder, 'was-run')}\n`);
  chmodSync(program, 0o755);
  const environment = { GOENV: 'off', GOAUTH: program, PATH: process.env['PATH'] ?? '' };
  const sets = ['listen=127.0.0.1:0', 'upstream=off', 'sumdb.database=sum.golang.org https://127.0.0.1:1', ...flags];
  const loaded = loadConfig(
    { values: new Map(), sets: [`data=${join(folder, 'data')}`, ...sets] },
    { environment, folder, home: folder, localNames: [] },
  );
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const around = { version: '1.2.3', environment, home: folder, logTo: join(folder, 'log') };
  larder = await composeLarder(loaded.config, around);
  const { host, port } = await larder.start();
  const path = 'sumdb/sum.golang.org/lookup/example.com/m@v1.0.0';
  return { lookUp: async () => (await fetch(`http://${host}:${port}/${path}`)).status };
}

test('control: online the program is asked', async () => {
  expect(await (await server([])).lookUp()).toBeGreaterThanOrEqual(500);
  expect(wasRun()).toBe(true);
});

test('offline it is not', async () => {
  expect(await (await server(['offline=true'])).lookUp()).toBe(503);
  expect(wasRun()).toBe(false);
});

test('nor once the running server was made so', async () => {
  const { lookUp } = await server([]);
  larder?.setOffline('on');
  expect(await lookUp()).toBe(503);
  expect(wasRun()).toBe(false);
});
