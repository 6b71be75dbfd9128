/** The shipped program behind nginx, which waits for its backend for so long and no longer. LARDER_TEST_LONG=1: the real figures, 300 MiB at 4 MiB a second before 60 seconds. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { build, type LarderProcess, startLarderProcess } from '../e2e/larder-process.ts';
import { madeUpModule } from '../fakes/content.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/fake-upstream.ts';
import { hasNginx, type Nginx, startNginx } from '../fakes/nginx.ts';
import { skipUnless } from '../skip.ts';

const MIB = 1024 * 1024;
/** Zips over 32 MiB are sent while they come in. */
const SCALE =
  process.env['LARDER_TEST_LONG'] === '1'
    ? { large: 300 * MIB, small: 31 * MIB, perSecond: 4 * MIB, smallPerSecond: 0.4 * MIB, waitS: 60 }
    : { large: 34 * MIB, small: 12 * MIB, perSecond: 8 * MIB, smallPerSecond: 3 * MIB, waitS: 2 };

describe('a zip that takes longer than the proxy in front waits', () => {
  skipUnless(hasNginx(), 'nginx is not installed');
  const scratch = mkdtempSync(join(tmpdir(), 'larder-slow-'));
  const large = madeUpModule('x.test/large', 'v1.0.0', { zipBytes: SCALE.large });
  const small = madeUpModule('x.test/small', 'v1.0.0', { zipBytes: SCALE.small });
  let upstream: FakeUpstream;
  let larder: LarderProcess;
  let nginx: Nginx;

  beforeAll(async () => {
    if (!hasNginx()) return;
    upstream = await startFakeUpstream({ content: [large, small] });
    upstream.fault(({ target }) => {
      const perSecond = target.startsWith('x.test/large') ? SCALE.perSecond : SCALE.smallPerSecond;
      return target.endsWith('.zip') ? { trickle: { bytes: Math.ceil(perSecond / 20), everyMs: 50 } } : undefined;
    });
    const dist = build(join(scratch, 'dist'));
    larder = await startLarderProcess({ dist, data: join(scratch, 'data'), upstream: upstream.base });
    nginx = await startNginx({ home: join(scratch, 'nginx'), backends: [larder.port], readTimeoutS: SCALE.waitS });
  }, 60_000);

  afterAll(async () => {
    nginx?.stop();
    await larder?.signal('SIGKILL');
    await upstream?.close();
    rmSync(scratch, { recursive: true, force: true });
  });

  test('arrives whole', { timeout: 180_000 }, async () => {
    const started = performance.now();
    const answer = await fetch(`${nginx.base}/x.test/large/@v/v1.0.0.zip`);
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect(answer.status).toBe(200);
    expect(bytes.equals(Buffer.from(large.get('x.test/large/@v/v1.0.0.zip') ?? []))).toBe(true);
    expect(performance.now() - started).toBeGreaterThan(SCALE.waitS * 1000);
  });

  test('control: one that is not sent while it comes in is 504 at this nginx', { timeout: 180_000 }, async () => {
    const answer = await fetch(`${nginx.base}/x.test/small/@v/v1.0.0.zip`);
    expect(answer.status).toBe(504);
  });
});
