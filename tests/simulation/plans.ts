/** Where the questions of a world lead: pools, routes, rungs. */
import type { PlanStep, RoutePlan, Rung } from '../../src/policy/plan.ts';
import type { Dice } from './dice.ts';

/** The pool of all worlds, and that of the peers. */
const POOL = 'mirrors';
const PEERS = 'peers';
/** A bundle, which is on this machine. */
export const BUNDLE = 'bundle';
/** The place of private modules, and the origin of all others. */
export const REPOSITORY = 'repo';
/** The route besides the default one. */
const STAGE = 'stage';

/** Upstreams that stand in for each other. All others stand alone, and nobody keeps count of how they do. */
interface SimPool {
  readonly name: string;
  readonly members: readonly string[];
  /** The member that has to prove itself first. */
  readonly canary: string | undefined;
}

/** Everything that questions may lead to. */
export interface Plans {
  readonly pools: readonly SimPool[];
  /** By the name of the route. */
  readonly routes: ReadonlyMap<string, RoutePlan>;
  readonly private: RoutePlan;
}

/** What there is to lead to. */
interface Places {
  /** Names of the upstreams of the lists. */
  readonly names: readonly string[];
  readonly peers: readonly string[];
  readonly hasBundle: boolean;
}

/** Plans over these places. `more` decides about everything that not every world has. */
export function drawPlans({ names, peers, hasBundle }: Places, dice: Dice, more: Dice): Plans {
  const pooled = dice.chance(0.6) ? names.slice(0, dice.between(1, names.length)) : [];
  const rungs: readonly Rung[] = [
    ...(peers.length > 0 ? [{ level: 2, source: PEERS } as const] : []),
    ...(hasBundle ? [{ level: 3, source: BUNDLE } as const] : []),
    ...(more.chance(0.2) ? [{ level: 4, source: REPOSITORY } as const] : []),
  ];
  const byDefault = drawSteps(names, pooled, dice);
  const routes = new Map([['default', planOn('default', byDefault, rungs)]]);
  if (more.chance(0.1)) routes.set(STAGE, planOn(STAGE, ownPools(drawSteps(names, pooled, more), pooled), rungs));
  const ofList = [POOL, ...(routes.has(STAGE) ? [`${STAGE}/${POOL}`] : [])];
  const canary = pooled.length > 1 && more.chance(0.12) ? pooled.at(-1) : undefined;
  return {
    pools: [
      ...(pooled.length === 0 ? [] : ofList.map((name) => ({ name, members: pooled, canary }))),
      ...(more.chance(0.2) ? poolsOfOne(names, pooled) : []),
      ...(peers.length > 0 ? [{ name: PEERS, members: peers, canary: undefined }] : []),
    ],
    routes,
    private: {
      scope: 'private',
      route: 'default',
      steps: [{ source: REPOSITORY, separator: ',' }],
      rungs: rungs.filter(({ source }) => source === BUNDLE),
    },
  };
}

/** Names of the upstreams that a step or a rung leads to. */
export function membersAt({ pools }: Plans, source: string): readonly string[] {
  return pools.find(({ name }) => name === source)?.members ?? [source];
}

function drawSteps(names: readonly string[], pooled: readonly string[], dice: Dice): readonly PlanStep[] {
  const alone = names.filter((name) => !pooled.includes(name));
  const sources = pooled.length === 0 ? alone : dice.chance(0.5) ? [POOL, ...alone] : [...alone, POOL];
  return sources.map((source) => ({ source, separator: dice.chance(0.5) ? '|' : ',' }));
}

function planOn(route: string, steps: readonly PlanStep[], rungs: readonly Rung[]): RoutePlan {
  return { scope: 'public', route, steps, rungs };
}

/** The pool has a health of its own on a route of its own. */
function ownPools(steps: readonly PlanStep[], pooled: readonly string[]): readonly PlanStep[] {
  if (pooled.length === 0) return steps;
  return steps.map((step) => (step.source === POOL ? { ...step, source: `${STAGE}/${POOL}` } : step));
}

function poolsOfOne(names: readonly string[], pooled: readonly string[]): readonly SimPool[] {
  const alone = names.filter((name) => !pooled.includes(name));
  return alone.map((name) => ({ name, members: [name], canary: undefined }));
}
