import { Ladder } from '../ladder/ladder.ts';
import type { Place, Wellness } from '../ladder/place.ts';
import type { Outside } from '../io/egress/outside.ts';
import { OFF_STEP, type PlanStep, type RoutePlan } from '../policy/plan.ts';
import { systemClock } from '../std/clock.ts';
import type { PoolStanding } from '../upstream/standing.ts';
import type { Chain } from './chain.ts';
import type { Closing } from './closing.ts';
import type { Observers } from './observers.ts';
import type { Pools } from './pools.ts';

interface LadderNeeds {
  readonly chain: Pick<Chain, 'routes' | 'trees'>;
  readonly pools: Pick<Pools, 'asked' | 'engines'>;
  readonly outside: Outside;
  readonly observers: Pick<Observers, 'ladder' | 'watchEach'>;
  readonly closing: Closing;
}

/** The ladder of the routes of `chain`; it looks at their pools from now on, and ends with `closing`. */
export function openLadder({ chain, pools, outside, observers, closing }: LadderNeeds): Ladder {
  const routes = new Map([...chain.routes].map(([name, walked]) => [name, placesOf(walked, chain.trees, pools)]));
  const ladder = new Ladder({ routes, isOffline: outside.isShut, clock: systemClock, observer: observers.ladder });
  outside.onChange((isShut) => ladder.setOffline(isShut ? 'on' : 'off'));
  observers.watchEach(
    'ladder_level',
    'On which level of the ladder the route stands: where its cold questions are answered now.',
    () => ladder.standings().map(({ route, level }) => ({ labels: { route }, value: level })),
    ['route'],
  );
  ladder.start();
  closing.add(() => ladder.close());
  return ladder;
}

type Walked = Pick<RoutePlan, 'steps' | 'rungs'>;

/**
 * Where a route's cold questions can be answered, in order: its first step outside this machine; the steps that stand in for it, which are those behind a `|`; its rungs. A step
 * behind a `,` stands in for nobody that is out.
 */
export function placesOf(
  { steps, rungs }: Walked,
  trees: ReadonlySet<string>,
  pools: LadderNeeds['pools'],
): readonly Place[] {
  const outside = steps.filter(({ source }) => source !== OFF_STEP && !trees.has(source));
  const reached = outside.slice(0, reachOf(outside));
  const asked = new Set(reached.map(({ source }) => source));
  const more = rungs.filter(({ source }) => !asked.has(source));
  return [...reached.map(({ source }, at) => ({ level: at === 0 ? 0 : 2, source }) as const), ...more].map(
    ({ level, source }) => ({ level, wellness: () => wellnessOf(source, pools) }),
  );
}

function reachOf(steps: readonly PlanStep[]): number {
  const comma = steps.findIndex(({ separator }) => separator === ',');
  return comma < 0 ? steps.length : comma + 1;
}

/** What has no health of its own is taken for well. */
function wellnessOf(source: string, { asked, engines }: LadderNeeds['pools']): Wellness {
  const engine = engines.get(source);
  if (engine === undefined) return asked.get(source)?.isUsable === false ? 'out' : 'well';
  return wellnessIn(engine.standing());
}

/** Well = somebody in it has answered twice since it was last out. */
function wellnessIn({ isUsable, members }: PoolStanding): Wellness {
  if (members.some(({ state }) => state === 'up' || state === 'suspect')) return 'well';
  return isUsable ? 'trying' : 'out';
}
