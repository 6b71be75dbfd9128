/** The small state machines of the engine: latency, windows, budgets, throttle, order, verdicts. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../tests/fakes/seeded-random.ts';
import { AppError, type ErrorCode, type ErrorDetail } from '../std/errors.ts';
import { graver } from '../std/graver.ts';
import { HedgeBudget, RetryBudget } from './budget.ts';
import { isWorthRetry, verdictOf } from './classify.ts';
import { Latency } from './latency.ts';
import { type Bid, costOf, inOrder } from './order.ts';
import { DEFAULT_ENGINE_LIMITS as LIMITS } from './settings.ts';
import { Throttle } from './throttle.ts';
import { OutcomeWindow, WindowSum } from './window.ts';

describe('a latency', () => {
  const latency = (seed = 1): Latency => new Latency(LIMITS, seededRandom(seed));

  test('is a weighted mean of which the newest sample is a tenth', () => {
    const one = latency();
    one.answered(100);
    one.answered(200);
    expect(one.mean).toBeCloseTo(110);
    expect(one.deviation).toBeCloseTo(55);
  });

  test('tells percentiles from ten samples on, of the last ones mostly', () => {
    const one = latency();
    for (let ms = 1; ms <= 9; ms++) one.answered(ms);
    expect(one.percentile(0.5)).toBeUndefined();
    for (let ms = 10; ms <= 200; ms++) one.answered(ms);
    expect(one.percentile(0.95)).toBeGreaterThan(170);
    expect(one.percentile(0.95)).toBeLessThanOrEqual(190);
    for (let i = 0; i < 2000; i++) one.answered(1000);
    expect(one.percentile(0.05)).toBe(1000);
  });

  test('what was given up moves the mean up only, and no percentile', () => {
    const one = latency();
    for (let i = 0; i < 50; i++) one.answered(100);
    one.gaveUp(10);
    expect(one.mean).toBe(100);
    for (let i = 0; i < 50; i++) one.gaveUp(5000);
    expect(one.mean).toBeGreaterThan(4000);
    expect(one.percentile(0.99)).toBe(100);
  });

  test('probes move the mean, and no percentile', () => {
    const one = latency();
    for (let i = 0; i < 50; i++) one.answered(100);
    for (let i = 0; i < 50; i++) one.probed(1);
    expect(one.mean).toBeLessThan(2);
    expect(one.percentile(0.01)).toBe(100);
  });

  test('percentiles lie among the samples, the higher the share the higher', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 9999 }), { minLength: 10, maxLength: 500 }),
        fc.integer(),
        (all, seed) => {
          const one = latency(seed);
          for (const ms of all) one.answered(ms);
          const [low, high] = [one.percentile(0.5) ?? Number.NaN, one.percentile(0.99) ?? Number.NaN];
          expect(all).toContain(low);
          expect(all).toContain(high);
          expect(low).toBeLessThanOrEqual(high);
        },
      ),
    );
  });
});

describe('a window', () => {
  test('has what was added within its time, give or take a tenth', () => {
    const steps = fc.array(
      fc.record({ afterMs: fc.integer({ min: 0, max: 4000 }), amount: fc.integer({ min: 1, max: 9 }) }),
    );
    fc.assert(
      fc.property(steps, (all) => {
        const window = new WindowSum(10_000);
        const added: { at: number; amount: number }[] = [];
        let now = 0;
        for (const { afterMs, amount } of all) {
          now += afterMs;
          window.add(now, amount);
          added.push({ at: now, amount });
          const within = (ms: number): number =>
            added.filter(({ at }) => now - at < ms).reduce((sum, one) => sum + one.amount, 0);
          expect(window.sum(now)).toBeLessThanOrEqual(within(10_000));
          expect(window.sum(now)).toBeGreaterThanOrEqual(within(9000));
        }
      }),
    );
  });

  test('of outcomes tells the share of failures, and nothing of nothing', () => {
    const window = new OutcomeWindow(10_000);
    expect(window.ratio(0)).toBeUndefined();
    for (let i = 0; i < 4; i++) window.add(0, i === 0);
    expect(window.ratio(0)).toBe(0.25);
    window.clear();
    expect(window.count(0)).toBe(0);
  });
});

describe('the budget', () => {
  test('of retries is a fifth of the questions and ten per second, over ten seconds, whatever is asked when', () => {
    const steps = fc.array(fc.record({ afterMs: fc.integer({ min: 0, max: 3000 }), questions: fc.nat({ max: 50 }) }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(steps, (all) => {
        const budget = new RetryBudget(LIMITS);
        const [asked, taken]: [number[], number[]] = [[], []];
        let now = 0;
        for (const { afterMs, questions } of all) {
          now += afterMs;
          for (let i = 0; i < questions; i++) {
            budget.onQuestion(now);
            asked.push(now);
          }
          while (budget.take(now)) taken.push(now);
          const recent = (times: readonly number[], ms: number): number => times.filter((at) => now - at < ms).length;
          expect(recent(taken, 9000)).toBeLessThanOrEqual(100 + 0.2 * recent(asked, 20_000));
        }
      }),
    );
  });

  test('of retries is used up, and there again ten seconds later', () => {
    const budget = new RetryBudget(LIMITS);
    let taken = 0;
    while (budget.take(0)) taken++;
    expect(taken).toBe(100);
    expect(budget.take(8000)).toBe(false);
    expect(budget.take(10_001)).toBe(true);
  });

  test('of hedges is a tenth of the questions, of which twenty may be saved up', () => {
    const budget = new HedgeBudget(LIMITS);
    const takeAll = (): number => {
      let taken = 0;
      while (budget.take()) taken++;
      return taken;
    };
    expect(takeAll()).toBe(20);
    for (let i = 0; i < 101; i++) budget.onQuestion();
    expect(takeAll()).toBe(10);
    for (let i = 0; i < 10_000; i++) budget.onQuestion();
    expect(takeAll()).toBe(20);
  });
});

describe('a throttle', () => {
  test('lets anything through that nobody limits', () => {
    const one = new Throttle(LIMITS, undefined);
    for (let i = 0; i < 1000; i++) expect(one.take(0)).toBe(0);
  });

  test('spares a member as long as it says, at most a minute', () => {
    const one = new Throttle(LIMITS, undefined);
    expect(one.told(0, 5000)).toBe(5000);
    expect(one.sparedForMs(4000)).toBe(1000);
    expect(one.sparedForMs(5000)).toBe(0);
    expect(one.told(6000, 3_600_000)).toBe(60_000);
    expect(one.told(70_000, undefined)).toBe(1000);
  });

  test('asks half as often after that, and once per second more every ten seconds, until it is as before', () => {
    const one = new Throttle(LIMITS, undefined);
    // Eight per second for ten seconds.
    for (let i = 0; i < 80; i++) one.take(20_000 + i * 125);
    one.told(30_000, 1000);
    expect(rateFrom(one, 31_000, 9000)).toBeCloseTo(4, 0);
    expect(rateFrom(one, 41_000, 9000)).toBeCloseTo(5, 0);
    expect(rateFrom(one, 61_000, 9000)).toBeCloseTo(7, 0);
    expect(one.turnInMs(71_000)).toBe(0);
    for (let i = 0; i < 100; i++) expect(one.take(71_000)).toBe(0);
  });

  test('complaints that come together are one', () => {
    const one = new Throttle(LIMITS, undefined);
    for (let i = 0; i < 80; i++) one.take(i * 125);
    for (let i = 0; i < 5; i++) one.told(9999, 1000);
    expect(rateFrom(one, 11_000, 8000)).toBeCloseTo(4, 0);
  });

  test('never lets more through than the configured rate and one second of it saved up', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.integer({ min: 0, max: 2000 }), { maxLength: 100 }),
        (rate, gaps) => {
          const one = new Throttle(LIMITS, rate);
          let now = 0;
          const times = gaps.map((gap) => {
            now += gap;
            return now + one.take(now);
          });
          for (const from of times) {
            const inSecond = times.filter((at) => at >= from && at < from + 1000).length;
            expect(inSecond).toBeLessThanOrEqual(2 * rate + 1);
          }
          expect(times.length).toBeLessThanOrEqual(rate + 1 + ((times.at(-1) ?? 0) * rate) / 1000);
        },
      ),
    );
  });
});

/** Turns per second that `throttle` gives within `forMs`. */
function rateFrom(throttle: Throttle, from: number, forMs: number): number {
  let taken = 0;
  for (let now = from; now < from + forMs; now += 5) {
    if (throttle.turnInMs(now) > 0) continue;
    throttle.take(now);
    taken++;
  }
  return (taken * 1000) / forMs;
}

describe('the order', () => {
  const usual: Bid = {
    state: 'up',
    isSpared: false,
    isBusy: false,
    turnInMs: 0,
    isEasedIn: false,
    isOnTrial: false,
    isDoubted: false,
    canary: 'none',
    cost: 50,
  };

  test('goes by cost, then as the operator wrote', () => {
    const names = namesOf({ a: usual, b: { ...usual, cost: 10 }, c: usual });
    expect(names).toEqual(['b', 'a', 'c']);
  });

  test('a canary first for its modules, then the usual ones, busy ones and those that are eased in, suspects, those for whose turn one has to wait; the canary of other modules last', () => {
    const names = namesOf({
      passed: { ...usual, canary: 'passed', cost: 1 },
      waiting: { ...usual, turnInMs: 10, cost: 2 },
      'waiting longer': { ...usual, turnInMs: 14_000, cost: 1 },
      suspect: { ...usual, state: 'suspect', cost: 1 },
      busy: { ...usual, isBusy: true, cost: 1 },
      eased: { ...usual, isEasedIn: true, cost: 2 },
      usual,
      canary: { ...usual, canary: 'chosen', cost: 1000 },
    });
    expect(names).toEqual(['canary', 'usual', 'busy', 'eased', 'suspect', 'waiting', 'waiting longer', 'passed']);
  });

  test('a canary that is suspect is no better than other suspects', () => {
    const names = namesOf({ canary: { ...usual, canary: 'chosen', state: 'suspect' }, usual });
    expect(names).toEqual(['usual', 'canary']);
  });

  test('without those that are open, half-open, spared, or a canary that was rolled back; but for one question on trial', () => {
    const names = namesOf({
      open: { ...usual, state: 'open' },
      halfOpen: { ...usual, state: 'half-open' },
      spared: { ...usual, isSpared: true },
      out: { ...usual, canary: 'out' },
      usual,
      trial: { ...usual, state: 'half-open', isOnTrial: true },
    });
    expect(names).toEqual(['trial', 'usual']);
  });

  test('the cost grows with latency, load and distance, and falls with weight', () => {
    const price = { meanMs: 40, deviationMs: 10, load: 0, regionFactor: 1, weight: 1 };
    expect(costOf(price)).toBe(60);
    expect(costOf({ ...price, load: 0.5 })).toBe(90);
    expect(costOf({ ...price, regionFactor: 3 })).toBe(180);
    expect(costOf({ ...price, weight: 2 })).toBe(30);
  });
});

function namesOf(bids: Readonly<Record<string, Bid>>): readonly string[] {
  return inOrder(Object.entries(bids)).map(([name]) => name);
}

describe('a failure', () => {
  const error = (code: ErrorCode, detail: ErrorDetail = {}): AppError => new AppError(code, 'x', { detail });

  test.each([
    ['NOT_FOUND', {}, 'absent'],
    ['GONE', { status: 410 }, 'absent'],
    ['CHECKSUM_MISMATCH', {}, 'integrity'],
    ['ZIP_INVALID', {}, 'integrity'],
    ['STORE_UNAVAILABLE', {}, 'ours'],
    ['SUMDB_UNAVAILABLE', {}, 'ours'],
    ['SUMDB_INCONSISTENT', {}, 'ours'],
    ['UPSTREAM_UNAVAILABLE', {}, 'failed'],
    ['UPSTREAM_UNAVAILABLE', { status: 500 }, 'failed'],
    ['UPSTREAM_UNAVAILABLE', { status: 503, retryAfterSeconds: 0 }, 'failed'],
    ['UPSTREAM_UNAVAILABLE', { status: 503, retryAfterSeconds: 9 }, 'throttled'],
    ['UPSTREAM_UNAVAILABLE', { status: 429 }, 'throttled'],
    ['UPSTREAM_UNAVAILABLE', { tls: 'certificate has expired' }, 'tls'],
    ['UPSTREAM_UNAVAILABLE', { tls: 'TLS handshake failed' }, 'failed'],
    ['UPSTREAM_TIMEOUT', {}, 'failed'],
    ['UPSTREAM_BAD_RESPONSE', {}, 'failed'],
    ['UPSTREAM_BAD_RESPONSE', { status: 302 }, 'failed'],
    ['UPSTREAM_BAD_RESPONSE', { status: 403 }, 'refused'],
    ['AUTH_REQUIRED', { status: 401 }, 'refused'],
    ['POLICY_DENIED', {}, 'refused'],
    ['TOO_LARGE', {}, 'refused'],
    ['ABORTED', {}, 'refused'],
    ['INTERNAL', {}, 'refused'],
  ] as const)('%s %o is called %s', (code, detail, verdict) => {
    expect(verdictOf(error(code, detail))).toBe(verdict);
  });

  test('is worth a second try when it was a fault of the moment', () => {
    expect(isWorthRetry(error('UPSTREAM_UNAVAILABLE'))).toBe(true);
    expect(isWorthRetry(error('UPSTREAM_UNAVAILABLE', { status: 502 }))).toBe(true);
    expect(isWorthRetry(error('UPSTREAM_UNAVAILABLE', { status: 501 }))).toBe(false);
    expect(isWorthRetry(error('UPSTREAM_UNAVAILABLE', { status: 429 }))).toBe(false);
  });

  test('of several the gravest is told, and GONE is not forgotten', () => {
    const [absent, gone, out, wrong] = [
      error('NOT_FOUND'),
      error('GONE'),
      error('UPSTREAM_TIMEOUT'),
      error('ZIP_INVALID'),
    ];
    expect(graver(undefined, absent)).toBe(absent);
    expect(graver(absent, out)).toBe(out);
    expect(graver(out, absent)).toBe(out);
    expect(graver(wrong, out)).toBe(wrong);
    expect(graver(gone, absent).code).toBe('GONE');
  });
});
