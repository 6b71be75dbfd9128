import { expect, test } from 'vitest';
import { ManualClock } from '../../tests/fakes/manual-clock.ts';
import { Patience } from './patience.ts';

test('what the event loop did not listen to is forgiven to the clients, and forgotten after a while', async () => {
  const clock = new ManualClock();
  const patience = new Patience(clock, 10_000);
  const ticks = async (times: number, everyMs: number): Promise<void> => {
    for (let i = 0; i < times; i++) {
      await clock.advance(everyMs);
      patience.tick(250);
    }
  };
  await ticks(10, 250);
  expect(patience.extraMs).toBe(0);
  await ticks(2, 4250);
  expect(patience.extraMs).toBeGreaterThan(7_500);
  await ticks(20, 250);
  expect(patience.extraMs).toBeGreaterThan(4_000);
  await ticks(120, 250);
  expect(patience.extraMs).toBeLessThan(500);
});
