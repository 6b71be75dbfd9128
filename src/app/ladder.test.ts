import { describe, expect, test } from 'vitest';
import { planOf } from '../../tests/fakes/resolver-rig.ts';
import type { Wellness } from '../ladder/place.ts';
import type { Rung } from '../policy/plan.ts';
import type { Pool } from '../upstream/asking.ts';
import type { EnginePool } from '../upstream/engine.ts';
import type { HealthState, PoolStanding } from '../upstream/standing.ts';
import { placesOf } from './ladder.ts';

const RUNGS: readonly Rung[] = [
  { level: 2, source: 'peers' },
  { level: 3, source: 'bundle' },
  { level: 4, source: 'direct' },
];
const none = { asked: new Map<string, Pool>(), engines: new Map<string, EnginePool>() };

/** The levels at which the route of a list can answer, in order. */
function levels(list: string, rungs: readonly Rung[] = [], trees: readonly string[] = []): readonly number[] {
  return placesOf({ ...planOf(list), rungs }, new Set(trees), none).map(({ level }) => level);
}

describe('where a route can answer', () => {
  test.each<[string, readonly Rung[], readonly string[], readonly number[]]>([
    ['A', [], [], [0]],
    ['A|B|C', [], [], [0, 2, 2]],
    ['A,B', [], [], [0]],
    ['A|B,C', [], [], [0, 2]],
    ['cache|A,direct', [], ['cache'], [0]],
    ['cache|A|direct', [], ['cache'], [0, 2]],
    ['A|off', [], [], [0]],
    ['off', RUNGS, [], [2, 3, 4]],
    ['A,direct', RUNGS, [], [0, 2, 3, 4]],
    ['A|direct', RUNGS, [], [0, 2, 2, 3]],
    ['direct', RUNGS, [], [0, 2, 3]],
  ])('%s, after it %j, with the folders %j: at %j', (list, rungs, trees, at) => {
    expect(levels(list, rungs, trees)).toEqual(at);
  });
});

describe('a pool', () => {
  /** How a pool is whose members are in these states. */
  function wellnessOf(isUsable: boolean, states: readonly HealthState[]): Wellness | undefined {
    const members = states.map((state, at) => ({
      name: `${at}`,
      state,
      inFlight: 0,
      consecutiveFailures: 0,
      share: 1,
      isDetoured: false,
    }));
    const standing = (): PoolStanding => ({ name: 'A', isUsable, members });
    const engines = new Map([['A', { standing } as EnginePool]]);
    return placesOf(planOf('A'), new Set(), { ...none, engines })[0]?.wellness();
  }

  test.each<[Wellness, boolean, readonly HealthState[]]>([
    ['well', true, ['up', 'open']],
    ['well', true, ['suspect']],
    ['trying', true, ['half-open', 'open']],
    ['out', false, ['open', 'open']],
    ['out', false, ['half-open']],
  ])('is %s when it may be asked: %s, and its members are %j', (wellness, isUsable, states) => {
    expect(wellnessOf(isUsable, states)).toBe(wellness);
  });
});
