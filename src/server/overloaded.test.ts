import { afterEach, expect, test } from 'vitest';
import { AppError } from '../std/errors.ts';
import { type Served, serve } from './edge.fixture.ts';

let s: Served;
afterEach(() => s.stop());

test('who is turned away is told to come back in 1 to 5 s, not all at the same time', async () => {
  s = await serve();
  s.resolver.before = () => Promise.reject(new AppError('OVERLOADED', 'waited too long'));
  const told = new Set<string | null>();
  for (let i = 0; i < 40; i++) {
    const answer = await fetch(`${s.url}/x.test/m${i}/@v/list`);
    expect(answer.status).toBe(503);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    told.add(answer.headers.get('retry-after'));
  }
  expect([...told].every((seconds) => /^[1-5]$/.test(seconds ?? ''))).toBe(true);
  expect(told.size).toBeGreaterThan(2);
});

test('a connection from too many is closed when there is no room, idle ones first', async () => {
  s = await serve({ limits: { maxConnections: 20 } });
  const many = await Promise.allSettled(Array.from({ length: 60 }, () => fetch(`${s.url}/livez`)));
  const answered = many.filter((one) => one.status === 'fulfilled').length;
  expect(answered).toBeGreaterThanOrEqual(20);
  expect((await fetch(`${s.url}/livez`)).status).toBe(200);
});
