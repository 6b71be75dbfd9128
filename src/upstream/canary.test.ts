import { describe, expect, test } from 'vitest';
import { HANG, manualRig, PoolRig } from '../../tests/fakes/pool-rig.ts';
import { VirtualClock } from '../../tests/fakes/virtual-clock.ts';
import { Canary, type CanaryStep, slotOf } from './canary.ts';
import { DEFAULT_ENGINE_LIMITS as LIMITS } from './settings.ts';

const MINUTE = 60_000;
const SOON = new AbortController().signal;

function started(): Canary {
  const canary = new Canary(LIMITS, () => 0.5);
  canary.start(0);
  return canary;
}

/** The names of a thousand modules. */
const MODULES = Array.from({ length: 1000 }, (_, i) => `example.com/team${i % 30}/module${i}`);

describe('the slots', () => {
  test('divide modules evenly, however alike their names', () => {
    for (const percent of [5, 20, 50]) {
      const share = MODULES.filter((name) => slotOf(name) < percent).length / MODULES.length;
      expect(share).toBeGreaterThan(percent / 100 - 0.03);
      expect(share).toBeLessThan(percent / 100 + 0.03);
    }
  });

  test('are the same for the same module in every process', () => {
    expect(['rsc.io/quote', 'golang.org/x/text', 'example.com/m'].map(slotOf)).toEqual([49, 44, 76]);
  });
});

describe('a canary', () => {
  test('goes from 5 to 20 to 100 percent after its times and its answers', () => {
    const canary = started();
    expect(canary.percent).toBe(5);
    for (let i = 0; i < 199; i++) expect(canary.heard(6 * MINUTE, 'canary', false, 40)).toBeUndefined();
    expect(canary.heard(6 * MINUTE, 'canary', false, 40)).toEqual({ from: 5, to: 20, why: 'good' });
    for (let i = 0; i < 300; i++) expect(canary.heard(15 * MINUTE, 'canary', false, 40)).toBeUndefined();
    expect(canary.tick(16 * MINUTE)).toEqual({ from: 20, to: 100, why: 'good' });
    expect(canary.isThrough).toBe(true);
  });

  test.each([
    [0, 0],
    [5, 10],
    [10, 10],
    [20, 10],
    [50, 40],
    [100, 100],
  ])('that stood at %i percent goes on from %i, when the stages were changed to 10 and 40 since', (percent, now) => {
    const [first, second] = LIMITS.canaryStages;
    if (first === undefined || second === undefined) throw new Error('there are two stages');
    const canaryStages = [
      { ...first, percent: 10 },
      { ...second, percent: 40 },
    ];
    const canary = new Canary({ ...LIMITS, canaryStages }, () => 0.5);
    canary.restore(0, { percent, hasLied: false }, MINUTE);
    expect(canary.percent).toBe(now);
  });

  test('does not go on before its time, whatever it answers', () => {
    const canary = started();
    for (let i = 0; i < 1000; i++) expect(canary.heard(5 * MINUTE - 1, 'canary', false, 40)).toBeUndefined();
    expect(canary.tick(5 * MINUTE)).toMatchObject({ to: 20 });
  });

  test('is rolled back when more than 2 % of at least 20 answers of half a minute are failures', () => {
    const canary = started();
    for (let i = 0; i < 18; i++) canary.heard(1000, 'canary', false, 40);
    expect(canary.heard(1000, 'canary', true)).toBeUndefined();
    expect(canary.heard(1000, 'canary', false, 40)).toEqual({ from: 5, to: 0, why: 'errors' });
    expect(canary.isOut).toBe(true);
  });

  test('is not rolled back for failures that the others have half as many of', () => {
    const canary = started();
    for (let i = 0; i < 100; i++) canary.heard(1000, 'control', i % 10 === 0, 40);
    for (let i = 0; i < 40; i++) expect(canary.heard(1000, 'canary', i % 5 === 4, 40)).toBeUndefined();
  });

  test('failures of more than half a minute ago are forgotten', () => {
    const canary = started();
    for (let i = 0; i < 10; i++) canary.heard(1000, 'canary', true);
    for (let i = 0; i < 30; i++) expect(canary.heard(35_000, 'canary', false, 40)).toBeUndefined();
    expect(canary.percent).toBe(5);
  });

  test('is rolled back when it has been more than twice as slow as the others for a minute', () => {
    const canary = started();
    const steps: (CanaryStep | undefined)[] = [];
    const hear = (now: number): void => {
      for (let i = 0; i < 20; i++) steps.push(canary.heard(now, 'control', false, 50));
      steps.push(canary.heard(now, 'canary', false, 110));
    };
    // Its tenth answer is the first that tells.
    for (let now = 0; now < 69_000; now += 1000) hear(now);
    expect(steps.filter((step) => step !== undefined)).toEqual([]);
    hear(69_000);
    expect(steps.find((step) => step !== undefined)).toEqual({ from: 5, to: 0, why: 'latency' });
  });

  test('that is given up for another counts as slow', () => {
    const canary = started();
    for (let now = 0; now <= 80_000; now += 1000) {
      canary.heard(now, 'control', false, 50);
      canary.overtaken(now, 'canary', 140);
    }
    expect(canary.percent).toBe(0);
  });

  test('does as the operator says', () => {
    const canary = started();
    expect(canary.promote(0)).toEqual({ from: 5, to: 20, why: 'operator' });
    expect(canary.rollBack(0, 'operator')).toEqual({ from: 20, to: 0, why: 'operator' });
    expect(canary.rollBack(0, 'operator')).toBeUndefined();
    expect(canary.start(0)).toEqual({ from: 0, to: 5, why: 'started' });
    expect(canary.start(0)).toBeUndefined();
    canary.promote(0);
    expect(canary.promote(0)).toMatchObject({ to: 100 });
    expect(canary.promote(0)).toBeUndefined();
  });
});

describe('a pool with a canary', () => {
  const CANARY = { c: { isCanary: true } };
  const [chosen = '', ...moreChosen] = MODULES.filter((name) => slotOf(name) < 5);
  const passed = MODULES.filter((name) => slotOf(name) >= 20);

  test('gives it the modules of its slots, all questions of them, and no others', async () => {
    const rig = manualRig('a c', { members: CANARY });
    for (const kind of ['info', 'mod', 'list', 'latest', 'query', 'zip'] as const) {
      for (const key of [chosen, passed[0] ?? '']) {
        rig.asked.length = 0;
        void rig.ask(kind, key).catch(() => undefined);
        expect(rig.asked).toEqual([key === chosen ? 'c' : 'a']);
        await rig.clock.advance(50);
      }
    }
    expect(rig.events[0]).toEqual({ kind: 'canary', pool: 'mirrors', member: 'c', from: 0, to: 5, why: 'started' });
  });

  test('fails no question for its sake, and takes all away after one proof of wrong bytes', async () => {
    const rig = manualRig('a c', { members: CANARY }).play('c', { ms: 1, code: 'CHECKSUM_MISMATCH' });
    const answer = rig.ask('zip', chosen);
    await rig.clock.advance(50);
    expect(await answer).toBe('a');
    expect(rig.events.at(1)).toMatchObject({ kind: 'canary', from: 5, to: 0, why: 'integrity' });
    expect(rig.state('c')).toMatchObject({ state: 'open', canaryPercent: 0 });
    rig.asked.length = 0;
    for (const key of moreChosen) {
      void rig.ask('info', key);
      await rig.clock.advance(50);
    }
    expect(new Set(rig.asked)).toEqual(new Set(['a']));
  });

  test('does not need its word for "not here", but for its own modules', async () => {
    const rig = manualRig('a c', { members: CANARY }).play('a', { ms: 1, code: 'NOT_FOUND' });
    const absent = rig.ask('info', passed[0]).catch((error: { code: string }) => error.code);
    const found = rig.ask('info', chosen);
    await rig.clock.advance(50);
    expect(await absent).toBe('NOT_FOUND');
    expect(await found).toBe('c');
    expect(rig.asked).toEqual(['a', 'c']);
  });

  test('asks it for the modules of others when nobody else is left', async () => {
    const rig = manualRig('a c', { members: CANARY }).play('a', { ms: 1, code: 'UPSTREAM_TIMEOUT' });
    const answer = rig.ask('info', passed[0]);
    await rig.clock.advance(60);
    expect(await answer).toBe('c');
  });

  test('does not take its word for "not here" for the modules of others', async () => {
    const rig = manualRig('a c', { members: CANARY, limits: { openAfterFailures: 1 } }).play('a', {
      ms: 1,
      code: 'UPSTREAM_TIMEOUT',
    });
    rig.play('c', { ms: 1, code: 'NOT_FOUND' });
    const answers = [1, 2].map(() => rig.ask('info', passed[0]).catch((error: { code: string }) => error.code));
    await rig.clock.advance(60);
    expect(await Promise.all(answers)).toEqual(
      ['UPSTREAM_TIMEOUT', 'UPSTREAM_UNAVAILABLE'].map(() => expect.stringMatching(/^UPSTREAM/)),
    );
  });

  test('rolls it back when it has to be left alone', async () => {
    const rig = manualRig('a c', { members: CANARY }).play('c', { ms: 1, code: 'UPSTREAM_UNAVAILABLE' });
    for (let i = 0; i < 3; i++) {
      const answer = rig.ask('info', chosen);
      await rig.clock.advance(50);
      expect(await answer).toBe('a');
    }
    expect(rig.events.findLast(({ kind }) => kind === 'canary')).toMatchObject({ from: 5, to: 0, why: 'errors' });
  });

  test('refuses to steer what is no canary', () => {
    const rig = manualRig('a c', { members: CANARY });
    expect(() => rig.pool.promoteCanary('a')).toThrow(expect.objectContaining({ code: 'CONFLICT' }));
    expect(() => rig.pool.startCanary('x')).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
    rig.pool.rollBackCanary('c');
    expect(rig.state('c').canaryPercent).toBe(0);
    rig.pool.startCanary('c');
    rig.pool.promoteCanary('c');
    expect(rig.state('c').canaryPercent).toBe(20);
  });

  test.each([
    ['errors', { ms: 5, code: 'UPSTREAM_UNAVAILABLE' } as const],
    ['hangs', HANG],
  ])('a bad one of 5 %% touches at most one question in two hundred, and fails none: %s', async (_how, manner) => {
    const clock = new VirtualClock();
    const rig = new PoolRig('a b c', { clock, members: CANARY });
    rig.pool.start();
    let [asked, failed] = [0, 0];
    const ask = (): void => {
      rig.pool.first(rig.question('info', MODULES[asked++ % 1000]), { signal: SOON }).catch(() => failed++);
      if (asked < 20_000) clock.after(20, ask);
    };
    await clock.runUntil(10_000);
    rig.asked.length = 0;
    ask();
    await clock.runUntil(110_000);
    rig.play('c', manner);
    rig.asked.length = 0;
    const before = asked;
    const from = clock.monotonic();
    while (rig.state('c').canaryPercent !== 0) await clock.runUntil(clock.monotonic() + 100);
    const rolledBackMs = clock.monotonic() - from;
    await clock.runUntil(from + 60_000);
    const touched = rig.asked.filter((name) => name === 'c').length;
    console.log({ rolledBackMs, touched, of: asked - before });
    expect(failed).toBe(0);
    expect(rolledBackMs).toBeLessThanOrEqual(10_000);
    expect(touched / (asked - before)).toBeLessThanOrEqual(0.005);
    rig.pool.close();
  });
});
