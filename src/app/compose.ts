import { randomBytes } from 'node:crypto';
import type { Address } from '../config/leaves.ts';
import { withoutPaths } from '../config/redact.ts';
import type { Config } from '../config/schema.ts';
import { openSpooled } from '../io/spooled-reader.ts';
import { createGate, type Gate } from '../policy/gate.ts';
import { createChecksumDatabases } from '../resolver/checksum-databases.ts';
import { createResolver, type RunningResolver } from '../resolver/resolver.ts';
import { createEdge, type Edge } from '../server/edge.ts';
import { type Listener, listen } from '../server/listener.ts';
import { systemClock } from '../std/clock.ts';
import type { GoSumPins } from '../verify/pins.ts';
import type { Verifier } from '../verify/verifier.ts';
import type { ZipInspector } from '../verify/zip-inspector.ts';
import { createChain } from './chain.ts';
import { Closing } from './closing.ts';
import { storeHealth } from './health.ts';
import { type Keep, openKeep } from './keep.ts';
import type { Running } from './lifecycle.ts';
import { drainTimes, edgeOptions, listenerLimits, resolverLimits } from './limits.ts';
import { openObservers, type Observers } from './observers.ts';
import { openClient, openNetrc, openPins } from './preflight.ts';
import { listenFailure } from './start-failure.ts';
import { openVerifier } from './verification.ts';

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
}

/** Everything behind the edge: what answers questions, without a socket. */
export interface Engine {
  readonly keep: Keep;
  /** Of the go.sum files in the configuration. */
  readonly pins: GoSumPins;
  readonly resolver: RunningResolver;
  readonly gate: Gate;
  readonly verifier: Verifier;
  readonly inspector: ZipInspector;
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
    const engine = await openEngine(config, around, { observers, closing, instanceId });
    const edge = createEdge({
      resolver: engine.resolver,
      databases: createChecksumDatabases({ served: [], isPrivate: () => false }),
      gate: engine.gate,
      observer: observers.server,
      health: storeHealth(config.data, () => observers.recentTrouble()),
      metrics: observers.metrics,
      clock: systemClock,
      options: edgeOptions(config, instanceId),
    });
    observers.watch('requests_in_flight', 'Requests that have not ended yet.', () => edge.inFlight);
    return new ComposedLarder(config, edge, observers, closing);
  } catch (error) {
    await closing.close();
    throw error;
  }
}

/** The engine alone, for `serve` and for `fsck --repair`. What it opens is added to `closing`. */
export async function openEngine(
  config: Config,
  around: Around,
  {
    observers,
    closing,
    instanceId,
  }: { readonly observers: Observers; readonly closing: Closing; readonly instanceId: string },
): Promise<Engine> {
  const pins = await openPins(config);
  const keep = await openKeep(config, observers.artifacts, pins);
  closing.add(() => keep.close());
  const client = openClient(config, around, instanceId);
  closing.add(() => client.close());
  const { verifier, inspector } = openVerifier(config, pins, closing);
  const netrc = await openNetrc(around);
  const { sources, planFor } = await createChain(config, { client, netrc });
  const resolver = createResolver({
    artifacts: keep.artifacts,
    registers: keep.registers,
    sources,
    verifier,
    spools: keep.spools,
    openSpooled,
    clock: systemClock,
    random: Math.random,
    observer: observers.resolver,
    limits: resolverLimits(config),
  });
  closing.add(() => resolver.close());
  return { keep, pins, verifier, inspector, resolver, gate: createGate(planFor) };
}

class ComposedLarder implements Larder {
  readonly #config: Config;
  readonly #edge: Edge;
  readonly #observers: Observers;
  readonly #closing: Closing;
  #listener: Listener | undefined;

  constructor(config: Config, edge: Edge, observers: Observers, closing: Closing) {
    this.#config = config;
    this.#edge = edge;
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
