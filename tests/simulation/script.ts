/** What is going to happen in a world, drawn from its seed before anything does. */
import type { ArtifactId, ModulePath, Version } from '../../src/gomod/module.ts';
import type { RoutePlan } from '../../src/policy/plan.ts';
import type { Dice } from './dice.ts';
import { BUNDLE, drawPlans, type Plans, REPOSITORY } from './plans.ts';
import { planStore, type StorePlan } from './sim-store.ts';
import { moduleOf } from './subjects.ts';
import { MODULES, NOWHERE, PRIVATE, VERSIONS } from './truth.ts';
import { planUpstream, type UpstreamPlan } from './upstreams.ts';
import type { Voucher } from './vouching.ts';

/** What a client wants to know. */
export type Subject =
  | { readonly kind: 'artifact'; readonly id: ArtifactId }
  | { readonly kind: 'list' | 'latest' | 'branch'; readonly module: ModulePath };

/** One question of one client. */
export interface Wish {
  /** When it comes, virtual ms. */
  readonly at: number;
  /** Which of the nodes it comes to. */
  readonly node: number;
  /** Name of the route that it takes, unless it is for something private. */
  readonly route: string;
  readonly subject: Subject;
  readonly mayFetch: 'yes' | 'no';
  readonly accepts: 'arriving' | undefined;
  /** How long the client stays; undefined = until it is answered. */
  readonly patienceMs: number | undefined;
}

/** When a node is killed; another one takes its place at once. */
interface Kill {
  readonly at: number;
  readonly node: number;
}

/** When a node stands still, and for how long. */
interface Pause extends Kill {
  readonly forMs: number;
}

/** When a node may touch nothing outside. */
interface Spell {
  readonly node: number;
  readonly from: number;
  readonly to: number;
}

export interface Script {
  /** All there are: those of the lists, peers, the bundle, the repository. */
  readonly upstreams: readonly UpstreamPlan[];
  readonly plans: Plans;
  readonly nodes: number;
  readonly store: StorePlan;
  readonly wishes: readonly Wish[];
  readonly kills: readonly Kill[];
  readonly pauses: readonly Pause[];
  readonly offline: readonly Spell[];
  /** Whether the nodes tell each other what they fetch. */
  readonly isShared: boolean;
  readonly streamAboveBytes: number;
  readonly voucher: Voucher;
  /** Whether members of pools are probed. */
  readonly isProbed: boolean;
  /** Whether somebody looks on which level of the ladder the routes stand. */
  readonly hasLadder: boolean;
}

/** A world's script. What only some worlds have is drawn by dice of its own. */
export function drawScript(dice: Dice): Script {
  const more = dice.fork(9);
  const nodes = dice.chance(0.35) ? 2 : 1;
  const names = ['A', 'B', 'C', 'D'].slice(0, dice.between(1, 4));
  const steady = dice.chance(0.75) ? dice.pick(names) : undefined;
  const listed = [...names, REPOSITORY].map((name) => planUpstream(name, dice, name === steady));
  const peers = more.chance(0.25) ? ['P', 'Q'].slice(0, more.between(1, 2)) : [];
  const rungs = [...peers, ...(more.chance(0.2) ? [BUNDLE] : [])];
  const plans = drawPlans({ names, peers, hasBundle: rungs.includes(BUNDLE) }, dice, more);
  const horizon = dice.pick([500, 5000, 20_000]);
  return {
    upstreams: [...listed, ...rungs.map((name) => planUpstream(name, more, more.chance(0.5)))],
    plans,
    nodes,
    store: planStore(dice),
    wishes: drawWishes(dice, nodes, horizon, [...plans.routes.keys()]),
    kills: dice.chance(0.2) ? [{ at: dice.between(1, horizon), node: dice.between(0, nodes - 1) }] : [],
    pauses: dice.chance(0.15) ? [drawPause(dice, nodes, horizon)] : [],
    offline: more.chance(0.15) ? [drawSpell(more, nodes, horizon)] : [],
    isShared: nodes > 1 && dice.chance(0.8),
    streamAboveBytes: dice.chance(0.3) ? 10 : 1_000_000,
    voucher: more.chance(0.2) ? more.pick(['exemption', 'unproven'] as const) : 'sumdb',
    isProbed: more.chance(0.12),
    hasLadder: more.chance(0.3),
  };
}

/** The plan of a question. */
export function planFor({ plans }: Script, { subject, route }: Pick<Wish, 'subject' | 'route'>): RoutePlan {
  return moduleOf(subject) === PRIVATE ? plans.private : (plans.routes.get(route) as RoutePlan);
}

/** Some begin with it. */
function drawSpell(dice: Dice, nodes: number, horizon: number): Spell {
  const from = dice.chance(0.2) ? 0 : dice.between(1, horizon);
  return { node: dice.between(0, nodes - 1), from, to: from + dice.pick([300, 3000, 30_000]) };
}

function drawPause(dice: Dice, nodes: number, horizon: number): Pause {
  return { at: dice.between(1, horizon), node: dice.between(0, nodes - 1), forMs: dice.pick([1000, 8000, 30_000]) };
}

/** Some of them come as a herd: the same question to all nodes, in the same moment or soon after. */
function drawWishes(dice: Dice, nodes: number, horizon: number, routes: readonly string[]): readonly Wish[] {
  const wishes: Wish[] = [];
  for (let i = dice.between(2, 4); i > 0; i--) {
    const subject = drawSubject(dice);
    const at = dice.between(0, horizon);
    for (let j = dice.between(1, 3); j > 0; j--) wishes.push(drawWish(dice, { subject, at, node: j % nodes, routes }));
  }
  return wishes;
}

interface Herd extends Pick<Wish, 'subject' | 'at' | 'node'> {
  readonly routes: readonly string[];
}

function drawWish(dice: Dice, { subject, at, node, routes }: Herd): Wish {
  return {
    at: at + (dice.chance(0.5) ? 0 : dice.between(0, 3000)),
    node,
    route: dice.pick(routes),
    subject,
    mayFetch: dice.chance(0.06) ? 'no' : 'yes',
    accepts: dice.chance(0.5) ? 'arriving' : undefined,
    patienceMs: dice.chance(0.2) ? dice.between(0, 4000) : undefined,
  };
}

function drawSubject(dice: Dice): Subject {
  const module = dice.chance(0.12) ? PRIVATE : dice.pick(MODULES.slice(0, 2));
  const what = dice.pick(['zip', 'zip', 'zip', 'mod', 'mod', 'info', 'info', 'list', 'latest', 'branch'] as const);
  if (what === 'list' || what === 'latest' || what === 'branch') return { kind: what, module };
  const version: Version = dice.chance(0.08) ? NOWHERE : dice.pick(VERSIONS);
  return { kind: 'artifact', id: { module: { path: module, version }, kind: what } };
}
