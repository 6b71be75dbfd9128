import { expect, test } from 'vitest';
import { LargestFirst } from './largest-first.ts';

const o = { signal: new AbortController().signal };

/** Occupies the turn until `release` is called. */
function occupied(turns: LargestFirst): { release: () => void; done: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { release: resolve, done: turns.run(0, () => promise, o) };
}

test('of those who wait the largest goes first, and then all that are no larger at once', async () => {
  const turns = new LargestFirst();
  const first = occupied(turns);
  const order: string[] = [];
  const work = (size: number) =>
    turns.run(
      size,
      async () => {
        order.push(`${size} begins`);
        await new Promise((resolve) => setImmediate(resolve));
        order.push(`${size} ends`);
      },
      o,
    );
  const all = [3, 9, 5].map(work);
  first.release();
  await Promise.all([first.done, ...all]);
  expect(order).toEqual(['9 begins', '9 ends', '3 begins', '5 begins', '3 ends', '5 ends']);
});

test('a small head is not kept waiting by ever larger ones', async () => {
  const turns = new LargestFirst();
  const first = occupied(turns);
  const small = turns.run(1, async () => 'small', o);
  const second = turns.run(10, async () => void turns.run(20, () => new Promise(() => undefined), o), o);
  first.release();
  await Promise.all([first.done, second]);
  expect(await small).toBe('small');
});

test('a failure passes the turn on', async () => {
  const turns = new LargestFirst();
  const failing = turns.run(1, () => Promise.reject(new Error('no')), o);
  const next = turns.run(2, async () => 'next', o);
  await expect(failing).rejects.toThrow('no');
  expect(await next).toBe('next');
});

test('one who leaves while waiting keeps nobody from the turn', async () => {
  const turns = new LargestFirst();
  const first = occupied(turns);
  const leaver = new AbortController();
  const left = turns.run(9, async () => 'never', { signal: leaver.signal });
  const stays = turns.run(5, async () => 'stays', o);
  leaver.abort();
  await expect(left).rejects.toMatchObject({ code: 'ABORTED' });
  first.release();
  expect(await stays).toBe('stays');
  expect(await turns.run(1, async () => 'free again', o)).toBe('free again');
});

test('one who leaves at the moment of being called passes the turn on', async () => {
  const turns = new LargestFirst();
  const first = occupied(turns);
  const leaver = new AbortController();
  const left = turns.run(9, async () => 'never', { signal: leaver.signal });
  const stays = turns.run(5, async () => 'stays', o);
  first.release();
  await first.done;
  leaver.abort();
  await Promise.allSettled([left]);
  expect(await stays).toBe('stays');
});
