import { beforeEach, describe, expect, test } from 'vitest';
import { ManualClock } from '../../tests/fakes/manual-clock.ts';
import { AppError } from '../std/errors.ts';
import { type DrillMember, type DrillSite, Drills } from './drills.ts';
import type { DrillWish } from './record.ts';
import type { DrillReport } from './report.ts';

const members: readonly DrillMember[] = [
  { name: 'one', pools: ['mirrors', 'stage/mirrors'] },
  { name: 'two', pools: ['mirrors'] },
];
const wish: DrillWish = { id: 'a1', kind: 'timeout', upstream: 'one', forMs: 60_000 };

let clock: ManualClock;
let inForce: string[];
let told: string[];
let reports: DrillReport[];
let refusal: AppError | undefined;
let beginning: Promise<void>;
let undoing: Promise<void>;
let drills: Drills;

beforeEach(() => {
  clock = new ManualClock();
  [inForce, told, reports, refusal] = [[], [], [], undefined];
  [beginning, undoing] = [Promise.resolve(), Promise.resolve()];
  const site: DrillSite = {
    members: () => members,
    refusal: () => refusal,
    begin: async ({ id }) => {
      await beginning;
      inForce.push(id);
      return {
        undo: async () => {
          await undoing;
          inForce.splice(inForce.indexOf(id), 1);
        },
      };
    },
    onChange: (change, report) => {
      told.push(change);
      reports.push(report);
    },
  };
  drills = new Drills(site, clock);
});

/** Time passes while the asker is there. */
async function passes(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 1000) {
    await clock.advance(Math.min(left, 1000));
    drills.report('a1');
  }
}

describe('a drill', () => {
  test('ends by itself when its time is over', async () => {
    await drills.start(wish);
    await passes(59_000);
    expect(inForce).toEqual(['a1']);
    await passes(1000);
    expect(inForce).toEqual([]);
    expect(drills.report('a1')).toMatchObject({ endedBy: 'time', ranMs: 60_000 });
    expect(told).toEqual(['started', 'ended']);
  });

  test('ends when its asker is not heard of for five seconds', async () => {
    await drills.start(wish);
    await clock.advance(4999);
    expect(inForce).toEqual(['a1']);
    drills.report('a1');
    await clock.advance(4999);
    expect(inForce).toEqual(['a1']);
    await clock.advance(1);
    expect(inForce).toEqual([]);
    expect(drills.report('a1')).toMatchObject({ endedBy: 'silence', ranMs: 9999 });
  });

  test('ends when it is told to, once', async () => {
    await drills.start(wish);
    expect(await drills.stop('a1')).toMatchObject({ endedBy: 'asked' });
    await drills.stop('a1');
    await clock.advance(100_000);
    expect(told).toEqual(['started', 'ended']);
    expect(inForce).toEqual([]);
  });

  test('ends with the server, and none begins any more', async () => {
    await drills.start(wish);
    await drills.close();
    expect(inForce).toEqual([]);
    expect(reports.at(-1)).toMatchObject({ endedBy: 'server' });
    await expect(drills.start({ ...wish, id: 'b2' })).rejects.toMatchObject({ detail: { reason: 'drill-stopping' } });
  });

  test('that is still beginning when the server stops leaves nothing behind', async () => {
    const begun = Promise.withResolvers<void>();
    beginning = begun.promise;
    const starting = drills.start(wish);
    await drills.close();
    begun.resolve();
    expect(await starting).toMatchObject({ endedBy: 'server' });
    expect(inForce).toEqual([]);
    expect(told).toEqual(['started', 'ended']);
  });

  test.each([
    ['its asker', 'asked', (): unknown => drills.stop('a1')],
    ['the server', 'server', (): unknown => drills.interrupt()],
  ])('that %s ends while it is still beginning leaves nothing behind', async (_, endedBy, end) => {
    const begun = Promise.withResolvers<void>();
    beginning = begun.promise;
    const starting = drills.start(wish);
    await end();
    begun.resolve();
    expect(await starting).toMatchObject({ endedBy });
    expect(inForce).toEqual([]);
    expect(told).toEqual(['started', 'ended']);
    await drills.start({ ...wish, id: 'b2' });
    expect(inForce).toEqual(['b2']);
  });

  test('does not begin before the one before it is undone', async () => {
    const undone = Promise.withResolvers<void>();
    undoing = undone.promise;
    await drills.start(wish);
    const stopping = drills.stop('a1');
    const second = drills.start({ ...wish, id: 'b2' });
    await clock.advance(10);
    expect(inForce).toEqual(['a1']);
    undone.resolve();
    await Promise.all([stopping, second]);
    expect(inForce).toEqual(['b2']);
    expect(told).toEqual(['started', 'ended', 'started']);
  });

  test('runs alone: a second one is refused, also while the first begins', async () => {
    const first = drills.start(wish);
    await expect(drills.start({ ...wish, id: 'b2' })).rejects.toMatchObject({
      code: 'CONFLICT',
      detail: { reason: 'drill-busy', kind: 'timeout', upstream: 'one' },
    });
    await first;
    await drills.stop('a1');
    await drills.start({ ...wish, id: 'b2' });
    expect(inForce).toEqual(['b2']);
    expect(() => drills.report('a1')).toThrow('none of that name');
  });

  test.each([
    [{ upstream: '' }, { code: 'NOT_FOUND', detail: { reason: 'drill-upstream', known: 'one, two' } }],
    [{ upstream: 'tow' }, { code: 'NOT_FOUND', detail: { reason: 'drill-upstream', known: 'one, two' } }],
    [{ forMs: 600_001 }, { code: 'CONFIG_INVALID', detail: { reason: 'drill-length' } }],
    [{ forMs: 999 }, { code: 'CONFIG_INVALID', detail: { reason: 'drill-length' } }],
    [{ forMs: Number.NaN }, { code: 'CONFIG_INVALID', detail: { reason: 'drill-length' } }],
  ])('with %j is refused', async (wrong, error) => {
    await expect(drills.start({ ...wish, ...wrong })).rejects.toMatchObject(error);
    expect(inForce).toEqual([]);
  });

  test('is refused as the site refuses it, and one that cannot begin leaves room for the next', async () => {
    refusal = new AppError('POLICY_DENIED', 'forbidden');
    await expect(drills.start(wish)).rejects.toBe(refusal);
    refusal = undefined;
    beginning = Promise.reject(new Error('no port'));
    await expect(drills.start(wish)).rejects.toThrow('no port');
    beginning = Promise.resolve();
    await drills.start(wish);
    expect(inForce).toEqual(['a1']);
  });

  test('has what happens to its upstream marked until that is back', async () => {
    await drills.start(wish);
    expect(drills.drillOf('mirrors', 'one')).toBe('a1');
    expect(drills.drillOf('mirrors', 'two')).toBeUndefined();
    expect(drills.drillOf('others', 'one')).toBeUndefined();
    await drills.stop('a1');
    expect(drills.drillOf('mirrors', 'one')).toBe('a1');
    drills.record?.answered(
      { pool: 'mirrors', member: 'one', isProbe: true, isExtra: false, result: 'good' },
      clock.monotonic(),
    );
    drills.settled();
    drills.settled();
    expect(drills.drillOf('mirrors', 'one')).toBeUndefined();
    expect(told).toEqual(['started', 'ended', 'recovered']);
  });
});

describe('its report', () => {
  const answer = { pool: 'mirrors', isProbe: false, isExtra: false } as const;

  test('says when it was detected, when another one helped, and when all was well again', async () => {
    await drills.start(wish);
    const { record } = drills;
    await passes(1000);
    record?.hit(clock.monotonic());
    record?.answered({ ...answer, member: 'two', result: 'good', isExtra: true }, clock.monotonic() + 400);
    record?.stateChanged({ pool: 'mirrors', member: 'two', to: 'open' }, clock.monotonic());
    record?.stateChanged({ pool: 'mirrors', member: 'one', to: 'suspect' }, clock.monotonic() + 600);
    record?.stateChanged({ pool: 'mirrors', member: 'one', to: 'open', reason: 'failures' }, clock.monotonic() + 700);
    record?.stateChanged({ pool: 'stage/mirrors', member: 'one', to: 'open' }, clock.monotonic() + 800);
    record?.stateChanged({ pool: 'elsewhere', member: 'one', to: 'open' }, clock.monotonic() + 800);
    await drills.stop('a1');
    record?.stateChanged({ pool: 'mirrors', member: 'one', to: 'half-open' }, clock.monotonic() + 1000);
    expect(record?.isRecovered).toBe(false);
    record?.answered({ ...answer, isProbe: true, member: 'one', result: 'good' }, clock.monotonic() + 1000);
    expect(record?.isRecovered).toBe(false);
    record?.stateChanged({ pool: 'stage/mirrors', member: 'one', to: 'up' }, clock.monotonic() + 1500);
    expect(record?.isRecovered).toBe(false);
    record?.stateChanged({ pool: 'mirrors', member: 'one', to: 'up' }, clock.monotonic() + 2000);
    expect(record?.isRecovered).toBe(true);
    expect(drills.report('a1')).toMatchObject({
      detectedMs: 1600,
      detectedAs: 'suspect',
      switchedMs: 400,
      recoveredMs: 1000,
      upAgainMs: 2000,
    });
  });

  test('waits for what falls only when the drill is over, because it was under way', async () => {
    await drills.start(wish);
    const { record } = drills;
    await drills.stop('a1');
    const at = clock.monotonic();
    record?.stateChanged({ pool: 'mirrors', member: 'one', to: 'open' }, at + 10);
    record?.answered({ ...answer, member: 'one', result: 'good' }, at + 20);
    drills.settled();
    expect(told).toEqual(['started', 'ended']);
    record?.stateChanged({ pool: 'mirrors', member: 'one', to: 'up' }, at + 30);
    drills.settled();
    expect(told).toEqual(['started', 'ended', 'recovered']);
    expect(reports.at(-1)).toMatchObject({ recoveredMs: 20, upAgainMs: 30 });
    expect(drills.record).toBeUndefined();
  });

  test('counts requests, failures, levels and load during the drill, not after it', async () => {
    await drills.start(wish);
    const { record } = drills;
    const request = { isFailed: false, durationMs: 10, level: 0 };
    const at = clock.monotonic();
    const happens = (): void => {
      record?.requested(request);
      record?.requested({ isFailed: true, durationMs: 55.55, level: 2 });
      record?.answered({ ...answer, member: 'one', result: 'failed' }, at);
      record?.answered({ ...answer, member: 'one', result: 'left', isExtra: true }, at);
      record?.answered({ ...answer, member: 'two', result: 'good', isProbe: true }, at);
      record?.writeRefused(at);
    };
    happens();
    await drills.stop('a1');
    happens();
    expect(drills.report('a1')).toMatchObject({
      requests: 2,
      userErrors: 1,
      slowestMs: 55.6,
      levels: { 0: 1, 2: 1 },
      level: 2,
      load: {
        upstream: { asked: 2, good: 0, failed: 1, probes: 0, extra: 1 },
        others: { asked: 1, good: 1, failed: 0, probes: 1, extra: 0 },
      },
      refusedWrites: 1,
    });
    expect(drills.report('a1')).not.toHaveProperty('switchedMs');
  });

  test('of a full disk says when the first write failed, and when one found room again', async () => {
    await drills.start({ ...wish, kind: 'disk-full', upstream: '' });
    const { record } = drills;
    await passes(2000);
    record?.wrote(clock.monotonic());
    record?.writeRefused(clock.monotonic());
    expect(drills.report('a1')).toMatchObject({ upstream: '', pools: [], detectedMs: 2000, detectedAs: 'no room' });
    await drills.stop('a1');
    expect(record?.isRecovered).toBe(false);
    record?.wrote(clock.monotonic() + 300);
    expect(drills.report('a1')).toMatchObject({ recoveredMs: 300 });
    expect(record?.isRecovered).toBe(true);
  });
});
