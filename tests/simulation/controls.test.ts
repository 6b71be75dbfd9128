/** The simulation finds bugs, and finds them again. */
import { describe, expect, test } from 'vitest';
import { playMany, ticker } from './many.ts';
import { PLANTED_BUGS } from './planted-bugs.ts';
import type { Sabotage } from './node.ts';
import { type Played, playWorld } from './world.ts';

/** Schedules in which each planted bug must show itself. */
const SEEDS = 2000;

/** The first world of which some violation is of `invariant`. */
async function firstViolation(sabotage: Sabotage, invariant: string): Promise<Played | undefined> {
  let found: Played | undefined;
  const onPlayed = (played: Played): boolean => {
    if (found === undefined && played.violations.some((one) => one.startsWith(`${invariant}:`))) found = played;
    return found === undefined;
  };
  await playMany({ from: 1, count: SEEDS, sabotage, onPlayed });
  return found;
}

describe('a planted bug is found', () => {
  test.each(PLANTED_BUGS)('$name: $breaks', { timeout: 300_000 }, async ({ sabotage, breaks }) => {
    const found = await firstViolation(sabotage, breaks);
    expect(found).toBeDefined();
    const again = await playWorld({ seed: found?.seed ?? 0, sabotage }, ticker());
    expect(again.violations).toEqual(found?.violations);
    expect(again.hash).toBe(found?.hash);
  });
});

describe('a seed', () => {
  test('is the same world each time, alone and among others', { timeout: 120_000 }, async () => {
    const hashes = new Map<number, string>();
    await playMany({ from: 1, count: 200, onPlayed: ({ seed, hash }) => (hashes.set(seed, hash), true) });
    expect(new Set(hashes.values()).size).toBe(200);
    for (const [seed, hash] of hashes) expect((await playWorld({ seed }, ticker())).hash).toBe(hash);
  });

  test('tells what happened when it is asked to', async () => {
    const told = await playWorld({ seed: 3, trace: 'lines' }, ticker());
    expect(told.lines.some((line) => / is asked: /.test(line))).toBe(true);
    expect(told.hash).toBe((await playWorld({ seed: 3 }, ticker())).hash);
  });
});
