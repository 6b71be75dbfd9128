/** Modules that no checksum database is asked about, and the real go command: what is private stays so, and toolchains are never exempt. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { madeUpModule } from '../fakes/content.ts';
import type { GoTool } from './go-client.ts';
import type { LarderProcess } from './larder-process.ts';
import {
  clientsIn,
  EVIL,
  type FreshClient,
  hasEvil,
  lardersIn,
  moduleOf,
  type ProofWorld,
  startProofWorld,
  withEachGo,
} from './proof-rig.ts';

const toolchain = (says: string): ReturnType<typeof madeUpModule> =>
  madeUpModule('golang.org/toolchain', 'v0.0.1-go1.99.9.linux-amd64', { files: [{ name: 'bin/go', content: says }] });
const exempt = moduleOf('golang.org/exempt');
const secret = moduleOf('corp.example/secret');

const scratch = mkdtempSync(join(tmpdir(), 'larder-exempt-'));
const fresh = clientsIn(scratch);
const startLarder = lardersIn(scratch);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('modules that are exempt', () => {
  let world: ProofWorld;
  let larder: LarderProcess;

  // The upstream has evil bytes of what the database knows the good ones of; of the private module the database never heard.
  beforeAll(async () => {
    world = await startProofWorld([toolchain('good bytes'), exempt]);
    for (const module of [toolchain(EVIL), moduleOf('golang.org/exempt', EVIL), secret]) world.upstream.add(module);
    larder = await startLarder({
      upstream: world.upstream.base,
      env: { LARDER_SUMDB: world.direct, LARDER_NO_SUMDB: 'golang.org,corp.example' },
    });
  });

  afterAll(async () => {
    await larder?.signal('SIGKILL');
    await world?.upstream.close();
  });

  const clientOf = (tool: GoTool, env: Record<string, string> = {}): FreshClient =>
    fresh({ tool, proxy: larder.base, env: { GOSUMDB: world.keys.verifier, ...env } });

  withEachGo((tool) => {
    test('gets no evil toolchain, whatever is exempt', async () => {
      // Nothing but the name of the module differs from what it does get.
      const trusting = clientOf(tool, { GOSUMDB: 'off' });
      expect((await trusting.download(exempt.name)).code).toBe(0);
      expect(hasEvil(trusting.moduleCache)).toBe(true);

      const client = clientOf(tool, { GOSUMDB: 'off', GONOSUMDB: '*' });
      expect((await client.download(toolchain('').name)).code).toBe(1);
      expect(hasEvil(client.moduleCache)).toBe(false);
      const zip = await fetch(`${larder.base}/golang.org/toolchain/@v/v0.0.1-go1.99.9.linux-amd64.zip`);
      expect(zip.status).toBe(502);
    });
  });

  withEachGo((tool) => {
    test('gets a private module, and is told what to set when it would give the name away', async () => {
      const asking = await clientOf(tool).download(secret.name);
      expect(asking.code).toBe(1);
      expect(asking.stderr).toContain('GONOSUMDB');
      const { code, stderr } = await clientOf(tool, { GONOSUMDB: 'corp.example' }).download(secret.name);
      expect(code, stderr).toBe(0);
      expect(world.upstream.count(/sumdb.*corp\.example/)).toBe(0);
    });
  });
});
