/** Zips that are sent on while they arrive, and the real go command: what fails its check at the very end installs nothing. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { startFakeUpstream } from '../fakes/fake-upstream.ts';
import { startRangeServer } from '../fakes/range-server.ts';
import type { LarderProcess } from './larder-process.ts';
import { clientsIn, EVIL, hasEvil, lardersIn, moduleOf, startProofWorld, withEachGo } from './proof-rig.ts';

const MiB = 1 << 20;
/** Bytes at the end of a zip that wait until all of it is proven: a zip's directory cannot lie wholly before them. */
const HELD_BACK = 65_557;

const SIZES: readonly { readonly size: string; readonly bytes: number; readonly env: Record<string, string> }[] = [
  { size: '34 MiB, as larder is set by default', bytes: 34 * MiB, env: {} },
  {
    size: '2 MiB, where all zips above 64 KiB are streamed',
    bytes: 2 * MiB,
    env: { LARDER_FETCH_STREAM_ABOVE: '64KiB' },
  },
];

const scratch = mkdtempSync(join(tmpdir(), 'larder-streaming-'));
const fresh = clientsIn(scratch);
const startLarder = lardersIn(scratch);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe.each(SIZES)('a zip of $size', ({ bytes, env }) => {
  const good = moduleOf('good.test/large', 'good bytes', bytes);
  const evil = moduleOf('good.test/large', EVIL, bytes);
  const zip = 'good.test/large/@v/v1.0.0.zip';

  /** Larder before `upstream`, where a database that knows the good zip stands too. */
  async function larderBefore(upstream?: string): Promise<LarderProcess & { give(module: typeof good): void }> {
    const world = await startProofWorld([good]);
    onTestFinished(() => world.upstream.close());
    const larder = await startLarder({
      upstream: upstream ?? world.upstream.base,
      env: { ...env, LARDER_SUMDB: world.direct },
    });
    onTestFinished(async () => void (await larder.signal('SIGKILL')));
    return { ...larder, give: (module) => world.upstream.add(module) };
  }

  test('that is not the proven one is sent but for its end, and then cut off', async () => {
    const larder = await larderBefore();
    larder.give(evil);
    const { status, headers, body } = await fetch(`${larder.base}/${zip}`);
    const length = evil.get(zip)?.length ?? 0;
    expect([status, headers.get('content-length')]).toEqual([200, String(length)]);
    let received = 0;
    const all = (async () => {
      for await (const chunk of body ?? []) received += chunk.length;
    })();
    await expect(all).rejects.toThrow();
    expect(received).toBeGreaterThan(0);
    expect(received).toBeLessThanOrEqual(length - HELD_BACK);
  });

  withEachGo((tool) => {
    test('installs nothing of one that is not proven, and goes on to the next proxy after "|"', async () => {
      const larder = await larderBefore();
      larder.give(evil);
      const honest = await startFakeUpstream({ content: [good] });
      onTestFinished(() => honest.close());

      const alone = fresh({ tool, proxy: larder.base, env: {} });
      const failed = await alone.download(good.name);
      expect(failed.code).toBe(1);
      expect(failed.stderr).toMatch(/unexpected EOF|connection reset/);
      expect(hasEvil(alone.moduleCache)).toBe(false);

      const either = fresh({ tool, proxy: `${larder.base}|${honest.base}`, env: {} });
      const { code, stderr } = await either.download(good.name);
      expect(code, stderr).toBe(0);
      expect(hasEvil(either.moduleCache)).toBe(false);
      expect(honest.count(/\.zip$/)).toBe(1);
    });

    test('installs one that is proven', async () => {
      const larder = await larderBefore();
      const client = fresh({ tool, proxy: larder.base, env: {} });
      const { code, stderr } = await client.download(good.name);
      expect(code, stderr).toBe(0);
    });

    test('installs one whose upstream broke off in the middle: larder goes on from there', async () => {
      const broken = await startRangeServer(
        (path) => good.get(path.slice(1)),
        (_, nth, { url, headers }) =>
          url?.endsWith('.zip') === true && headers.range === undefined ? { cutAfter: bytes / 2 + nth } : {},
      );
      onTestFinished(() => broken.close());
      const larder = await larderBefore(broken.origin);
      const client = fresh({ tool, proxy: larder.base, env: {} });
      const { code, stderr } = await client.download(good.name);
      expect(code, stderr).toBe(0);
      expect(broken.ranges.filter((range) => range !== undefined)).toEqual([expect.stringMatching(/^bytes=\d{6,}-$/)]);
    });
  });
});
