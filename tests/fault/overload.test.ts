/**
 * Too much of everything, at the shipped program: short forms of what `npm run bench -- --only overload` measures at full size. Figures are printed. The machine may be
 * busy: a time is judged by what an undisturbed server took at the same moments too, and has some slack and three tries; what must never happen (a failure, a second
 * fetch, a cut body) has none.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { build } from '../e2e/larder-process.ts';
import { Lab } from './overload/lab.ts';
import {
  fewDescriptors,
  flood,
  herd,
  leavers,
  type Normal,
  rollingRestarts,
  slowloris,
  slowReaders,
  tenfold,
} from './overload/scenarios.ts';
import { tell, tried } from './tried.ts';

const dist = mkdtempSync(join(tmpdir(), 'larder-overload-dist-'));
const RESTARTS = Number(process.env['LARDER_RESTARTS'] ?? 3);
/** What another process on the machine may take of a time and not of that of the undisturbed server, ms. */
const SLACK_MS = 50;

let lab: Lab;
beforeAll(() => void build(dist));
afterAll(() => rmSync(dist, { recursive: true, force: true }));
beforeEach(() => {
  lab = new Lab(dist);
});
afterEach(async () => await lab.close());

/** Each try with a server and an empty store of its own. */
function inFreshLab<T>(scenario: (lab: Lab) => Promise<T>): (nth: number) => Promise<T> {
  return async (nth) => {
    if (nth > 1) {
      await lab.close();
      lab = new Lab(dist);
    }
    return await scenario(lab);
  };
}

describe('a crowd', () => {
  test('of 2,000 who ask for the same module that is not stored costs one fetch, and all get it', async () => {
    const figures = await herd(lab, { clients: 2000 });
    tell('overload, herd', figures);
    expect(figures).toMatchObject({ ok: 2000, failed: 0, fetches: 1 });
    expect(figures.peakMib).toBeLessThan(400);
  }, 90_000);

  test('of which nine in ten leave: the others get it, from one fetch', async () => {
    const figures = await leavers(lab, { clients: 1000, leaving: 900 });
    tell('overload, leavers', figures);
    expect(figures).toEqual({ ok: 100, failed: 0, fetches: 1, stillRunning: 0 });
  }, 60_000);

  test('ten times too large fails nobody, gets as much done, and leaves what is cached quick', async () => {
    const figures = await tried(
      'overload, tenfold',
      inFreshLab((fresh) => tenfold(fresh, { connections: 32, seconds: 4 })),
      {
        always: (f) => {
          expect(f).toMatchObject({ failed: 0, cached: { failed: 0 } });
          expect(f.longestWaitMs).toBeLessThan(20_000);
        },
        wellTimed: (f) => f.goodputOver >= 0.9 * f.goodputPeak && isQuick(f.cached) && f.recoveryMs <= 5000,
      },
    );
    expect(figures.goodputOver).toBeGreaterThanOrEqual(0.9 * figures.goodputPeak);
    expect(figures.cached).toSatisfy(isQuick);
    expect(figures.recoveryMs).toBeLessThanOrEqual(5000);
  }, 240_000);
});

/** At the most twice as slow as without what goes on beside. */
function isQuick({ p99Before, p99During, p99Undisturbed }: Normal): boolean {
  return p99During <= 2 * Math.max(p99Before, p99Undisturbed) + SLACK_MS;
}

describe('the normal load is hardly slower', () => {
  test('beside 1,000 sockets that never finish a request', async () => {
    const figures = await tried(
      'overload, slow sockets',
      inFreshLab((fresh) => slowloris(fresh, { sockets: 1000, seconds: 3, overMs: 1000 })),
      {
        always: (f) => expect(f).toMatchObject({ opened: 1000, normal: { failed: 0 } }),
        wellTimed: (f) => isQuick(f.normal),
      },
    );
    expect(figures.normal).toSatisfy(isQuick);
  }, 90_000);

  test('beside 300 who read a large zip at a crawl, and the next one gets it whole', async () => {
    const figures = await tried(
      'overload, slow readers',
      inFreshLab((fresh) => slowReaders(fresh, { readers: 300, seconds: 3 })),
      {
        always: (f) => {
          expect(f).toMatchObject({ opened: 300, sendings: 300, oneMoreIsWhole: true, normal: { failed: 0 } });
          expect(f.peakMib).toBeLessThan(400);
        },
        wellTimed: (f) => isQuick(f.normal),
      },
    );
    expect(figures.normal).toSatisfy(isQuick);
  }, 240_000);

  test('beside a flood of questions for modules that do not exist, and so is a build; the flood is paced', async () => {
    const figures = await tried(
      'overload, flood',
      inFreshLab((fresh) => flood(fresh, { connections: 200, seconds: 4 })),
      {
        always: (f) => {
          expect(f).toMatchObject({ normal: { failed: 0 }, buildFailed: 0 });
          // 50 a second, and 200 at once in the beginning.
          expect(f.misses).toBeLessThanOrEqual(200 + 50 * (f.floodSeconds + 1));
          // Control: there was one.
          expect(f.misses).toBeGreaterThan(200);
        },
        wellTimed: (f) => isQuick(f.normal) && f.builtDuring >= 0.5 * f.builtBefore,
      },
    );
    expect(figures.normal).toSatisfy(isQuick);
    expect(figures.builtDuring).toBeGreaterThanOrEqual(0.5 * figures.builtBefore);
  }, 240_000);
});

describe('a process with few file descriptors', () => {
  test('answers those whom it has room for, never runs out, and fetches as before', async () => {
    const figures = await fewDescriptors(lab, { descriptors: 256, clients: 300 });
    tell('overload, 256 descriptors', figures);
    expect(figures).toMatchObject({ coldFailed: 0, troubles: 0 });
    expect(figures.coldOk).toBeGreaterThan(0);
    expect(figures.ok).toBeGreaterThan(0);
    // Control: there were more than it had room for.
    expect(figures.turnedAway).toBeGreaterThan(0);
    expect(figures.descriptorShare).toBeLessThan(1);
  }, 60_000);
});

describe('SIGTERM', () => {
  test(
    `${RESTARTS} times in turns under load: nothing fails, and no stream is cut`,
    async () => {
      const figures = await rollingRestarts(lab, { restarts: RESTARTS, streams: 6 });
      tell(`overload, ${RESTARTS} restarts`, figures);
      expect(figures).toMatchObject({ failed: 0, lost: 0, exits: Array<number>(RESTARTS).fill(0) });
      expect(figures.streams).toBeGreaterThan(0);
    },
    60_000 + RESTARTS * 30_000,
  );

  test('control: servers that are killed cut streams, and the balancer notices', async () => {
    const figures = await rollingRestarts(lab, { restarts: 1, streams: 6, signal: 'SIGKILL' });
    expect(figures.failed).toBeGreaterThan(0);
  }, 90_000);
});
