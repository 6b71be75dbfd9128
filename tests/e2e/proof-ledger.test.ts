/** A company with one GOSUMDB, its own, for private modules and public ones: the real go command and the reference client against the ledger. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FakeUpstream, startFakeUpstream } from '../fakes/fake-upstream.ts';
import { buildReferenceSumdb, type ReferenceClient } from '../oracle/reference-sumdb.ts';
import { skipUnless } from '../skip.ts';
import type { GoTool } from './go-client.ts';
import { build, type LarderProcess, runLarder } from './larder-process.ts';
import {
  clientsIn,
  EVIL,
  type FreshClient,
  hasEvil,
  installed,
  lardersIn,
  moduleOf,
  type ProofWorld,
  startProofWorld,
  withEachGo,
} from './proof-rig.ts';

const NAME = 'sum.corp.example';
const PUBLIC = [moduleOf('good.test/a'), moduleOf('good.test/b')];
const PRIVATE = [moduleOf('corp.example/x'), moduleOf('corp.example/y')];
const later = moduleOf('good.test/later');
const retagged = moduleOf('corp.example/x', EVIL);
/** Kept for the next run: what is compiled once serves every client. */
const buildCache = resolve(import.meta.dirname, '../../.runtime/e2e/build');

/** What larder logs when it meets other bytes than it has logged. */
const ALARM = /"kind":"retagged".*"msg":"security"/;

const reference = await buildReferenceSumdb();
const scratch = mkdtempSync(join(tmpdir(), 'larder-ledger-'));
const fresh = clientsIn(scratch);
const startLarder = lardersIn(scratch);
afterAll(async () => {
  rmSync(scratch, { recursive: true, force: true });
  await reference.remove();
});

/** Tests that need the reference client; each is skipped by name where it could not be built. */
function withReference(tests: () => void): void {
  describe('for the reference client', () => {
    skipUnless(reference.unavailable === undefined, reference.unavailable ?? '');
    tests();
  });
}

describe('a ledger for a company', () => {
  const data = join(scratch, 'data');
  const key = join(scratch, 'ledger.key');
  let world: ProofWorld;
  let repository: FakeUpstream;
  let mirror: FakeUpstream;
  let larder: LarderProcess;
  let verifier = '';
  let remembering: ReferenceClient | undefined;

  const start = (port?: number): Promise<LarderProcess> =>
    startLarder({
      ...(port !== undefined && { port }),
      upstream: [world.upstream, repository, mirror].map(({ base }) => base).join(','),
      data,
      env: { LARDER_SUMDB: world.direct, LARDER_NO_SUMDB: 'corp.example', LARDER_LEDGER_KEY: key },
    });
  const restart = async (): Promise<void> => {
    await larder.signal('SIGKILL');
    larder = await start(larder.port);
  };
  const ledgerUrl = (): string => `${larder.base}/sumdb/${NAME}`;
  const latest = async (): Promise<string> => (await fetch(`${ledgerUrl()}/latest`)).text();
  const clientOf = (tool: GoTool, env: Record<string, string>): FreshClient =>
    fresh({ tool, proxy: larder.base, env: { GOSUMDB: verifier, ...env } });

  beforeAll(async () => {
    world = await startProofWorld([...PUBLIC, later]);
    repository = await startFakeUpstream({ content: PRIVATE });
    mirror = await startFakeUpstream();
    const args = ['ledger', 'init', '--name', NAME, '--key', key, '--data', data, '--json'];
    const made = JSON.parse(await runLarder(build(join(scratch, 'dist')), args)) as { gosumdb: string };
    verifier = made.gosumdb;
    larder = await start();
    if (reference.unavailable === undefined) remembering = reference.client(verifier, ledgerUrl());
  });

  afterAll(async () => {
    await remembering?.close();
    await larder?.signal('SIGKILL');
    await Promise.all([world?.upstream, repository, mirror].map((one) => one?.close()));
  });

  /** A program that needs private modules and public ones, built from an empty module cache. */
  async function builds(client: FreshClient): Promise<void> {
    writeFileSync(
      join(client.folder, 'main.go'),
      'package main\n\nimport (\n\t"corp.example/x"\n\t"corp.example/y"\n\t"good.test/a"\n\t"good.test/b"\n)\n\nfunc main() { println(x.Says, y.Says, a.Says, b.Says) }\n',
    );
    const env = { GOCACHE: buildCache };
    for (const { name } of [...PRIVATE, ...PUBLIC]) await client.ok(client.folder, ['get', name], env);
    await client.ok(client.folder, ['build', '-o', 'app', '.'], env);
    await client.ok(client.folder, ['mod', 'verify'], env);
  }

  withEachGo((tool) => {
    test('builds with one GOSUMDB, found through GOPROXY', { timeout: 120_000 }, async () => {
      await builds(clientOf(tool, {}));
    });
  });

  withEachGo((tool) => {
    test('builds with one GOSUMDB at its URL', { timeout: 120_000 }, async () => {
      await builds(clientOf(tool, { GOSUMDB: `${verifier} ${ledgerUrl()}` }));
    });
  });

  withReference(() => {
    test('each module is there with its sums', async () => {
      for (const { name, sums } of [...PRIVATE, ...PUBLIC]) {
        const [path = '', version = ''] = name.split('@');
        const [zip, goMod] = sums.trim().split('\n');
        expect(await remembering?.ask(path, version)).toEqual({ lines: [zip] });
        expect(await remembering?.ask(path, `${version}/go.mod`)).toEqual({ lines: [goMod] });
      }
    });
  });

  test('the database of others is never asked about private modules', () => {
    expect(world.upstream.count(/\/sumdb\/.*corp\.example/)).toBe(0);
  });

  test('the log grows by what is fetched', async () => {
    const before = await latest();
    expect((await fetch(`${larder.base}/good.test/later/@v/v1.0.0.zip`)).status).toBe(200);
    const lookup = await fetch(`${ledgerUrl()}/lookup/${later.name}`);
    expect(await lookup.text()).toContain(later.sums);
    expect(await latest()).not.toBe(before);
    expect(await runLarder(build(join(scratch, 'dist')), ['ledger', 'verify', '--key', key, '--data', data])).toContain(
      NAME,
    );
  });

  withReference(() => {
    test('which remembers the log, it only grew', async () => {
      const [path = '', version = ''] = later.name.split('@');
      expect(await remembering?.ask(path, version)).toEqual({ lines: [later.sums.split('\n')[0]] });
    });
  });

  describe('when a private module is tagged anew', () => {
    let before: string;
    beforeAll(async () => {
      before = await latest();
      repository.add(retagged);
    });

    withEachGo((tool) => {
      test('gets the old bytes', async () => {
        const client = clientOf(tool, {});
        const { code, stderr } = await client.download(retagged.name);
        expect(code, stderr).toBe(0);
        expect(hasEvil(client.moduleCache)).toBe(false);
      });
    });

    withEachGo((tool) => {
      test('gets nothing else when the old bytes are lost, though it checks nothing', async () => {
        rmSync(join(data, 'download/corp.example/x/@v/v1.0.0.zip'), { force: true });
        await restart();
        const client = clientOf(tool, { GOSUMDB: 'off' });
        expect((await client.download(retagged.name)).code).toBe(1);
        expect(hasEvil(client.moduleCache)).toBe(false);
        await expect.poll(() => larder.log()).toMatch(ALARM);

        const direct = fresh({ tool, proxy: repository.base, env: {} });
        expect((await direct.download(retagged.name)).code).toBe(0);
        expect(hasEvil(direct.moduleCache)).toBe(true);
      });
    });

    test('the old bytes come from any source that has them, and the log is as it was', async () => {
      mirror.add(PRIVATE[0] ?? retagged);
      await restart();
      for (const tool of installed) {
        const client = clientOf(tool, {});
        const { code, stderr } = await client.download(retagged.name);
        expect(code, stderr).toBe(0);
        expect(hasEvil(client.moduleCache)).toBe(false);
      }
      await expect.poll(() => larder.log()).toMatch(ALARM);
      expect(await latest()).toBe(before);
    });
  });

  describe('when the database of others and all upstreams are dead', () => {
    beforeAll(async () => {
      await Promise.all([world.upstream, repository, mirror].map((one) => one.close()));
      await restart();
    });

    withEachGo((tool) => {
      test('still builds and verifies from nothing', { timeout: 120_000 }, async () => {
        await builds(clientOf(tool, {}));
      });
    });

    withReference(() => {
      test('which begins with nothing, everything is there', async () => {
        const client = reference.client(verifier, ledgerUrl());
        for (const { name, sums } of [...PRIVATE, ...PUBLIC, later]) {
          const [path = '', version = ''] = name.split('@');
          expect(await client.ask(path, version)).toEqual({ lines: [sums.split('\n')[0]] });
        }
        await client.close();
      });
    });
  });
});
