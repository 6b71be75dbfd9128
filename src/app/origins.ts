import type { Config } from '../config/schema.ts';
import type { Leases } from '../coordination/lease.ts';
import type { ConfiguredCredentials } from '../credentials/configured.ts';
import { guardedBy, Outside } from '../io/egress/outside.ts';
import { createGate, type Gate } from '../policy/gate.ts';
import type { SourceDependencies } from '../sources/registry.ts';
import { systemClock } from '../std/clock.ts';
import type { Pool } from '../upstream/asking.ts';
import type { Around } from './around.ts';
import { openBundles } from './bundles.ts';
import { type Chain, createChain } from './chain.ts';
import { openClient } from './clients.ts';
import type { Closing } from './closing.ts';
import { openCredentials } from './credentials.ts';
import { openDrills, type ServerDrills } from './drill.ts';
import { openGuard } from './egress.ts';
import { openRepositories, type Repositories } from './git.ts';
import type { Keep } from './keep.ts';
import type { Observers } from './observers.ts';
import { askedWhileOpen, credentialsWhileOpen } from './offline.ts';
import { openPools, type Pools } from './pools.ts';
import { readRouteRules, varyOf } from './routes.ts';
import { openAccess, type UpstreamAccess } from './upstream-access.ts';

/** Where modules come from, and how that is asked. */
export interface Origins {
  /** The switch of all that leads outside this machine. */
  readonly outside: Outside;
  readonly credentials: ConfiguredCredentials;
  /** Repositories as they are now. */
  readonly repositories: Repositories;
  readonly chain: Chain;
  readonly gate: Gate;
  /** Not started. */
  readonly pools: Pools;
  /** The same as the resolver may ask them: those outside this machine only while that is open. */
  readonly asked: ReadonlyMap<string, Pool>;
  readonly drills: ServerDrills;
  /** How a checksum database is asked, through upstreams or by itself. */
  readonly ways: SourceDependencies & { readonly access: UpstreamAccess };
}

/** What they are opened with. */
interface OriginNeeds {
  readonly keep: Keep;
  /** Of the processes that share the data folder; undefined = this one is alone. */
  readonly leases: Leases | undefined;
  readonly instanceId: string;
  readonly observers: Observers;
  /** What is opened is added here. */
  readonly closing: Closing;
}

/** Opens the way to all that the configuration names. Asks nobody. Rejects with CONFIG_INVALID when something that it names cannot be used. */
export async function openOrigins(config: Config, around: Around, needs: OriginNeeds): Promise<Origins> {
  const { keep, leases, instanceId, observers, closing } = needs;
  const outside = new Outside();
  if (config.offline) outside.shut();
  const guard = guardedBy(outside, openGuard(config));
  const client = openClient(config, around, { instanceId, guard });
  closing.add(() => client.close());
  const credentials = await openCredentials(config, around, observers);
  closing.add(() => credentials.close());
  const shared = { client, credentials: credentialsWhileOpen(credentials, outside) };
  const temporary = keep.folder.temp.path;
  const repositories = openRepositories(config, around, { ...shared, guard, temporary, observers, closing, leases });
  const access = await openAccess(config, around, { shared, guard, instanceId, observers, closing });
  const ways = { ...shared, access };
  const rules = await readRouteRules(config, { environment: around.environment, known: observers.secrets });
  const bundles = await openBundles(config, observers);
  const chain = await createChain(config, { ...ways, repositories: repositories.source, rules, bundles });
  const drills = openDrills(config, around, { chain, pools: () => pools, shared, access, keep, outside, observers });
  const engineParts = { clock: systemClock, random: Math.random, observer: drills.upstream(observers.upstreams) };
  const pools: Pools = openPools(config, chain, { ...engineParts, closing, registers: keep.registers });
  closing.add(() => drills.close());
  const here = new Set([...chain.trees, ...bundles.map(({ name }) => name)]);
  const asked = askedWhileOpen(pools.asked, here, outside);
  const gate = createGate(chain.planFor, varyOf(rules));
  return { outside, credentials, repositories, chain, gate, pools, asked, drills, ways };
}
