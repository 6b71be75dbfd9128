import { beforeEach, describe, expect, test } from 'vitest';
import { ManualClock, settle } from '../../tests/fakes/manual-clock.ts';
import { Background } from './background.ts';

let clock: ManualClock;
beforeEach(() => {
  clock = new ManualClock();
});

const limits = { concurrent: 2, queued: 1, deadlineMs: 1000 };

describe('work that nobody waits for', () => {
  test('is bounded: two run, one waits, the next is refused, and all are done in the end', async () => {
    const background = new Background(clock, limits);
    const gate = Promise.withResolvers<void>();
    const ran: number[] = [];
    const start = (i: number): boolean => background.start(() => gate.promise.then(() => ran.push(i)));
    expect([1, 2, 3, 4].map(start)).toEqual([true, true, true, false]);
    gate.resolve();
    await background.idle();
    expect(ran).toEqual([1, 2, 3]);
    expect(start(5)).toBe(true);
    await background.idle();
    expect(ran).toEqual([1, 2, 3, 5]);
  });

  test('that fails or throws makes room for the next', async () => {
    const background = new Background(clock, { ...limits, concurrent: 1, queued: 0 });
    expect(background.start(() => Promise.reject(new Error('x')))).toBe(true);
    await background.idle();
    const thrower = (): never => {
      throw new Error('y');
    };
    expect(background.start(thrower)).toBe(true);
    await background.idle();
    expect(background.start(async () => undefined)).toBe(true);
  });

  test('that does not end is left behind at its deadline', async () => {
    const background = new Background(clock, { ...limits, concurrent: 1, queued: 0 });
    let reason: unknown;
    background.start((signal) => {
      signal.addEventListener('abort', () => (reason = signal.reason));
      return new Promise(() => undefined);
    });
    await clock.advance(1000);
    await background.idle();
    expect(reason).toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
    expect(background.start(async () => undefined)).toBe(true);
  });

  test('keeps its pace: a burst, then so many a second', async () => {
    const background = new Background(clock, {
      concurrent: 100,
      queued: 0,
      deadlineMs: 1000,
      pace: { perSecond: 10, burst: 3 },
    });
    const started = (): number =>
      Array.from({ length: 20 }, () => background.start(async () => undefined)).filter(Boolean).length;
    expect(started()).toBe(3);
    await clock.advance(200);
    expect(started()).toBe(2);
    await clock.advance(60_000);
    expect(started()).toBe(3);
  });

  test('is refused once the process stops', async () => {
    const background = new Background(clock, limits);
    let isDone = false;
    background.start(async () => {
      await settle();
      isDone = true;
    });
    await background.close();
    expect(isDone).toBe(true);
    expect(background.start(async () => undefined)).toBe(false);
  });
});
