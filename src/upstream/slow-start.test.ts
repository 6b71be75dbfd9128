import { describe, expect, test } from 'vitest';
import { HANG, type Manner, PoolRig, REFUSE } from '../../tests/fakes/pool-rig.ts';
import { VirtualClock } from '../../tests/fakes/virtual-clock.ts';

const PER_SECOND = 20;

/** A pool whose `a` is preferred, under load, and how to see who was asked first. */
function underLoad(weight: number) {
  const clock = new VirtualClock();
  const rig = new PoolRig('a b', { clock, members: { a: { weight } } }).play('a', { ms: 20 }).play('b', { ms: 30 });
  rig.pool.start();
  const asking = (): void => {
    void rig.ask().catch(() => undefined);
    clock.after(1000 / PER_SECOND, asking);
  };
  asking();
  const run = (ms: number): Promise<void> => clock.runUntil(clock.monotonic() + ms);
  return {
    rig,
    run,
    /** Questions that `a` was asked within the next `ms`. */
    askedWithin: async (ms: number): Promise<number> => {
      const before = rig.asked.length;
      await run(ms);
      return rig.asked.slice(before).filter((name) => name === 'a').length;
    },
    /** Runs until it stands so, in steps of a ms. */
    until: async (state: string): Promise<void> => {
      for (let i = 0; i < 60_000 && rig.state('a').state !== state; i++) await run(1);
    },
  };
}

describe('a preferred member that is back', () => {
  test.each([
    ['refused', REFUSE],
    ['hung', HANG],
  ] as const)('and had %s has the next question, then a share that grows to all of them', async (_, manner: Manner) => {
    const { rig, run, until, askedWithin } = underLoad(3);
    await run(10_000);
    expect(await askedWithin(1000)).toBe(PER_SECOND);
    rig.play('a', manner);
    await until('open');
    await run(2000);
    rig.play('a', { ms: 20 });
    await until('up');
    expect(await askedWithin(1000 / PER_SECOND + 1)).toBe(1);
    const first = await askedWithin(1000);
    expect(first).toBeGreaterThanOrEqual(1);
    expect(first).toBeLessThanOrEqual(5);
    await run(3000);
    const middle = await askedWithin(1000);
    expect(middle).toBeGreaterThanOrEqual(7);
    expect(middle).toBeLessThanOrEqual(14);
    await run(6000);
    expect(await askedWithin(1000)).toBe(PER_SECOND);
    rig.pool.close();
  });

  test('begins slowly however much it is preferred', async () => {
    const { rig, run, until, askedWithin } = underLoad(1000);
    await run(10_000);
    rig.play('a', REFUSE);
    await until('open');
    rig.play('a', { ms: 20 });
    await until('up');
    expect(await askedWithin(1000)).toBeLessThanOrEqual(6);
    rig.pool.close();
  });
});
