/** An operator who lets modules through while the checksum database cannot be asked, and the real go command: what was wrong is taken away later. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  clientsIn,
  EVIL,
  type FreshClient,
  hasEvil,
  lardersIn,
  moduleOf,
  startProofWorld,
  withEachGo,
} from './proof-rig.ts';

const good = moduleOf('good.test/good');
const victim = moduleOf('good.test/victim');
const evil = moduleOf('good.test/victim', EVIL);
const scratch = mkdtempSync(join(tmpdir(), 'larder-outage-'));
const fresh = clientsIn(scratch);
const startLarder = lardersIn(scratch);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('sumdb.onOutage: serve-unverified', () => {
  withEachGo((tool) => {
    test('gives out what nobody vouches for, until the database is back', { timeout: 60_000 }, async () => {
      const world = await startProofWorld([good, victim]);
      onTestFinished(() => world.upstream.close());
      world.upstream.add(evil);
      const isBack = world.upstream.fault(({ path }) =>
        path.startsWith('/sumdb/') ? { answer: { status: 503 } } : undefined,
      );
      const data = mkdtempSync(join(scratch, 'data-'));
      const larder = await startLarder({
        upstream: world.upstream.base,
        data,
        env: { LARDER_SUMDB: world.direct },
        flags: ['--set', 'sumdb.onOutage=serve-unverified', '--set', 'resolver.errorMemo=0'],
      });
      onTestFinished(async () => void (await larder.signal('SIGKILL')));
      const clientOf = (): FreshClient => fresh({ tool, proxy: larder.base, env: { GOSUMDB: 'off' } });

      const trusting = clientOf();
      expect((await trusting.download(good.name, victim.name)).code).toBe(0);
      expect(hasEvil(trusting.moduleCache)).toBe(true);

      isBack();
      await vi.waitFor(() => expect(hasEvil(join(data, 'download'))).toBe(false), { timeout: 30_000, interval: 100 });
      const later = clientOf();
      expect((await later.download(victim.name)).code).toBe(1);
      expect((await later.download(good.name)).code).toBe(0);
      expect(hasEvil(later.moduleCache)).toBe(false);
      await expect.poll(() => larder.log()).toMatch(/"kind":"unproven-mismatch".*"msg":"security"/);
    });
  });
});
