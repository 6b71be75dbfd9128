import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../tests/fakes/seeded-random.ts';
import { Health, type HealthChange } from './health.ts';
import { DEFAULT_ENGINE_LIMITS as LIMITS } from './settings.ts';

/** A member's health whose openings last exactly as long as the middle says. */
function health(): Health {
  return new Health(LIMITS, () => 0.5);
}

function failTimes(one: Health, times: number, now = 0): HealthChange | undefined {
  let change: HealthChange | undefined;
  for (let i = 0; i < times; i++) change = one.failed({ now, since: now }, 'failures', 'refused');
  return change;
}

describe('up', () => {
  test('opens after three failures in a row, and says why', () => {
    const one = health();
    expect(failTimes(one, 2)).toBeUndefined();
    expect(failTimes(one, 1)).toEqual({ from: 'up', to: 'open', reason: 'failures', message: 'refused' });
  });

  test('an answer between failures begins the row anew', () => {
    const one = health();
    for (let i = 0; i < 3; i++) {
      failTimes(one, 2);
      one.answered({ now: 0, since: 0 });
    }
    expect(one.state).toBe('up');
  });

  test('opens when more than half of at least ten outcomes of ten seconds are failures', () => {
    const one = health();
    const story = 'ggggffgffgff'; // Never three in a row; the last makes it 6 of 12, which is not more than half.
    for (const letter of story) {
      if (letter === 'g') one.answered({ now: 1000, since: 1000 });
      else one.failed({ now: 1000, since: 1000 }, 'failures', 'status 500');
    }
    expect(one.errorRatio(1000)).toBe(0.5);
    expect(one.state).toBe('up');
    one.answered({ now: 1000, since: 1000 });
    failTimes(one, 2, 1000);
    expect(one.state).toBe('open');
    expect(one.reason).toBe('ratio');
  });

  test('forgets outcomes after ten seconds', () => {
    const one = health();
    failTimes(one, 2, 0);
    expect(one.errorRatio(9000)).toBe(1);
    expect(one.errorRatio(10_001)).toBeUndefined();
  });

  test('opens after three failed probes in a row, and an answer to a question begins that row anew', () => {
    const one = health();
    for (let i = 0; i < 2; i++) one.probeFailed({ now: i, since: i }, 'nothing within 800 ms');
    one.answered({ now: 2, since: 2 });
    for (let i = 0; i < 2; i++) expect(one.probeFailed({ now: i, since: i }, 'late')).toBeUndefined();
    expect(one.probeFailed({ now: 3, since: 3 }, 'late')).toMatchObject({ to: 'open', reason: 'probe' });
  });

  test('good probes do not hide failures of questions', () => {
    const one = health();
    for (let i = 0; i < 3; i++) {
      failTimes(one, 1, i);
      one.probeAnswered({ now: i, since: i });
    }
    expect(one.state).toBe('open');
  });

  test('a refused certificate opens at once', () => {
    expect(health().failed({ now: 0, since: 0 }, 'tls', 'expired')).toMatchObject({ to: 'open', reason: 'tls' });
  });

  test('two questions that are too old make it suspect, until there are fewer', () => {
    const one = health();
    expect(one.aged(1)).toBeUndefined();
    expect(one.aged(2)).toEqual({ from: 'up', to: 'suspect' });
    expect(one.aged(2)).toBeUndefined();
    expect(one.aged(1)).toEqual({ from: 'suspect', to: 'up' });
  });

  test('who is suspect opens as anybody else', () => {
    const one = health();
    one.aged(2);
    expect(failTimes(one, 3)).toMatchObject({ from: 'suspect', to: 'open' });
  });
});

describe('open', () => {
  test('is left by two good probes, through half-open, where probes failed, too', () => {
    const one = health();
    failTimes(one, 3);
    one.probeFailed({ now: 500, since: 0 }, 'late');
    expect(one.probeAnswered({ now: 1000, since: 990 })).toMatchObject({ from: 'open', to: 'half-open' });
    expect(one.probeAnswered({ now: 2000, since: 1990 })).toEqual({ from: 'half-open', to: 'up' });
  });

  test('is not left for probes that were good all the time before two seconds have passed, however often it opened', () => {
    const one = health();
    for (const opened of [0, 10_000, 30_000]) {
      failTimes(one, 3, opened);
      for (let now = opened; now < opened + 2000; now += 500)
        expect(one.probeAnswered({ now, since: now })).toBeUndefined();
      expect(one.probeAnswered({ now: opened + 2000, since: opened + 2000 })).toMatchObject({ to: 'up' });
    }
  });

  test('lasts two seconds without probes, doubled each time it opens again', () => {
    const one = health();
    for (const [opened, until] of [
      [0, 2000],
      [10_000, 14_000],
      [30_000, 38_000],
    ] as const) {
      failTimes(one, 3, opened);
      expect(one.openForMs(opened)).toBe(until - opened);
      for (let good = 0; good < 2; good++) one.probeAnswered({ now: until, since: until });
      expect(one.state).toBe('up');
    }
  });

  test('never lasts longer than thirty seconds, and two seconds again after a healthy minute', () => {
    const one = health();
    let now = 0;
    for (let i = 0; i < 10; i++) {
      failTimes(one, 3, now);
      expect(one.openForMs(now)).toBeLessThanOrEqual(30_000);
      now += 30_000;
      for (let good = 0; good < 2; good++) one.probeAnswered({ now, since: now });
      expect(one.state).toBe('up');
      now += 1;
    }
    now += 60_000;
    failTimes(one, 3, now);
    expect(one.openForMs(now)).toBe(2000);
  });

  test('varies its time by a tenth', () => {
    for (const [random, ms] of [
      [0, 1800],
      [0.999_999, 2200],
    ] as const) {
      const one = new Health(LIMITS, () => random);
      failTimes(one, 3);
      expect(one.openForMs(0)).toBeCloseTo(ms, 2);
    }
  });

  test('a bad probe between two good ones does not let it come back', () => {
    const one = health();
    failTimes(one, 3);
    one.probeFailed({ now: 0, since: 0 }, 'late');
    one.probeAnswered({ now: 1000, since: 1000 });
    expect(one.probeFailed({ now: 2000, since: 2000 }, 'late')).toMatchObject({ from: 'half-open', to: 'open' });
    expect(one.probeAnswered({ now: 3000, since: 3000 })).toMatchObject({ to: 'half-open' });
    expect(one.state).toBe('half-open');
  });

  test('answers to real questions bring it back at once', () => {
    const one = health();
    failTimes(one, 3);
    one.answered({ now: 100, since: 90 });
    one.answered({ now: 200, since: 190 });
    expect(one.state).toBe('up');
  });

  test('for wrong bytes lasts ten minutes, whatever is heard', () => {
    const one = health();
    one.struck(0, 'integrity', 'other bytes');
    for (let now = 0; now < 600_000; now += 1000) {
      one.probeAnswered({ now, since: now });
      one.answered({ now, since: now });
    }
    expect(one.state).toBe('open');
    one.probeAnswered({ now: 600_000, since: 600_000 });
    one.probeAnswered({ now: 601_000, since: 601_000 });
    expect(one.state).toBe('up');
  });

  test('for wrong bytes is over after its time: what is bad then is no proof', () => {
    const one = health();
    one.struck(0, 'integrity', 'other bytes');
    one.probeAnswered({ now: 600_000, since: 600_000 });
    expect(one.probeFailed({ now: 601_000, since: 601_000 }, 'late')).toMatchObject({ to: 'open', reason: 'failures' });
    expect(one.openForMs(601_000)).toBeLessThan(10_000);
  });

  test('for wrong bytes begins anew with other wrong ones, also when it answered its first probe', () => {
    const one = health();
    one.struck(0, 'integrity', 'other bytes');
    one.probeAnswered({ now: 600_000, since: 600_000 });
    expect(one.struck(601_000, 'integrity', 'again')).toMatchObject({ from: 'half-open', to: 'open' });
    expect(one.openForMs(601_000)).toBe(600_000);
  });

  test('for a refused certificate ends when probes find it mended', () => {
    const one = health();
    one.failed({ now: 0, since: 0 }, 'tls', 'expired');
    one.probeAnswered({ now: 30_000, since: 30_000 });
    one.probeAnswered({ now: 31_000, since: 31_000 });
    expect(one.state).toBe('up');
  });

  test('without a probe leads to half-open when its time is over', () => {
    const one = health();
    failTimes(one, 3);
    expect(one.timeOver(1999)).toBeUndefined();
    expect(one.timeOver(2000)).toMatchObject({ from: 'open', to: 'half-open' });
    expect(failTimes(one, 1, 2100)).toMatchObject({ from: 'half-open', to: 'open' });
    expect(one.openForMs(2100)).toBe(4000);
  });
});

describe('back again', () => {
  test('its share grows from a tenth to all of it in ten seconds', () => {
    const one = health();
    expect(one.share(0)).toBe(1);
    failTimes(one, 3);
    one.answered({ now: 1000, since: 1000 });
    one.answered({ now: 1000, since: 1000 });
    expect(one.share(1000)).toBeCloseTo(0.1);
    expect(one.share(6000)).toBeCloseTo(0.55);
    expect(one.share(11_000)).toBe(1);
  });

  test('what was asked before does not count against it', () => {
    const one = health();
    failTimes(one, 3);
    one.answered({ now: 1000, since: 1000 });
    one.answered({ now: 1000, since: 1000 });
    for (let i = 0; i < 5; i++) one.failed({ now: 1100, since: 500 }, 'failures', 'late');
    for (let i = 0; i < 5; i++) one.probeFailed({ now: 1100, since: 500 }, 'late');
    expect(one.state).toBe('up');
    expect(one.failuresInARow).toBe(0);
  });
});

describe('whatever happens', () => {
  const event = fc.record({
    afterMs: fc.oneof(fc.integer({ min: 0, max: 5000 }), fc.constant(LIMITS.strikeMs)),
    tookMs: fc.integer({ min: 0, max: 3000 }),
    what: fc.constantFrom(
      'answered',
      'failed',
      'tls',
      'probeAnswered',
      'probeFailed',
      'integrity',
      'aged',
      'young',
      'timeOver',
    ),
  });

  test('changes follow each other, and wrong bytes keep it away for ten minutes', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200 }), fc.integer(), (events, seed) => {
        const one = new Health(LIMITS, seededRandom(seed));
        let [now, state, struckAt] = [10_000, one.state, Number.NEGATIVE_INFINITY];
        for (const { afterMs, tookMs, what } of events) {
          now += afterMs;
          const change = tell(one, what, now, now - tookMs);
          expect(change?.from ?? state).toBe(state);
          expect(change?.to ?? state).toBe(one.state);
          state = one.state;
          if (what === 'integrity') struckAt = now;
          expect(one.reason === 'integrity' && one.openForMs(now) > 0).toBe(now - struckAt < LIMITS.strikeMs);
          expect(one.reason === undefined).toBe(!one.isAway);
          expect(one.openForMs(now)).toBeLessThanOrEqual(LIMITS.strikeMs);
          expect(one.share(now)).toBeGreaterThanOrEqual(LIMITS.slowStartShare);
          expect(one.share(now)).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  test('two good probes, once its time is over, bring it back from anywhere', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 100 }), fc.integer(), (events, seed) => {
        const one = new Health(LIMITS, seededRandom(seed));
        let now = 10_000;
        for (const { afterMs, tookMs, what } of events) tell(one, what, (now += afterMs), now - tookMs);
        now += LIMITS.strikeMs;
        one.aged(0);
        one.probeAnswered({ now, since: now });
        one.probeAnswered({ now, since: now });
        expect(one.state).toBe('up');
      }),
    );
  });
});

function tell(one: Health, what: string, now: number, since: number): HealthChange | undefined {
  switch (what) {
    case 'answered':
      return one.answered({ now, since });
    case 'failed':
      return one.failed({ now, since }, 'failures', 'x');
    case 'tls':
      return one.failed({ now, since }, 'tls', 'x');
    case 'probeAnswered':
      return one.probeAnswered({ now, since });
    case 'probeFailed':
      return one.probeFailed({ now, since }, 'x');
    case 'integrity':
      return one.struck(now, 'integrity', 'x');
    case 'timeOver':
      return one.timeOver(now);
    default:
      return one.aged(what === 'aged' ? 2 : 0);
  }
}
