/** What a drill brought upon a member is forgotten when the drill is over. */
import { describe, expect, test } from 'vitest';
import { Health } from './health.ts';
import { DEFAULT_ENGINE_LIMITS as limits } from './settings.ts';
import { Throttle } from './throttle.ts';

const heard = (now: number): { now: number; since: number } => ({ now, since: now });

describe('a member that is pardoned', () => {
  test.each(['integrity', 'tls'] as const)('comes back by two good answers after a strike (%s)', (reason) => {
    const health = new Health(limits, () => 0.5);
    health.struck(1000, reason, 'wrong bytes');
    if (reason === 'integrity') {
      // Without the pardon they say nothing for ten minutes.
      for (let n = 0; n < 10; n++) expect(health.answered(heard(1100 + n))).toBeUndefined();
      expect(health.state).toBe('open');
    }
    health.pardoned(2000);
    expect(health.openForMs(2000)).toBe(0);
    expect(health.probeAnswered(heard(2100))).toMatchObject({ to: 'half-open' });
    expect(health.probeAnswered(heard(2200))).toMatchObject({ from: 'half-open', to: 'up' });
  });

  test('has as many failures to spare as before', () => {
    const health = new Health(limits, () => 0.5);
    health.failed(heard(1), 'failures', 'no');
    health.failed(heard(2), 'failures', 'no');
    health.pardoned(3);
    expect(health.failed(heard(4), 'failures', 'no')).toBeUndefined();
    expect(health.failed(heard(5), 'failures', 'no')).toBeUndefined();
    expect(health.failed(heard(6), 'failures', 'no')).toMatchObject({ to: 'open' });
  });

  test('is no longer spared, and has its rate back', () => {
    const throttle = new Throttle(limits, 100);
    throttle.told(1000, 5000);
    expect(throttle.sparedForMs(1001)).toBe(4999);
    throttle.pardoned(1001);
    expect(throttle.sparedForMs(1001)).toBe(0);
    expect(throttle.turnInMs(2000)).toBe(0);
    for (let n = 0; n < 99; n++) expect(throttle.take(2000)).toBe(0);
  });
});
