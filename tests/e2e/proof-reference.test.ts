/** Larder against golang.org/x/mod/sumdb: its server as the database that larder asks, and its client as one that asks larder. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FakeUpstream, startFakeUpstream } from '../fakes/fake-upstream.ts';
import { plainKeys } from '../fakes/plain-log.ts';
import { buildReferenceSumdb, type ReferenceClient } from '../oracle/reference-sumdb.ts';
import { skipUnless } from '../skip.ts';
import type { LarderProcess } from './larder-process.ts';
import { clientsIn, EVIL, hasEvil, lardersIn, moduleOf, withEachGo } from './proof-rig.ts';

const reference = await buildReferenceSumdb();
const NAME = 'sum.reference.test';
const keys = plainKeys(NAME);
const modules = Array.from({ length: 12 }, (_, i) => moduleOf(`good.test/m${i}`));
const victim = moduleOf('good.test/victim');
const scratch = mkdtempSync(join(tmpdir(), 'larder-reference-'));
const fresh = clientsIn(scratch);
const startLarder = lardersIn(scratch);
afterAll(async () => {
  rmSync(scratch, { recursive: true, force: true });
  await reference.remove();
});

describe('before the reference database', () => {
  skipUnless(reference.unavailable === undefined, reference.unavailable ?? '');
  let truth: FakeUpstream;
  let upstream: FakeUpstream;
  let database: Awaited<ReturnType<typeof reference.serve>>;
  let larder: LarderProcess;
  let client: ReferenceClient;

  beforeAll(async () => {
    if (reference.unavailable !== undefined) return;
    truth = await startFakeUpstream({ content: [...modules, victim] });
    upstream = await startFakeUpstream({ content: [moduleOf('good.test/victim', EVIL), ...modules] });
    database = await reference.serve(keys.signer, truth.base);
    larder = await startLarder({
      upstream: upstream.base,
      env: { LARDER_SUMDB: `${keys.verifier} ${database.origin}` },
      flags: ['--set', 'sumdb.newVersion=0'],
    });
    client = reference.client(keys.verifier, `${larder.base}/sumdb/${NAME}`);
  });

  afterAll(async () => {
    await client?.close();
    await larder?.signal('SIGKILL');
    await database?.close();
    await Promise.all([truth?.close(), upstream?.close()]);
  });

  withEachGo((tool) => {
    test('downloads and verifies', async () => {
      const go = fresh({ tool, proxy: larder.base, env: { GOSUMDB: keys.verifier } });
      const { code, stderr } = await go.download(...modules.map(({ name }) => name));
      expect(code, stderr).toBe(0);
    });
  });

  test('the reference client is told what the database knows', async () => {
    for (const { name, sums } of modules) {
      const [path = '', version = ''] = name.split('@');
      const [zip, goMod] = sums.trim().split('\n');
      expect(await client.ask(path, version)).toEqual({ lines: [zip] });
      expect(await client.ask(path, `${version}/go.mod`)).toEqual({ lines: [goMod] });
    }
  });

  test('the reference client is told nothing of a module that the database does not know', async () => {
    const { lines, error, alarm } = await client.ask('good.test/unknown', 'v1.0.0');
    expect([lines, alarm]).toEqual([undefined, undefined]);
    expect(error).toContain('good.test/unknown@v1.0.0');
  });

  withEachGo((tool) => {
    test('that checks nothing gets no evil bytes', async () => {
      const go = fresh({ tool, proxy: larder.base, env: {} });
      expect((await go.download(victim.name)).code).toBe(1);
      expect(hasEvil(go.moduleCache)).toBe(false);
      const direct = fresh({ tool, proxy: upstream.base, env: {} });
      expect((await direct.download(victim.name)).code).toBe(0);
      expect(hasEvil(direct.moduleCache)).toBe(true);
    });
  });
});
