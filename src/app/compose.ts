import { randomBytes } from 'node:crypto';
import type { Config } from '../config/schema.ts';
import { tellServerObservers } from '../observe/fan-out.ts';
import { createEdge, type Edge } from '../server/edge.ts';
import { proxiesAt } from '../server/proxies.ts';
import { systemClock } from '../std/clock.ts';
import { anchorStateOf, startAnchorWatch } from './anchors.ts';
import type { Around } from './around.ts';
import { canaryCommand } from './canary.ts';
import { Closing } from './closing.ts';
import { openEngine } from './engine.ts';
import { gitLook, warnWithoutGit } from './git.ts';
import { storeHealth } from './health.ts';
import { openLadder } from './ladder.ts';
import { ComposedLarder, type Larder } from './larder.ts';
import { startFeed } from './ledger-discover.ts';
import { edgeOptions } from './limits.ts';
import { openObservers } from './observers.ts';
import { probeWhileOpen } from './offline.ts';
import { watchOverload } from './overload.ts';
import { watchPools } from './pools.ts';
import type { ReloadParts } from './reload.ts';
import { isFirst } from './seat.ts';
import { dependenciesOf, serverStanding, statusPage } from './status.ts';
import { findUnusableRows } from './unusable-rows.ts';
import { startReprover } from './verification.ts';

/**
 * THE composition root: makes every part from the configuration and joins them. Rejects with CONFIG_INVALID or STORE_UNAVAILABLE, in one
 * line, when a part cannot be made; what was opened until then is closed again.
 */
export async function composeLarder(config: Config, around: Around): Promise<Larder> {
  const closing = new Closing();
  try {
    const { seat } = around;
    const instanceId = seat?.instanceId ?? randomBytes(4).toString('hex');
    const observers = openObservers(config, around.logTo, { instance: instanceId, worker: seat?.number });
    closing.add(() => observers.close());
    const engine = await openEngine(config, around, { observers, closing, instanceId, ledger: 'own' });
    const { outside, chain, pools } = engine;
    outside.onChange((isShut) => observers.audit.record('offline', { to: isShut ? 'on' : 'off' }));
    const ladder = openLadder({ chain, pools, outside, observers, closing });
    const health = storeHealth(config.data, () => observers.recentTrouble());
    const inFlight = (): number => edge.inFlight;
    const facts = { version: around.version, instanceId, clock: systemClock, inFlight, seat };
    const dependencies = dependenciesOf(
      { clock: systemClock, engine, ladder, health },
      {
        hasGit: isFirst(seat) ? gitLook(around, systemClock) : undefined,
        certificateNotAfter: () => larder.certificateNotAfter,
        anchors: () => anchorStateOf(anchorWatch),
      },
    );
    const edge: Edge = createEdge({
      resolver: engine.resolver,
      databases: engine.databases,
      gate: engine.gate,
      observer: tellServerObservers([observers.server, engine.drills.server]),
      standing: ladder,
      health,
      deepHealth: config.status.enabled ? (seat?.healthOfAll(dependencies) ?? dependencies) : undefined,
      metrics: observers.metrics && (seat?.metricsOfAll(observers.metrics) ?? observers.metrics),
      status: statusPage(config, { ...facts, engine, ladder, health }),
      clock: systemClock,
      redact: (text) => observers.secrets.redact(text),
      proxies: proxiesAt(config.server.proxies),
      sendings: engine.admission.sendings,
      options: { ...edgeOptions(config, instanceId), ...(seat && { requestIds: randomBytes(4).toString('hex') }) },
    });
    watchOverload(engine.admission, config, { observers, closing });
    probeWhileOpen(engine.pools, engine.outside);
    watchPools(engine.pools, observers);
    startReprover(engine, observers, closing);
    startFeed(engine, observers, closing);
    const { keep, repositories } = engine;
    const everyMs = config.anchors.checkEvery;
    const anchorWatch = isFirst(seat)
      ? startAnchorWatch({ store: keep.store, registers: keep.registers, repositories, everyMs, observers, closing })
      : undefined;
    if (isFirst(seat)) void warnWithoutGit(around, observers);
    observers.watch(
      'git_mirror_bytes',
      'Bytes of all mirrors of repositories, as of the last fetch.',
      () => engine.repositories.mirrors.bytes,
    );
    observers.watch('requests_in_flight', 'Requests that have not ended yet.', () => edge.inFlight);
    const { admission, credentials, drills } = engine;
    const status = serverStanding({ ...facts, engine, ladder, health });
    const findUnusable: ReloadParts['findUnusable'] = (read) => findUnusableRows(read, around);
    const larder = new ComposedLarder(config, {
      logTo: around.logTo,
      version: around.version,
      edge,
      admission,
      credentials,
      drills,
      outside,
      observers,
      closing,
      seat,
      status,
      canary: canaryCommand(pools.engines),
      findUnusable,
      dependencies,
    });
    return larder;
  } catch (error) {
    await closing.close();
    throw error;
  }
}
