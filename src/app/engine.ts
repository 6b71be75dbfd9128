import type { Admission } from '../admission/admission.ts';
import type { Config } from '../config/schema.ts';
import { openSpooled } from '../io/spooled-reader.ts';
import { Feed } from '../ledger/feed.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { createPrivacy } from '../policy/private.ts';
import { type ChecksumDatabases, createChecksumDatabases } from '../resolver/checksum-databases.ts';
import { createResolver, type RunningResolver } from '../resolver/resolver.ts';
import { systemClock } from '../std/clock.ts';
import type { GoSumPins } from '../verify/pins.ts';
import { WaitingList } from '../verify/reprove.ts';
import type { SumdbClient } from '../verify/sumdb-client.ts';
import type { Around } from './around.ts';
import { Closing } from './closing.ts';
import { openDatabases } from './databases.ts';
import { createDenial } from './denial.ts';
import { type Keep, openKeep } from './keep.ts';
import { type LedgerUse, openLedgerFor } from './ledger.ts';
import { createDiscover, feeding } from './ledger-discover.ts';
import { resolverLimits } from './limits.ts';
import { openObservers, type Observers } from './observers.ts';
import { openOrigins, type Origins } from './origins.ts';
import { openAdmission } from './overload.ts';
import { openPins } from './preflight.ts';
import { openSharing } from './sharing.ts';
import { openVerification, type Verification } from './verification.ts';

/** Everything behind the edge: what answers questions, without a socket. */
export interface Engine extends Omit<Origins, 'asked' | 'ways'>, Verification {
  readonly keep: Keep;
  /** Of the go.sum files in the configuration. */
  readonly pins: GoSumPins;
  readonly resolver: RunningResolver;
  readonly databases: ChecksumDatabases;
  /** What was stored while nobody could vouch for it. */
  readonly unproven: WaitingList;
  /** Our own checksum database; undefined when none is kept. */
  readonly ledger: Ledger | undefined;
  /** Who gets a turn. */
  readonly admission: Admission;
  /** Hears what is committed. Not started. */
  readonly feed: Feed;
  /** The checksum databases of others that are given out. */
  readonly logs: readonly SumdbClient[];
}

/** What an engine is opened with. */
interface EngineNeeds {
  readonly observers: Observers;
  readonly closing: Closing;
  readonly instanceId: string;
  readonly ledger: LedgerUse;
}

/** Opens an engine, which asks nobody by itself yet. What it opens is added to `closing`. Rejects as composeLarder does. */
export async function openEngine(config: Config, around: Around, needs: EngineNeeds): Promise<Engine> {
  const { observers, closing, instanceId } = needs;
  const pins = await openPins(config);
  const unproven = new WaitingList();
  const feed = new Feed();
  const artifactObserver = { ...observers.artifacts, onUnproven: unproven.add.bind(unproven), ...feeding(feed) };
  const keep = await openKeep(config, artifactObserver, pins);
  closing.add(() => keep.close());
  const sharing = openSharing(config, keep, { seat: around.seat, logger: observers.logger, closing });
  const { leases } = sharing;
  const { asked, ways, ...origins } = await openOrigins(config, around, {
    keep,
    leases,
    instanceId,
    observers,
    closing,
  });
  const { proving, relayed } = openDatabases(config, keep, { ...ways, observer: observers.verify });
  for (const one of new Set([proving, ...relayed])) closing.add(() => one.close());
  const { own, logged, discoverBy } = await openLedgerFor(needs.ledger, config, {
    around,
    keep,
    closing,
    observer: observers.ledger,
    taken: relayed.map(({ name }) => name),
  });
  const vouchers = { pins, database: proving, observer: observers.verify, ...(logged && { ledger: logged }) };
  const verification = openVerification(config, vouchers, closing);
  const { verifier, expectations } = verification;
  const { artifacts, registers, spools } = keep;
  const { chain, gate } = origins;
  const admission = openAdmission(config);
  const resolver = createResolver({
    artifacts,
    registers,
    ...sharing,
    sources: asked,
    local: chain.trees,
    routes: chain.routes.size > 1 ? 'several' : 'one',
    verifier,
    spools,
    openSpooled,
    isDenied: createDenial(expectations),
    clock: systemClock,
    random: Math.random,
    observer: observers.resolver,
    admission,
    limits: resolverLimits(config),
  });
  closing.add(() => resolver.close());
  discoverBy(createDiscover({ expectations, gate, resolver, artifacts }));
  const databases = givenOut(config, relayed, own);
  return {
    ...origins,
    ...verification,
    keep,
    pins,
    unproven,
    feed,
    ledger: own,
    resolver,
    databases,
    admission,
    logs: relayed,
  };
}

/** The checksum databases that clients are given; of what is private none but our own hears. */
function givenOut(config: Config, relayed: readonly SumdbClient[], own: Ledger | undefined): ChecksumDatabases {
  const privacy = createPrivacy(config);
  return createChecksumDatabases({
    served: [
      ...relayed.map((database) => ({ database, takesPrivate: false })),
      ...(own === undefined ? [] : [{ database: own, takesPrivate: true }]),
    ],
    isPrivate: (module) => !privacy.mayTellDatabase(module),
    clock: systemClock,
  });
}

/**
 * Does `work` with an engine for a command that looks at what is stored and reports, and closes it. `name` stands where a server has the id of its
 * instance. Rejects as openEngine does, and with whatever `work` rejects with.
 */
export async function onQuietEngine<T>(
  config: Config,
  { around, name }: { readonly around: Around; readonly name: string },
  work: (engine: Engine) => Promise<T>,
): Promise<T> {
  const closing = new Closing();
  // The report says what went wrong; a log between its lines would not help.
  const quiet: Config = { ...config, log: { ...config.log, level: 'silent' }, metrics: { enabled: false } };
  try {
    const observers = openObservers(quiet, around.logTo);
    closing.add(() => observers.close());
    return await work(await openEngine(quiet, around, { observers, closing, instanceId: name, ledger: 'stored' }));
  } finally {
    await closing.close();
  }
}
