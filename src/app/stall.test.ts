import { expect, test } from 'vitest';
import { Stall } from './stall.ts';

test('what does not move stands still for the time between the looks', () => {
  const stall = new Stall(100);
  expect(Array.from({ length: 5 }, () => stall.look({ passedMs: 100, hasMoved: false }))).toEqual([
    100, 200, 300, 400, 500,
  ]);
  expect(stall.look({ passedMs: 100, hasMoved: true })).toBe(0);
});

test('a look that is a little late counts as one in time', () => {
  const stall = new Stall(100);
  expect(stall.look({ passedMs: 250, hasMoved: false })).toBe(100);
});

test('who looks after a sleep begins anew', () => {
  const stall = new Stall(100);
  for (let i = 0; i < 9; i++) stall.look({ passedMs: 100, hasMoved: false });
  expect(stall.look({ passedMs: 30_000, hasMoved: false })).toBe(0);
  expect(stall.look({ passedMs: 100, hasMoved: false })).toBe(100);
});
