import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../tests/fakes/manual-clock.ts';
import type { Pool } from './asking.ts';
import { Pace, paced, type PaceSettings } from './paced-pool.ts';

const settings: PaceSettings = { name: 'stage', ratePerSecond: 10, burst: 2, waitMs: 1000, code: 'OVERLOADED' };
const o = { signal: new AbortController().signal };

/** When each of `count` questions that come at once gets its turn, ms; a code where it gets none. */
async function turns(clock: ManualClock, pace: Pace, count: number): Promise<readonly unknown[]> {
  const begun = clock.monotonic();
  const asked = Array.from({ length: count }, () =>
    pace.turn('fetch x', o).then(
      () => clock.monotonic() - begun,
      (error: { readonly code: string }) => error.code,
    ),
  );
  for (let i = 0; i < 30; i++) await clock.advance(100);
  return await Promise.all(asked);
}

describe('the turns of a route', () => {
  test('come at once as far as the burst goes, then at the rate, and not at all beyond the longest wait', async () => {
    const clock = new ManualClock();
    const pace = new Pace(settings, clock);
    expect(await turns(clock, pace, 14)).toEqual([
      0,
      0,
      100,
      200,
      300,
      400,
      500,
      600,
      700,
      800,
      900,
      1000,
      'OVERLOADED',
      'OVERLOADED',
    ]);
    // The burst is there again after the pause.
    expect(await turns(clock, pace, 3)).toEqual([0, 0, 100]);
  });

  test('whoever is known by a credential is told of its quota, and when to come again', async () => {
    const pace = new Pace(
      { ...settings, burst: 1, waitMs: 0, ratePerSecond: 0.5, code: 'QUOTA_EXCEEDED' },
      new ManualClock(),
    );
    await pace.turn('fetch x', o);
    await expect(pace.turn('fetch x', o)).rejects.toMatchObject({
      code: 'QUOTA_EXCEEDED',
      message: 'fetch x: too many questions on the route stage',
      detail: { retryAfterSeconds: 2 },
    });
  });

  test('that nobody waits for any more go to others', async () => {
    const clock = new ManualClock();
    const pace = new Pace({ ...settings, burst: 1 }, clock);
    const gone = new AbortController();
    await pace.turn('fetch x', o);
    const left = pace.turn('fetch x', { signal: gone.signal });
    gone.abort();
    await expect(left).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await turns(clock, pace, 1)).toEqual([100]);
  });
});

test('a pool of a route is asked when its turn has come', async () => {
  const clock = new ManualClock();
  const asked: number[] = [];
  const inner: Pool = {
    name: 'p',
    isUsable: true,
    isWatched: true,
    usable: () => Promise.resolve(),
    again: () => Promise.resolve(),
    first: async (question, ask) => {
      asked.push(clock.monotonic());
      return { value: await question.ask({} as never, { ...ask, begun: () => undefined }), member: 'm' };
    },
    all: () => Promise.reject(new Error('not asked')),
  };
  const pool = paced(inner, new Pace({ ...settings, burst: 1 }, clock));
  const question = { kind: 'info' as const, key: 'x', attempted: 'fetch x', ask: () => Promise.resolve('answer') };
  const both = Promise.all([pool.first(question, o), pool.first(question, o)]);
  for (let i = 0; i < 3; i++) await clock.advance(100);
  expect(await both).toEqual([
    { value: 'answer', member: 'm' },
    { value: 'answer', member: 'm' },
  ]);
  expect(asked).toEqual([0, 100]);
  expect([pool.name, pool.isUsable]).toEqual(['p', true]);
});
