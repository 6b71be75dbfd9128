/** Questions that are put once more: they are retries, and no reason for others. */
import { expect, test } from 'vitest';
import { manualRig, REFUSE } from '../../tests/fakes/pool-rig.ts';
import { settle } from '../../tests/fakes/manual-clock.ts';

/** Two retries in ten seconds, and one more for every two questions. */
const BUDGET = { retriesPerSecond: 0.2, retryShare: 0.5 };

const anybody = { signal: new AbortController().signal };

async function allowed(rig: ReturnType<typeof manualRig>, wanted: number): Promise<() => number> {
  let got = 0;
  for (let i = 0; i < wanted; i++) void rig.pool.again(anybody).then(() => got++);
  await settle();
  return () => got;
}

test('they share the retries of the pool, and wait when there is none left', async () => {
  const rig = manualRig('a b', { limits: BUDGET });
  const got = await allowed(rig, 3);
  expect(got()).toBe(2);
  await rig.clock.advance(5000);
  expect(got()).toBe(2);
  await rig.clock.advance(7000);
  expect(got()).toBe(3);
  expect(rig.clock.sleeping).toBe(0);
});

test.each([
  [false, 4],
  [true, 2],
])('only new ones allow more of them: repeated %s, retries %i', async (isRepeat, expected) => {
  const rig = manualRig('a b', { limits: BUDGET });
  for (let i = 0; i < 4; i++) {
    const asked = rig.pool.first({ ...rig.question(), isRepeat }, anybody);
    await rig.clock.advance(100);
    await asked;
  }
  expect((await allowed(rig, 9))()).toBe(expected);
});

test('nor do they allow more hedges', async () => {
  const rig = manualRig('a b', { limits: { hedgeShare: 1, hedgeBurst: 1 }, members: { a: { weight: 100 } } });
  const hedged = async (isRepeat: boolean): Promise<number> => {
    rig.play('a', { ms: 400 });
    const asked = rig.pool.first({ ...rig.question(), isRepeat }, anybody);
    await rig.clock.advance(2500);
    await asked;
    return rig.outcomes.filter(({ why }) => why === 'hedge').length;
  };
  for (let i = 0; i < 20; i++) {
    const asked = rig.ask();
    await rig.clock.advance(50);
    await asked;
  }
  const before = await hedged(false);
  expect(before).toBe(1);
  expect(await hedged(true)).toBe(before);
  expect(await hedged(false)).toBe(before + 1);
});

test('they are counted as retries', async () => {
  const rig = manualRig('a b').play('a', REFUSE);
  const asked = rig.pool.first({ ...rig.question(), isRepeat: true }, anybody);
  await rig.clock.advance(100);
  await asked;
  expect(rig.outcomes.map(({ member, why }) => `${member} ${why}`)).toEqual(['a retry', 'b failover']);
});

test('whoever waits for one leaves with the signal, or at the end of the pool', async () => {
  const rig = manualRig('a b', { limits: { retriesPerSecond: 0, retryShare: 0 } });
  const gone = new AbortController();
  const left = rig.pool.again({ signal: gone.signal });
  const closed = rig.pool.again(anybody);
  gone.abort();
  await expect(left).rejects.toThrow('stopped');
  const ended = expect(closed).rejects.toMatchObject({ code: 'ABORTED' });
  rig.pool.close();
  await rig.clock.advance(1000);
  await ended;
});
