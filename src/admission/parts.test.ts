import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../tests/fakes/manual-clock.ts';
import { createAdmission, DEFAULT_ADMISSION } from './admission.ts';
import { clientOf } from './client.ts';
import { Codel } from './codel.ts';
import { descriptorBudget } from './descriptor-budget.ts';
import { GradientLimit } from './gradient.ts';
import { MissBudget } from './miss-budget.ts';
import { AT_EASE, Pressure } from './pressure.ts';
import { descriptorLimit, Sensors } from './sensors.ts';
import { takeTurn } from './take-turn.ts';

describe('who is one client', () => {
  test.each([
    ['10.0.0.1', '10.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['::1', '::1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:db8::6', '2001:db8:0:0::/64'],
    ['2001:0DB8:0001:0002:ffff::1', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['', ''],
  ])('%s is %s', (address, client) => {
    expect(clientOf(address)).toBe(client);
  });
});

describe('the limit that learns', () => {
  const options = { initial: 20, least: 20, most: 200 };

  test('rises to its most while more work takes no longer', () => {
    const limit = new GradientLimit(options);
    for (let i = 0; i < 500; i++) limit.sample(50, limit.current);
    expect(limit.current).toBe(200);
  });

  test('comes down when work takes much longer than usual, never below its least', () => {
    const limit = new GradientLimit(options);
    for (let i = 0; i < 500; i++) limit.sample(50, limit.current);
    for (let i = 0; i < 60; i++) limit.sample(2000, limit.current);
    expect(limit.current).toBeLessThan(60);
    expect(limit.current).toBeGreaterThanOrEqual(20);
  });

  test('learns nothing while it is hardly used', () => {
    const limit = new GradientLimit(options);
    for (let i = 0; i < 500; i++) limit.sample(50, 3);
    expect(limit.current).toBe(20);
  });
});

describe('CoDel', () => {
  test('lets a burst pass, and turns away more and more often while waits stay long', () => {
    const codel = new Codel();
    expect([0, 500, 1000, 1500].map((now) => codel.isTooLate(600, now))).toEqual([false, false, false, false]);
    expect(codel.isTooLate(100, 1600)).toBe(false);
    const dropsAt = (from: number, to: number): number[] => {
      const at: number[] = [];
      for (let now = from; now < to; now += 10) if (codel.isTooLate(700, now)) at.push(now);
      return at;
    };
    const drops = dropsAt(2000, 14_000);
    expect(drops[0]).toBe(4000);
    const gaps = drops.slice(1).map((at, i) => at - (drops[i] ?? 0));
    expect(gaps.at(-1)).toBeLessThan(gaps[0] ?? 0);
  });
});

describe('the budget of misses', () => {
  test('is for each client, comes back with time, and is bounded in clients', async () => {
    const clock = new ManualClock();
    const budget = new MissBudget(clock, { perSecond: 50, burst: 200, clients: 1000 });
    for (let i = 0; i < 200; i++) budget.charge('a');
    expect([budget.isSpent('a'), budget.isSpent('b')]).toEqual([true, false]);
    await clock.advance(20);
    expect(budget.isSpent('a')).toBe(false);
    budget.charge('a');
    expect(budget.isSpent('a')).toBe(true);
    for (let i = 0; i < 5000; i++) budget.charge(`other ${i}`);
    expect(budget.isSpent('a')).toBe(false);
  });

  test('holds nothing for who was given all back', () => {
    const budget = new MissBudget(new ManualClock(), { perSecond: 50, burst: 2, clients: 1 });
    budget.charge('a');
    budget.charge('b');
    budget.refund('b');
    budget.charge('c');
    budget.charge('c');
    expect(budget.isSpent('c')).toBe(true);
  });
});

describe('pressure', () => {
  const marks = { lagMs: 200, memoryShare: 0.8, descriptorShare: 0.9 };
  const read = (pressure: Pressure, readings: Partial<typeof AT_EASE>, times = 2): void => {
    for (let i = 0; i < times; i++) pressure.read({ ...AT_EASE, ...readings });
  };

  test('first stops what nobody waits for, then fetches', () => {
    const pressure = new Pressure(marks);
    read(pressure, { lagMs: 250 });
    expect([pressure.shortOf, pressure.isOutOf('time')]).toEqual(['time', false]);
    read(pressure, { lagMs: 600 });
    expect(pressure.isOutOf('time')).toBe(true);
  });

  test('takes no notice of one reading, and comes down below where it went up', () => {
    const pressure = new Pressure(marks);
    read(pressure, { memoryShare: 0.9 }, 1);
    read(pressure, {}, 1);
    read(pressure, { memoryShare: 0.9 }, 1);
    expect(pressure.isOutOf('memory')).toBe(false);
    read(pressure, { memoryShare: 0.9 });
    expect(pressure.isOutOf('memory')).toBe(true);
    read(pressure, { memoryShare: 0.75 });
    expect(pressure.isOutOf('memory')).toBe(true);
    read(pressure, { memoryShare: 0.5 });
    expect([pressure.isOutOf('memory'), pressure.shortOf]).toEqual([false, undefined]);
  });

  test('lets as much run as keeps the event loop brisk: down quickly, back slowly, a quarter at the least', () => {
    const admission = createAdmission(new ManualClock(), { ...DEFAULT_ADMISSION, initial: 256 });
    const limit = (): number => admission.metadata.counts.limit;
    read(admission.pressure, { lagMs: 20 });
    expect(limit()).toBe(256);
    read(admission.pressure, { lagMs: 40 }, 4);
    expect(limit()).toBe(133);
    read(admission.pressure, { lagMs: 40 }, 40);
    expect(limit()).toBe(64);
    read(admission.pressure, {}, 4);
    expect(limit()).toBe(115);
  });

  test('leaves one zip at a time when memory is out, and a quarter of the fetches when time is; sendings go on', () => {
    const admission = createAdmission(new ManualClock(), { ...DEFAULT_ADMISSION, initial: 40 });
    const limits = (): number[] =>
      [admission.metadata, admission.zips, admission.sendings].map((turns) => turns.counts.limit);
    expect(limits()).toEqual([40, 64, 4096]);
    read(admission.pressure, { memoryShare: 0.85 });
    expect(limits()).toEqual([40, 1, 4096]);
    expect([admission.mayBeginBehind(), admission.putOff.memory]).toEqual([false, 1]);
    read(admission.pressure, { lagMs: 1000 });
    expect(limits()).toEqual([10, 16, 4096]);
    read(admission.pressure, {}, 8);
    expect(limits()).toEqual([40, 64, 4096]);
    expect([admission.mayBeginBehind(), admission.putOff.memory]).toEqual([true, 1]);
  });
});

describe('descriptors', () => {
  const wanted = { connections: 12_000, sendings: 4096 };
  test.each([
    [1_048_576, 12_000, 4096],
    [20_000, 11_961, 3987],
    [1024, 576, 192],
    [256, 115, 38],
    [32, 8, 8],
    [Number.POSITIVE_INFINITY, 12_000, 4096],
  ])('of %d leave %d for connections and %d for sendings', (limit, connections, sendings) => {
    expect(descriptorBudget(limit, wanted)).toEqual({ connections, sendings });
  });
});

describe('the sensors', () => {
  test('see a loop that is held up, memory, and descriptors', async () => {
    const sensors = new Sensors();
    const until = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
    await until(100);
    const before = performance.now();
    while (performance.now() - before < 300);
    await until(100);
    const readings = await sensors.read();
    sensors.close();
    expect(readings.lagMs).toBeGreaterThan(200);
    expect(readings.memoryShare).toBeGreaterThan(0);
    expect(readings.memoryShare).toBeLessThan(1);
    expect(readings.descriptorShare).toBeGreaterThan(0);
    expect(descriptorLimit()).toBeGreaterThan(10);
  });

  test('measure against the memory that the operator gives', async () => {
    const sensors = new Sensors({ memoryBytes: 1024 });
    expect((await sensors.read()).memoryShare).toBeGreaterThan(1);
    sensors.close();
  });
});

describe('a turn that is waited for', () => {
  test('is given back when it is over, and not kept for who left', async () => {
    const { sendings } = createAdmission(new ManualClock(), { ...DEFAULT_ADMISSION, sendings: 1 });
    const never = new AbortController();
    const end = await takeTurn(sendings, { signal: never.signal });
    const impatient = new AbortController();
    const left = takeTurn(sendings, { signal: impatient.signal });
    const stays = takeTurn(sendings, { signal: never.signal });
    impatient.abort();
    await expect(left).rejects.toMatchObject({ code: 'ABORTED' });
    end('found');
    (await stays)('found');
    expect(sendings.counts).toMatchObject({ running: 0, waiting: 0 });
  });
});
