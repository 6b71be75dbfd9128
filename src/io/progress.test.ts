import { describe, expect, test } from 'vitest';
import { Progress } from './progress.ts';

const KIB = 1024;

/** Seconds after which a body is found too slow when it gets `bytesIn(second)` in each of 100 seconds; undefined when never. */
function foundSlowAfter(bytesIn: (second: number) => number, pieces = 1): number | undefined {
  const progress = new Progress({ minBytesPerSecond: 16 * KIB, progressWindowMs: 10_000 });
  let bytes = 0;
  for (let second = 1; second <= 100; second += 1 / pieces) {
    bytes += bytesIn(second) / pieces;
    if (progress.isTooSlow(second * 1000, bytes)) return second;
  }
  return undefined;
}

describe('the pace of a body', () => {
  test('a trickle is found out after two seconds and a window', () => {
    expect(foundSlowAfter(() => 20)).toBe(12);
  });

  test('a steady slow line is good enough', () => {
    expect(foundSlowAfter(() => 17 * KIB)).toBeUndefined();
    expect(foundSlowAfter(() => 15 * KIB)).toBe(12);
  });

  test('any window counts, not the average from the start', () => {
    expect(foundSlowAfter((second) => (second <= 30 ? 100_000 * KIB : 20))).toBe(40);
  });

  test('a pause within a window is made up for by the rest of it', () => {
    expect(foundSlowAfter((second) => (second % 10 < 8 ? 0 : 200 * KIB))).toBeUndefined();
  });

  test('many small pieces are as good as few large ones', () => {
    expect(foundSlowAfter(() => 17 * KIB, 1000)).toBeUndefined();
    expect(foundSlowAfter(() => 15 * KIB, 8)).toBe(12);
  });
});
