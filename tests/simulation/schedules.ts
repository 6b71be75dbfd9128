import { expect } from 'vitest';
import { playMany } from './many.ts';
import type { Played } from './world.ts';

/** Schedules that each of the two test files plays. */
export const HALF = 50_000;

/** Plays `HALF` worlds from seed `from` on, and states that nothing was wrong in any. */
export async function expectNothingWrong(from: number): Promise<void> {
  const wrong: Pick<Played, 'seed' | 'violations'>[] = [];
  const onPlayed = ({ seed, violations }: Played): boolean => {
    if (violations.length > 0) wrong.push({ seed, violations });
    return wrong.length < 5;
  };
  const played = await playMany({ from, count: HALF, onPlayed });
  // npm run simulate -- --seed N plays one of them again.
  expect(wrong).toEqual([]);
  expect(played).toBe(HALF);
}
