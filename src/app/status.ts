import type { Config } from '../config/schema.ts';
import type { Ladder } from '../ladder/ladder.ts';
import { LEVEL_NAMES } from '../ladder/level.ts';
import type { DeepHealth, Health, StatusPage } from '../server/operations.ts';
import type { Clock } from '../std/clock.ts';
import type { Engine } from './engine.ts';
import { deepHealth, type DependencyNeeds } from './deep-health.ts';
import type { Seat } from './seat.ts';

interface StatusNeeds {
  readonly version: string;
  readonly instanceId: string;
  readonly clock: Clock;
  readonly engine: Pick<Engine, 'pools' | 'logs' | 'outside' | 'admission'>;
  readonly ladder: Ladder;
  readonly health: Health;
  /** Requests that have not ended yet. */
  readonly inFlight: () => number;
  /** What the process has of its others, when it is one of several. */
  readonly seat?: Pick<Seat, 'number' | 'workers'> | undefined;
}

/** How everything stands, in one object: names and figures only, no address and no secret. Undefined when it is switched off. */
export function statusPage({ status }: Pick<Config, 'status'>, needs: StatusNeeds): StatusPage | undefined {
  return status.enabled ? serverStanding(needs) : undefined;
}

/** A line for each thing that this process depends on. */
export function dependenciesOf(
  { clock, engine, ladder, health }: Pick<StatusNeeds, 'clock' | 'engine' | 'ladder' | 'health'>,
  others: Pick<DependencyNeeds, 'hasGit' | 'certificateNotAfter' | 'anchors'>,
): DeepHealth {
  const { outside, pools, logs, admission } = engine;
  return deepHealth({
    ...others,
    health,
    clock,
    logs,
    pressure: admission.pressure,
    isOffline: () => outside.isShut,
    routes: () => ladder.standings(),
    pools: () => [...pools.engines.values()].map((pool) => pool.standing()),
  });
}

/** The same for its operator, who may always ask. */
export function serverStanding(needs: StatusNeeds): StatusPage {
  const { seat, version, instanceId: instance, clock, engine, ladder, health, inFlight } = needs;
  const startedAt = clock.monotonic();
  const secondsSince = (at: number): number => Math.floor((clock.monotonic() - at) / 1000);
  return {
    read: async () => ({
      version,
      instance,
      ...(seat && { worker: seat.number, workers: await seat.workers() }),
      uptimeSeconds: secondsSince(startedAt),
      offline: engine.outside.isShut,
      inFlight: inFlight(),
      ladder: ladder.standings().map(({ route, level, since, why }) => {
        return { route, level, name: LEVEL_NAMES[level], forSeconds: secondsSince(since), why };
      }),
      pools: [...engine.pools.engines.values()].map((pool) => pool.standing()),
      databases: engine.logs.map((log) => ({ name: log.name, canServe: log.canServe(), treeSize: log.head()?.size })),
      store: await health.readiness(),
    }),
  };
}
