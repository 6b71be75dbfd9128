import { randomBytes } from 'node:crypto';
import type { Address } from '../config/leaves.ts';
import { withoutPaths } from '../config/redact.ts';
import type { Loaded } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { ConfiguredCredentials } from '../credentials/configured.ts';
import { openSpooled } from '../io/spooled-reader.ts';
import { createGate, type Gate } from '../policy/gate.ts';
import { createPrivacy } from '../policy/private.ts';
import { type ChecksumDatabases, createChecksumDatabases } from '../resolver/checksum-databases.ts';
import { createResolver, type RunningResolver } from '../resolver/resolver.ts';
import { createEdge, type Edge } from '../server/edge.ts';
import { type Listener, listen } from '../server/listener.ts';
import { systemClock } from '../std/clock.ts';
import type { GoSumPins } from '../verify/pins.ts';
import { Reprover, WaitingList } from '../verify/reprove.ts';
import { Feed } from '../ledger/feed.ts';
import type { Discover, Ledger } from '../ledger/ledger.ts';
import { startAnchorWatch } from './anchors.ts';
import { createChain } from './chain.ts';
import { openCredentials } from './credentials.ts';
import { Closing } from './closing.ts';
import { openDatabases } from './databases.ts';
import { openGuard } from './egress.ts';
import { storeHealth } from './health.ts';
import { type Keep, openKeep } from './keep.ts';
import type { Running } from './lifecycle.ts';
import { openOwnLedger } from './ledger.ts';
import { openStoredLedger } from './provers.ts';
import { createDenial } from './denial.ts';
import { openRepositories, type Repositories, warnWithoutGit } from './git.ts';
import { createDiscover, feeding } from './ledger-discover.ts';
import { ConfigReload } from './reload.ts';
import { drainTimes, edgeOptions, listenerLimits, resolverLimits } from './limits.ts';
import { openObservers, type Observers } from './observers.ts';
import { openClient, openPins } from './preflight.ts';
import { listenFailure } from './start-failure.ts';
import { openVerification, type Verification } from './verification.ts';

/** What a Larder needs of the process around it. */
export interface Around {
  /** Of the program. */
  readonly version: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly home: string | undefined;
  /** Where log lines go: a file descriptor, or the path of a file. */
  readonly logTo: number | string;
}

/** The whole program, put together but not listening. Stop it also when start() rejects. */
export interface Larder extends Running {
  /** Opens the port and resolves with where it is. Rejects with CONFIG_INVALID when that cannot be. May be called once. */
  start(): Promise<Address>;
  /** From now on looks whether `file`, which the configuration was read from, changes; `load` reads it again. */
  watch(file: string, load: () => Promise<Loaded>): void;
}

/** Everything behind the edge: what answers questions, without a socket. */
export interface Engine extends Pick<Verification, 'verifier' | 'inspector' | 'expectations'> {
  readonly keep: Keep;
  /** Of the go.sum files in the configuration. */
  readonly pins: GoSumPins;
  readonly resolver: RunningResolver;
  readonly gate: Gate;
  readonly databases: ChecksumDatabases;
  /** What was stored while nobody could vouch for it. */
  readonly unproven: WaitingList;
  /** Our own checksum database; undefined when none is kept. */
  readonly ledger: Ledger | undefined;
  /** Repositories as they are now. */
  readonly repositories: Repositories;
  readonly credentials: ConfiguredCredentials;
  /** Hears what is committed. Not started. */
  readonly feed: Feed;
}

/**
 * THE composition root: makes every part from the configuration and joins them. Rejects with CONFIG_INVALID or STORE_UNAVAILABLE, in one
 * line, when a part cannot be made; what was opened until then is closed again.
 */
export async function composeLarder(config: Config, around: Around): Promise<Larder> {
  const closing = new Closing();
  try {
    const observers = openObservers(config, around.logTo);
    closing.add(() => observers.close());
    const instanceId = randomBytes(4).toString('hex');
    const engine = await openEngine(config, around, { observers, closing, instanceId, ledger: 'own' });
    const edge = createEdge({
      resolver: engine.resolver,
      databases: engine.databases,
      gate: engine.gate,
      observer: observers.server,
      health: storeHealth(config.data, () => observers.recentTrouble()),
      metrics: observers.metrics,
      clock: systemClock,
      redact: (text) => observers.secrets.redact(text),
      options: edgeOptions(config, instanceId),
    });
    startReprover(engine, observers, closing);
    startFeed(engine, observers, closing);
    const { keep, repositories } = engine;
    const everyMs = config.anchors.checkEvery;
    startAnchorWatch({ store: keep.store, registers: keep.registers, repositories, everyMs, observers, closing });
    void warnWithoutGit(around, observers);
    observers.watch(
      'git_mirror_bytes',
      'Bytes of all mirrors of repositories, as of the last fetch.',
      () => engine.repositories.mirrors.bytes,
    );
    observers.watch('requests_in_flight', 'Requests that have not ended yet.', () => edge.inFlight);
    return new ComposedLarder(config, { edge, credentials: engine.credentials, observers, closing });
  } catch (error) {
    await closing.close();
    throw error;
  }
}

const NEVER = new AbortController().signal;

/** What an engine is opened with. */
interface EngineNeeds {
  readonly observers: Observers;
  readonly closing: Closing;
  readonly instanceId: string;
  /** `own` to log and to sign, which needs the key; `stored` to know what is logged. */
  readonly ledger: 'own' | 'stored';
}

/** The engine alone, for `serve` and for `fsck`. What it opens is added to `closing`. */
export async function openEngine(config: Config, around: Around, needs: EngineNeeds): Promise<Engine> {
  const { observers, closing, instanceId } = needs;
  const pins = await openPins(config);
  const unproven = new WaitingList();
  const feed = new Feed();
  const artifactObserver = { ...observers.artifacts, onUnproven: unproven.add.bind(unproven), ...feeding(feed) };
  const keep = await openKeep(config, artifactObserver, pins);
  closing.add(() => keep.close());
  const guard = openGuard(config);
  const client = openClient(config, around, { instanceId, guard });
  closing.add(() => client.close());
  const credentials = await openCredentials(config, around, observers);
  closing.add(() => credentials.close());
  const temporary = keep.folder.temp.path;
  const repositories = openRepositories(config, around, { client, guard, credentials, temporary, observers, closing });
  const { sources, planFor } = await createChain(config, { client, credentials, repositories: repositories.source });
  const observer = observers.verify;
  const { proving, relayed } = openDatabases(config, keep, { client, credentials, observer });
  // The ledger asks the resolver for what it does not know, and what the resolver stores is checked against the ledger.
  const discovering = Promise.withResolvers<Discover>();
  const openOwn = (): Promise<Ledger | undefined> =>
    openOwnLedger(config, around, {
      keep,
      observer: observers.ledger,
      taken: relayed.map(({ name }) => name),
      discover: async (module, o) => await (await discovering.promise)(module, o),
    });
  const ledger = needs.ledger === 'own' ? await openOwn() : undefined;
  if (ledger !== undefined) closing.add(() => ledger.close());
  const logged = needs.ledger === 'own' ? ledger : await openStoredLedger({ shelves: keep, closing, signal: NEVER });
  const vouchers = { pins, database: proving, observer, ...(logged && { ledger: logged }) };
  const verification = openVerification(config, vouchers, closing);
  const resolver = createResolver({
    artifacts: keep.artifacts,
    registers: keep.registers,
    sources,
    verifier: verification.verifier,
    spools: keep.spools,
    openSpooled,
    isDenied: createDenial(verification.expectations),
    clock: systemClock,
    random: Math.random,
    observer: observers.resolver,
    limits: resolverLimits(config),
  });
  closing.add(() => resolver.close());
  const privacy = createPrivacy(config);
  const gate = createGate(planFor);
  const { artifacts } = keep;
  discovering.resolve(createDiscover({ expectations: verification.expectations, gate, resolver, artifacts }));
  const databases = createChecksumDatabases({
    served: [
      ...relayed.map((database) => ({ database, takesPrivate: false })),
      ...(ledger === undefined ? [] : [{ database: ledger, takesPrivate: true }]),
    ],
    isPrivate: (module) => !privacy.mayTellDatabase(module),
    clock: systemClock,
  });
  return { ...verification, keep, pins, unproven, feed, ledger, resolver, databases, gate, repositories, credentials };
}

/** Only where questions are answered: a check of what is stored has nobody who waits, and ends. */
function startReprover({ unproven, keep, expectations }: Engine, observers: Observers, closing: Closing): void {
  const reprover = new Reprover({
    waiting: unproven,
    artifacts: keep.artifacts,
    ask: (kind, module, o) => expectations.once(kind, module, o),
    clock: systemClock,
    random: Math.random,
    observer: observers.verify,
  });
  closing.add(() => reprover.close());
  observers.watch(
    'unproven_waiting',
    'Artifacts that were stored unproven and wait to be proven.',
    () => unproven.size,
  );
}

/** Likewise: what a check or a repair commits is logged when somebody looks it up. */
function startFeed({ feed, ledger }: Engine, observers: Observers, closing: Closing): void {
  if (ledger === undefined) return;
  feed.start(ledger, observers.ledger);
  observers.watch('ledger_records', 'Records of our own checksum database.', () => ledger.size);
  closing.add(() => feed.close());
}

/** What a Larder that is put together holds. */
interface RunningParts {
  readonly edge: Edge;
  readonly credentials: ConfiguredCredentials;
  readonly observers: Observers;
  readonly closing: Closing;
}

class ComposedLarder implements Larder {
  readonly #config: Config;
  readonly #edge: Edge;
  readonly #credentials: ConfiguredCredentials;
  readonly #observers: Observers;
  readonly #closing: Closing;
  #listener: Listener | undefined;

  constructor(config: Config, { edge, credentials, observers, closing }: RunningParts) {
    this.#config = config;
    this.#edge = edge;
    this.#credentials = credentials;
    this.#observers = observers;
    this.#closing = closing;
  }

  async start(): Promise<Address> {
    const { listen: address, tls, data, upstream } = this.#config;
    const files = tls.cert !== undefined && tls.key !== undefined ? { cert: tls.cert, key: tls.key } : undefined;
    const options = { ...address, tls: files, limits: listenerLimits(this.#config) };
    try {
      this.#listener = await listen(this.#edge, options, { clock: systemClock, observer: this.#observers.listener });
    } catch (error) {
      throw listenFailure(error, `${address.host}:${address.port}`);
    }
    const { host, port, url } = this.#listener;
    this.#observers.logger.info({ url, data, upstream: withoutPaths(upstream) }, 'listening');
    return { host, port };
  }

  watch(file: string, load: () => Promise<Loaded>): void {
    const reload = new ConfigReload({
      file,
      load,
      everyMs: this.#config.tls.checkEvery,
      clock: systemClock,
      config: this.#config,
      replaceRows: (rows) => this.#credentials.replaceRows(rows),
      log: this.#observers.logger,
    });
    this.#closing.add(() => reload.close());
  }

  async drain({ lingers }: { readonly lingers: boolean }): Promise<void> {
    this.#observers.logger.info({ inFlight: this.#edge.inFlight }, 'draining');
    const times = drainTimes(this.#config);
    const outcome = await this.#listener?.drain(lingers ? times : { ...times, acceptMs: 0 });
    this.#observers.logger.info({ outcome }, 'stopped');
    await this.#closing.close();
  }

  async stopNow(): Promise<void> {
    this.#listener?.hurry();
    await this.#closing.close();
  }

  logFatal(error: unknown): void {
    this.#observers.logger.error({ err: error }, 'a defect that nobody caught; stopping');
  }
}
