import { describe, expect, test } from 'vitest';
import { HANG, manualRig, PoolRig, REFUSE } from '../../tests/fakes/pool-rig.ts';
import { seededRandom } from '../../tests/fakes/seeded-random.ts';
import { VirtualClock } from '../../tests/fakes/virtual-clock.ts';

/** How many probes of `name` there were within the last `ms`. */
function probesWithin(rig: PoolRig, name: string, ms: number): number {
  const now = rig.clock.monotonic();
  return (rig.probes.get(name) ?? []).filter((at) => now - at < ms).length;
}

const LATER = { signal: new AbortController().signal };

describe('probes', () => {
  test('are made every fifteen seconds while nobody asks', async () => {
    const rig = manualRig('a b');
    rig.pool.start();
    await rig.clock.advance(150_000);
    expect(probesWithin(rig, 'a', 150_000)).toBeGreaterThanOrEqual(9);
    expect(probesWithin(rig, 'a', 150_000)).toBeLessThanOrEqual(11);
    rig.pool.close();
  });

  test('are made every second for a quarter of a minute after a question, but of who answers questions they are not', async () => {
    const rig = manualRig('a b').play('a', { ms: 5 });
    rig.pool.start();
    await rig.clock.advance(20_000);
    rig.probes.clear();
    for (let i = 0; i < 20; i++) {
      const asked = rig.ask();
      await rig.clock.advance(500);
      await asked;
    }
    expect(probesWithin(rig, 'a', 10_000)).toBe(0);
    expect(probesWithin(rig, 'b', 10_000)).toBeGreaterThanOrEqual(8);
    expect(probesWithin(rig, 'b', 10_000)).toBeLessThanOrEqual(11);
    await rig.clock.advance(75_000);
    expect(probesWithin(rig, 'b', 60_000)).toBeLessThanOrEqual(5);
    rig.pool.close();
  });

  test('are made every second of who is out, and every fifteen once that is no news and nobody asks', async () => {
    const rig = manualRig('a b').play('a', REFUSE);
    rig.pool.start();
    await rig.clock.advance(30_000);
    expect(rig.state('a').state).toBe('open');
    rig.probes.clear();
    await rig.clock.advance(20_000);
    expect(probesWithin(rig, 'a', 20_000)).toBeGreaterThanOrEqual(17);
    await rig.clock.advance(120_000);
    expect(probesWithin(rig, 'a', 60_000)).toBeLessThanOrEqual(5);
    rig.pool.close();
  });

  test('fail after 800 ms, and are told to stop then', async () => {
    const rig = manualRig('a').play('a', HANG);
    rig.pool.start();
    await rig.clock.advance(20_000);
    expect(rig.outcomes[0]).toEqual({ pool: 'mirrors', member: 'a', why: 'probe', result: 'failed' });
    expect(rig.events[0]).toMatchObject({
      kind: 'state',
      to: 'open',
      reason: 'probe',
      message: 'probe a: nothing within 800 ms',
    });
    rig.pool.close();
    await rig.clock.advance(0);
    expect(rig.clock.sleeping).toBe(0);
  });

  test('whose certificate is refused open at once, and go on every half a minute', async () => {
    const rig = manualRig('a').play('a', {
      ms: 1,
      code: 'UPSTREAM_UNAVAILABLE',
      detail: { tls: 'certificate has expired' },
    });
    rig.pool.start();
    await rig.clock.advance(17_000);
    expect(rig.state('a')).toMatchObject({ state: 'open', reason: 'tls' });
    rig.probes.clear();
    await rig.clock.advance(120_000);
    expect(probesWithin(rig, 'a', 120_000)).toBeLessThanOrEqual(5);
    rig.play('a', { ms: 1 });
    await rig.clock.advance(35_000);
    expect(rig.state('a').state).toBe('up');
    rig.pool.close();
  });

  test('leave alone who wants to be spared', async () => {
    const throttled = { ms: 1, code: 'UPSTREAM_UNAVAILABLE', detail: { status: 429, retryAfterSeconds: 50 } } as const;
    const rig = manualRig('a').play('a', throttled);
    void rig.ask().catch(() => undefined);
    rig.pool.start();
    await rig.clock.advance(45_000);
    expect(probesWithin(rig, 'a', 45_000)).toBe(0);
    expect(rig.state('a').state).toBe('up');
    rig.pool.close();
  });

  test('end with stop, also the one under way, and begin again with start', async () => {
    const rig = manualRig('a').play('a', HANG);
    rig.pool.start();
    rig.pool.start();
    await rig.clock.advance(17_000);
    rig.probes.clear();
    rig.pool.stop();
    await rig.clock.advance(60_000);
    expect(rig.probes.size).toBe(0);
    expect(rig.clock.sleeping).toBe(0);
    rig.pool.start();
    await rig.clock.advance(60_000);
    expect(rig.probes.size).toBe(1);
    rig.pool.close();
    rig.pool.start();
    await rig.clock.advance(60_000);
    expect(rig.clock.sleeping).toBe(0);
  });
});

test('a probe that was under way when probes were stopped says nothing, though they begin again at once', async () => {
  const rig = manualRig('a b').play('a', HANG);
  rig.pool.start();
  while (!rig.probes.has('a')) await rig.clock.advance(100);
  rig.pool.stop();
  rig.pool.start();
  await rig.clock.advance(10);
  expect(rig.state('a').consecutiveFailures).toBe(0);
  expect(rig.outcomes).toEqual([]);
  rig.pool.close();
});

describe('a hundred outages', () => {
  test('are found within 3.8 s though nobody asks the member, and over within 3 s of their end', async () => {
    const clock = new VirtualClock();
    const random = seededRandom(7);
    const rig = new PoolRig('a b', { clock, members: { a: { weight: 0.01 } }, seed: 8 }).play('b', { ms: 5 });
    rig.pool.start();
    const asking = (): void => {
      void rig.ask().catch(() => undefined);
      clock.after(200, asking);
    };
    asking();
    const [found, over]: [number[], number[]] = [[], []];
    const until = async (state: string): Promise<number> => {
      const from = clock.monotonic();
      while (rig.state('a').state !== state && clock.monotonic() - from < 60_000)
        await clock.runUntil(clock.monotonic() + 10);
      return clock.monotonic() - from;
    };
    await clock.runUntil(5000);
    for (let i = 0; i < 100; i++) {
      await clock.runUntil(clock.monotonic() + 3000 + random() * 9000);
      rig.play('a', i % 2 === 0 ? HANG : REFUSE);
      found.push(await until('open'));
      await clock.runUntil(clock.monotonic() + random() * 5000);
      rig.play('a', { ms: 40 });
      over.push(await until('up'));
    }
    console.log({ foundMs: Math.max(...found), overMs: Math.max(...over) });
    expect(rig.asked).not.toContain('a');
    expect(Math.max(...found)).toBeLessThanOrEqual(3800);
    expect(Math.max(...over)).toBeLessThanOrEqual(3000);
    rig.pool.close();
  });
});

describe('short outages', () => {
  test('are over within 3 s of their end, one after the other, though no probe would have been due', async () => {
    const clock = new VirtualClock();
    const random = seededRandom(9);
    const rig = new PoolRig('a b', { clock, members: { a: { weight: 100 } } });
    rig.pool.start();
    const asking = (): void => {
      void rig.ask().catch(() => undefined);
      clock.after(20, asking);
    };
    asking();
    const over: number[] = [];
    for (let i = 0; i < 20; i++) {
      await clock.runUntil(clock.monotonic() + 4000 + random() * 1000);
      rig.play('a', REFUSE);
      await clock.runUntil(clock.monotonic() + 150);
      expect(rig.state('a').state).toBe('open');
      rig.play('a', { ms: 40 });
      const from = clock.monotonic();
      while (rig.state('a').state !== 'up' && clock.monotonic() - from < 60_000)
        await clock.runUntil(clock.monotonic() + 10);
      over.push(clock.monotonic() - from);
    }
    expect(Math.max(...over)).toBeLessThanOrEqual(3000);
    rig.pool.close();
  });
});

describe('who waits for a pool that is out', () => {
  test('goes on as soon as two probes were good, and only then', async () => {
    const rig = manualRig('a').play('a', REFUSE);
    rig.pool.start();
    await rig.clock.advance(30_000);
    expect(rig.pool.isUsable).toBe(false);
    let isUsable = false;
    void rig.pool.usable(LATER).then(() => (isUsable = true));
    await rig.clock.advance(10_000);
    expect(isUsable).toBe(false);
    rig.play('a', { ms: 5 });
    await rig.clock.advance(3000);
    expect(isUsable).toBe(true);
    rig.pool.close();
  });
});
