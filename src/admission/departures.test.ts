import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../tests/fakes/manual-clock.ts';
import { Departures } from './departures.ts';

function rig(afterMs: number) {
  const clock = new ManualClock();
  const left: { one: number; at: number }[] = [];
  const departures = new Departures<number>({
    clock,
    afterMs,
    leave: (one) => left.push({ one, at: clock.monotonic() }),
  });
  return { clock, departures, left };
}

describe('departures', () => {
  test('come after the time, in order of arrival; who has left otherwise does not leave again, and no timer stays', async () => {
    const { clock, departures, left } = rig(1000);
    for (const one of [1, 2]) departures.add(one);
    await clock.advance(400);
    departures.add(3);
    departures.delete(2);
    await clock.advance(599);
    expect(left).toEqual([]);
    await clock.advance(401);
    expect(left).toEqual([
      { one: 1, at: 1000 },
      { one: 3, at: 1400 },
    ]);
    departures.add(4);
    departures.delete(4);
    expect([departures.size, clock.sleeping]).toEqual([0, 0]);
  });

  test('of many who came together are spread, and those of ten thousand over within six seconds', async () => {
    for (const [count, withinMs] of [
      [1000, 1000],
      [10_000, 6000],
    ] as const) {
      const { clock, departures, left } = rig(1000);
      for (let one = 0; one < count; one++) departures.add(one);
      await clock.advance(1000);
      expect(left.length).toBeLessThanOrEqual(40);
      await clock.advance(withinMs);
      expect(left.map(({ one }) => one)).toEqual(Array.from({ length: count }, (_, one) => one));
      expect(clock.sleeping).toBe(0);
    }
  });

  test('are as many in a second when the event loop is late', async () => {
    const { clock, departures, left } = rig(1000);
    for (let one = 0; one < 2000; one++) departures.add(one);
    await clock.advance(1000);
    // One look, and late.
    clock.leap(500);
    await clock.advance(0);
    expect(left.length).toBeGreaterThanOrEqual(500);
    expect(left.length).toBeLessThanOrEqual(600);
  });
});
