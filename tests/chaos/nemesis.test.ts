/** The table of faults keeps the rules of a chaos run. */
import { describe, expect, test } from 'vitest';
import { Dice } from '../simulation/dice.ts';
import type { Ground, Line, Replica, UpstreamName } from './ground.ts';
import { FAULT_KINDS, scheduleOf } from './nemesis.ts';

/** A ground on which nothing happens, that knows what is bad. */
function paperGround(o: { hasClock?: boolean; hasDisk?: boolean; leftAlone?: readonly UpstreamName[] } = {}) {
  const { hasClock = true, hasDisk = true, leftAlone = [] } = o;
  const bad = new Set<string>();
  const line = (name: string): Line => ({
    set: async (rules) => void (rules.length > 0 && bad.add(name)),
    clear: async () => void bad.delete(name),
  });
  const replica = (name: string): Replica => ({
    restart: async () => {
      bad.add(name);
      await Promise.resolve();
      bad.delete(name);
    },
    pause: () => void bad.add(name),
    goOn: () => void bad.delete(name),
    setClock: (days) => void (days === 0 ? bad.delete(name) : bad.add(name)),
  });
  const ground: Ground = {
    leftAlone: async () => new Set(leftAlone),
    lines: { a: line('a'), b: line('b'), liar: line('liar') },
    git: line('git'),
    replicas: [replica('one'), replica('two')],
    disk: hasDisk ? { fill: () => void bad.add('disk'), free: () => void bad.delete('disk') } : undefined,
    hasClock,
  };
  return { ground, bad };
}

describe('the table of faults', () => {
  test('has 40 kinds and more, each once, also on a machine that allows the least', () => {
    const names = FAULT_KINDS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const { ground } = paperGround({ hasClock: false, hasDisk: false });
    expect(FAULT_KINDS.filter((kind) => kind.isPossible(ground)).length).toBeGreaterThanOrEqual(40);
    expect(FAULT_KINDS.length).toBeGreaterThan(FAULT_KINDS.filter((kind) => kind.isPossible(ground)).length);
  });

  test.each(FAULT_KINDS)('$name leaves a way, unless only what is stored is asked for, and ends', async (kind) => {
    for (let seed = 1; seed <= 20; seed++) {
      const { ground, bad } = paperGround();
      const end = await kind.begin(ground, new Dice(seed));
      const isShort = kind.name === 'a short pause';
      expect(bad.size > 0 || kind.name === 'kill -9' || kind.name === 'a restart').toBe(true);
      if (!kind.isWarmOnly) expect(bad.has('a') && bad.has('b')).toBe(false);
      expect(bad.has('one') && bad.has('two')).toBe(false);
      await end?.();
      if (!isShort) expect([...bad]).toEqual([]);
    }
  });

  test('hits each upstream, alone and with the liar', async () => {
    const seen = new Set<string>();
    const [kind] = FAULT_KINDS;
    for (let seed = 1; seed <= 200; seed++) {
      const { ground, bad } = paperGround();
      await kind?.begin(ground, new Dice(seed));
      seen.add([...bad].join('+'));
    }
    expect(seen).toEqual(new Set(['a', 'b', 'liar', 'a+liar', 'b+liar']));
  });
});

test.each(['kill -9', 'a restart'])(
  '%s of a replica that cannot start again is told when the fault ends, not before',
  async (name) => {
    const { ground } = paperGround();
    const broken: Replica = { ...ground.replicas[0], restart: () => Promise.reject(new Error('larder exited with 1')) };
    const kind = FAULT_KINDS.find((one) => one.name === name);
    const end = await kind?.begin({ ...ground, replicas: [broken, broken] }, new Dice(1));
    await new Promise((resolve) => setImmediate(resolve)); // an unhandled rejection fails the run of the tests here
    await expect(end?.()).rejects.toThrow('larder exited with 1');
  },
);

describe('an upstream that is left alone', () => {
  test.each(['a', 'b'] as const)('(%s) is as bad as one that is hit: the other one is spared', async (away) => {
    const other = away === 'a' ? 'b' : 'a';
    for (const kind of FAULT_KINDS.filter(({ isWarmOnly }) => !isWarmOnly))
      for (let seed = 1; seed <= 10; seed++) {
        const { ground, bad } = paperGround({ leftAlone: [away, 'liar'] });
        await kind.begin(ground, new Dice(seed));
        expect([kind.name, bad.has(other)]).toEqual([kind.name, false]);
      }
  });
});

describe('the order of faults', () => {
  const first = (seed: number, count: number): readonly string[] => {
    const schedule = scheduleOf(paperGround().ground, new Dice(seed));
    return Array.from({ length: count }, () => schedule.next().value.name);
  };

  test('has every kind before any comes again', () => {
    const names = first(7, FAULT_KINDS.length * 2);
    expect(new Set(names.slice(0, FAULT_KINDS.length)).size).toBe(FAULT_KINDS.length);
  });

  test('is the same for the same seed, and another for another', () => {
    expect(first(7, 30)).toEqual(first(7, 30));
    expect(first(7, 30)).not.toEqual(first(8, 30));
  });
});
