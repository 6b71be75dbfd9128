/** The real go command verifying what is stored, from nothing, while the checksum database and the upstream are dead; and a log that cannot go back. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { answersFrom, logOf } from '../fakes/checksum-database.ts';
import type { GoTool } from './go-client.ts';
import type { LarderProcess } from './larder-process.ts';
import {
  clientsIn,
  type FreshClient,
  installed,
  lardersIn,
  moduleOf,
  type ProofWorld,
  recordsOf,
  startProofWorld,
  withEachGo,
} from './proof-rig.ts';

const modules = Array.from({ length: 24 }, (_, i) => moduleOf(`good.test/m${i}`));
const scratch = mkdtempSync(join(tmpdir(), 'larder-offline-'));
const fresh = clientsIn(scratch);
const startLarder = lardersIn(scratch);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** How larder reaches the database. */
const WAYS: readonly { readonly way: string; readonly sumdb: (world: ProofWorld) => string }[] = [
  { way: 'at its URL', sumdb: ({ direct }) => direct },
  { way: 'through the upstream', sumdb: ({ keys }) => keys.verifier },
];

describe.each(WAYS)('a dead database that was asked $way', ({ sumdb }) => {
  const data = mkdtempSync(join(scratch, 'data-'));
  const remembering = new Map<GoTool, FreshClient>();
  let world: ProofWorld;
  let larder: LarderProcess;

  const start = (): Promise<LarderProcess> =>
    startLarder({ upstream: world.upstream.base, data, env: { LARDER_SUMDB: sumdb(world) } });
  const clientOf = (tool: GoTool): FreshClient =>
    fresh({ tool, proxy: larder.base, env: { GOSUMDB: world.keys.verifier } });

  async function expectAll(client: FreshClient, of = modules): Promise<void> {
    const { code, stderr } = await client.download(...of.map(({ name }) => name));
    expect(code, stderr).toBe(0);
  }

  // The log grows while modules come in, past the end of a tile: records are proven in many trees, and clients remember some of them.
  beforeAll(async () => {
    world = await startProofWorld(modules, 200);
    larder = await start();
    for (const tool of installed) {
      const early = clientOf(tool);
      await expectAll(early, modules.slice(0, 2));
      remembering.set(tool, early);
    }
    const [tool] = installed;
    if (tool === undefined) return;
    const filling = clientOf(tool);
    for (const module of modules) {
      await expectAll(filling, [module]);
      for (let i = 0; i < 7; i++) world.database.log.append(`later.test/m v1.${world.database.log.size}.0 h1:none\n`);
    }
    await world.upstream.close();
  });

  afterAll(async () => {
    await larder?.signal('SIGKILL');
    await world?.upstream.close();
  });

  describe.each(['while larder runs on', 'after larder was killed and started anew'])('%s', (when) => {
    beforeAll(async () => {
      if (when === 'while larder runs on') return;
      await larder.signal('SIGKILL');
      larder = await start();
    });

    withEachGo((tool) => {
      test('verifies all that is stored, from nothing', () => expectAll(clientOf(tool)));
    });

    withEachGo((tool) => {
      test('that remembers an early tree verifies all that is stored', async () => {
        const early = remembering.get(tool);
        if (early === undefined) throw new Error('there is no such client');
        // Its second larder has another address; what it has of the first one must not help it.
        rmSync(early.moduleCache, { recursive: true, force: true });
        const names = modules.map(({ name }) => name);
        const { code, stderr } = await early.run(early.folder, ['mod', 'download', ...names], { GOPROXY: larder.base });
        expect(code, stderr).toBe(0);
      });
    });

    withEachGo((tool) => {
      test('gets no answer about what is not stored', async () => {
        const { code, stderr } = await clientOf(tool).download('good.test/other@v1.0.0');
        expect(code).toBe(1);
        expect(stderr).toMatch(/50[234]/);
      });
    });
  });
});

describe('a log that is rolled back', () => {
  withEachGo((tool) => {
    test('is shown to as it was at its largest', async () => {
      const [first, second] = modules.map(({ name }) => name);
      const world = await startProofWorld(modules);
      onTestFinished(() => world.upstream.close());
      const larder = await startLarder({ upstream: world.upstream.base, env: { LARDER_SUMDB: world.direct } });
      onTestFinished(async () => void (await larder.signal('SIGKILL')));
      const latest = async (): Promise<string> =>
        (await fetch(`${larder.base}/sumdb/${world.database.log.name}/latest`)).text();
      const client = fresh({ tool, proxy: larder.base, env: { GOSUMDB: world.keys.verifier } });
      expect((await client.download(first ?? '')).code).toBe(0);
      const before = await latest();
      expect(before).toContain(`go.sum database tree\n${modules.length}\n`);

      world.database.tell(answersFrom(logOf(world.keys.signer, recordsOf(modules.slice(0, 3)))));
      const { code, stderr } = await client.download(second ?? '');
      expect(code, stderr).toBe(0);
      expect(await latest()).toBe(before);
    });
  });
});
