/** A report calls good what is good, and nothing else. */
import { describe, expect, test } from 'vitest';
import { isGood, type Report, textOf } from './report.ts';

const build = { at: 1000, tookMs: 500, command: 'mod download', isCold: true, during: 'refused' };
const good: Report = {
  seed: 7,
  minutes: 5,
  goVersion: 'go1.26',
  faults: [{ at: 0, endedAt: 10_000, name: 'refused', area: 'line' }],
  impossible: [],
  builds: [build],
  requests: 20,
  fetches: { fetches: 3, files: 3, bound: 20 },
  mostMib: 180,
  breaches: [],
};

describe('a report', () => {
  test('is good when every build was and the history has no breach', () => {
    expect(isGood(good)).toBe(true);
    expect(textOf(good)).toMatch(/^seed 7 · 5 minutes[\s\S]*failed {6}0\n[\s\S]*\ngood\n$/);
  });

  test.each<[string, Partial<Report>, RegExp]>([
    [
      'a failed build',
      { builds: [build, { ...build, failure: 'exit 1: 502' }] },
      /during "refused": go mod download: exit 1: 502/,
    ],
    ['a breach', { breaches: [{ rule: 'changed', what: 'x at 3 ms' }] }, /changed: x at 3 ms/],
    [
      'a fault that could not be made',
      { faults: [{ at: 0, endedAt: 10_000, name: 'refused', area: 'line', trouble: 'port in use' }] },
      /refused: port in use/,
    ],
    ['no build at all', { builds: [] }, /builds {6}0/],
    ['no fault at all', { faults: [] }, /faults {6}0/],
  ])('is not with %s', (_name, change, said) => {
    const report = { ...good, ...change };
    expect(isGood(report)).toBe(false);
    expect(textOf(report)).toMatch(said);
    expect(textOf(report)).toContain('NOT GOOD');
  });
});
