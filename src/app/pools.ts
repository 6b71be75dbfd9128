import type { PeerRow } from '../config/peer-rows.ts';
import type { RouteRow } from '../config/route-rows.ts';
import type { Config } from '../config/schema.ts';
import type { Register } from '../coordination/register.ts';
import { parseRate } from '../config/units.ts';
import type { UpstreamRow } from '../config/upstream-rows.ts';
import type { ModulePath, ModuleVersion, Version } from '../gomod/module.ts';
import type { Labelled } from '../observe/metrics.ts';
import type { Source } from '../sources/source.ts';
import type { Pool } from '../upstream/asking.ts';
import { createPool, type EngineParts, type EnginePool } from '../upstream/engine.ts';
import { Pace, paced } from '../upstream/paced-pool.ts';
import { type Probed, probed } from '../upstream/probing.ts';
import type { MemberSettings } from '../upstream/settings.ts';
import type { HealthState, MemberStanding } from '../upstream/standing.ts';
import { unpooled } from '../upstream/unpooled.ts';
import { canaryMemory } from './canary-memory.ts';
import type { Chain, PoolMember, PoolPlan } from './chain.ts';
import type { Closing } from './closing.ts';
import { engineLimits } from './engine-limits.ts';
import type { Observers } from './observers.ts';

/** What the resolver asks, and what is done to it besides. */
export interface Pools {
  /** By the names that stand in plans. */
  readonly asked: ReadonlyMap<string, Pool>;
  /** Those with members, by name, in the order of the chains. */
  readonly engines: ReadonlyMap<string, EnginePool>;
  /** Begins to probe those whose members have rows: not for a check of what is stored, which asks nobody without need. */
  start(): void;
}

/** What pools are opened with. */
interface PoolNeeds extends EngineParts {
  readonly closing: Closing;
  /** Where the stages of canaries are remembered. */
  readonly registers: Register;
}

/** The usual weight of a row is the engine's 1. */
const USUAL_WEIGHT = 10;
/** What the distance to another region multiplies the cost by. */
const ELSEWHERE = 2;

/** The pools of `chain`. They are closed with `closing`. Throws CONFIG_INVALID as createPool does. */
export function openPools(config: Config, chain: Chain, needs: PoolNeeds): Pools {
  const probes = new Map<Source, Probed>();
  const paces = new Map<string, Pace>();
  const opened = chain.pools.map((plan) => {
    const members = plan.members.map((member) => {
      const settings = settingsOf(config, member, probes);
      if (!settings.isCanary) return settings;
      return { ...settings, canaryMemory: canaryMemory(needs.registers, plan.name, settings.source.name) };
    });
    const engine = createPool({ name: plan.name, members, limits: engineLimits(config, plan.route) }, needs);
    needs.closing.add(() => engine.close());
    return { name: plan.name, engine, asked: pacedBy(paceOf(config, plan, paces, needs), engine) };
  });
  const single = [...chain.sources.values()].map((source) => unpooled(source));
  return {
    asked: new Map([
      ...single.map((pool) => [pool.name, pool] as const),
      ...opened.map(({ name, asked }) => [name, asked] as const),
    ]),
    engines: new Map(opened.map(({ name, engine }) => [name, engine])),
    start: () => {
      for (const { engine } of opened) engine.start();
    },
  };
}

/** A URL that stands in a chain has nobody beside it to be compared with: it is left alone by what really happens to it, and nobody is asked on its account. */
function settingsOf(config: Config, { source, row }: PoolMember, probes: Map<Source, Probed>): MemberSettings {
  const upstream: Partial<UpstreamRow> & Partial<PeerRow> = row ?? {};
  const { weight = USUAL_WEIGHT, rate, region, connections = config.fetch.maxConnections, canary = false } = upstream;
  const ratePerSecond = rate === undefined ? undefined : parseRate(rate);
  const known = row === undefined ? undefined : (probes.get(source) ?? probed(source, versionIn(upstream.probe)));
  if (known !== undefined) probes.set(source, known);
  const isElsewhere = region !== undefined && config.region !== undefined && region !== config.region;
  return {
    source: known?.source ?? source,
    weight: weight / USUAL_WEIGHT,
    regionFactor: isElsewhere ? ELSEWHERE : 1,
    maxInFlight: connections,
    isCanary: canary,
    ...(ratePerSecond !== undefined && { ratePerSecond }),
    ...(known && { probe: known.probe }),
  };
}

/** `module@version`, already checked. */
function versionIn(text: string | undefined): ModuleVersion | undefined {
  const [path, version] = text?.split('@') ?? [];
  return path === undefined || version === undefined
    ? undefined
    : { path: path as ModulePath, version: version as Version };
}

/** All pools of a route share its rate. */
function paceOf(
  { engine }: Config,
  { route }: PoolPlan,
  paces: Map<string, Pace>,
  { clock }: EngineParts,
): Pace | undefined {
  const ratePerSecond = route?.rate === undefined ? undefined : parseRate(route.rate);
  if (route === undefined || ratePerSecond === undefined) return undefined;
  const pace =
    paces.get(route.name) ??
    new Pace(
      {
        name: route.name,
        ratePerSecond,
        burst: burstOf(route, ratePerSecond),
        waitMs: engine.turnWait,
        code: codeOf(route),
      },
      clock,
    );
  paces.set(route.name, pace);
  return pace;
}

function burstOf({ burst }: RouteRow, ratePerSecond: number): number {
  return burst ?? Math.max(1, Math.ceil(ratePerSecond));
}

function codeOf({ credential }: RouteRow): 'OVERLOADED' | 'QUOTA_EXCEEDED' {
  return credential === undefined ? 'OVERLOADED' : 'QUOTA_EXCEEDED';
}

/** Gauges of how the members stand, as often as somebody looks. */
export function watchPools({ engines }: Pools, { watchEach }: Pick<Observers, 'watchEach'>): void {
  const standings = (): readonly (readonly [pool: string, member: MemberStanding])[] =>
    [...engines.values()].flatMap((engine) => {
      const { name, members } = engine.standing();
      return members.map((member) => [name, member] as const);
    });
  const each = (read: (member: MemberStanding) => number | undefined) => (): readonly Labelled[] =>
    standings().flatMap(([pool, member]) => {
      const value = read(member);
      return value === undefined ? [] : [{ labels: { pool, member: member.name }, value }];
    });
  const labels = ['pool', 'member'];
  watchEach(
    'upstream_state',
    'How a member of a pool stands: 1 for the state it is in (up, suspect, open or half-open), 0 for the others.',
    () =>
      standings().flatMap(([pool, { name, state }]) =>
        STATES.map((one) => ({ labels: { pool, member: name, state: one }, value: one === state ? 1 : 0 })),
      ),
    [...labels, 'state'],
  );
  watchEach(
    'upstream_latency_seconds',
    'Mean time to the first byte of a member of a pool, newer questions counting more.',
    each(({ latencyMs }) => (latencyMs === undefined ? undefined : latencyMs / 1000)),
    labels,
  );
  watchEach(
    'upstream_canary_percent',
    'Percent of the modules that go to a canary first; 0 = it was rolled back.',
    each(({ canaryPercent }) => canaryPercent),
    labels,
  );
}

const STATES: readonly HealthState[] = ['up', 'suspect', 'open', 'half-open'];

function pacedBy(pace: Pace | undefined, pool: EnginePool): Pool {
  return pace === undefined ? pool : paced(pool, pace);
}
