import type { Admission } from '../admission/admission.ts';
import type { Address } from '../config/leaves.ts';
import { withoutPaths } from '../config/redact.ts';
import type { Config } from '../config/schema.ts';
import { type ControlCommand, deskOf } from '../control/desk.ts';
import type { ConfiguredCredentials } from '../credentials/configured.ts';
import type { Outside } from '../io/egress/outside.ts';
import type { Counts } from '../observe/merged-metrics.ts';
import type { Edge } from '../server/edge.ts';
import { type Listener, listen } from '../server/listener.ts';
import type { DeepHealth, DependencyState, StatusPage } from '../server/operations.ts';
import { proxiesAt } from '../server/proxies.ts';
import { systemClock } from '../std/clock.ts';
import { messageOf } from '../std/errors.ts';
import type { Around } from './around.ts';
import type { Closing } from './closing.ts';
import { offlineCommand, openOwnControl, statusCommand } from './control.ts';
import type { ServerDrills } from './drill.ts';
import type { DrainOrder, Running } from './lifecycle.ts';
import { drainTimes } from './limits.ts';
import type { Observers } from './observers.ts';
import { affordableConnections } from './overload.ts';
import { ConfigReload, type ConfigSource, type ReloadParts } from './reload.ts';
import type { Seat } from './seat.ts';
import { listenFailure } from './start-failure.ts';
import { watchEventLoop } from './watchdog.ts';

/** The whole program, put together but not listening. */
export interface Larder extends Running {
  /** Opens the port and resolves with where it is. Rejects with CONFIG_INVALID when that cannot be; all is stopped then. May be called once. */
  start(): Promise<Address>;
  /** From now on looks whether the file that the configuration was read from changes. */
  watch(source: ConfigSource): void;
  /** From now on nothing outside this machine is touched, and what is under way outside ends; or all is as before. */
  setOffline(to: 'on' | 'off'): void;
  readonly isOffline: boolean;
  /** What its operator can have done, by name. */
  readonly commands: ReadonlyMap<string, ControlCommand>;
  /** How each thing is that this process depends on. */
  dependencies(): Promise<readonly DependencyState[]>;
  /** What it has counted; nothing when metrics are off. */
  counts(): Promise<Counts>;
}

/** What a Larder that is put together holds. */
export interface LarderParts {
  /** Of the program. */
  readonly version: string;
  readonly edge: Edge;
  readonly admission: Admission;
  readonly credentials: ConfiguredCredentials;
  readonly drills: ServerDrills;
  readonly outside: Outside;
  readonly observers: Observers;
  readonly closing: Closing;
  readonly seat: Seat | undefined;
  readonly status: StatusPage;
  readonly canary: ControlCommand;
  /** What rows of a configuration that is read again name and cannot be used. */
  readonly findUnusable: ReloadParts['findUnusable'];
  readonly dependencies: DeepHealth;
  readonly logTo: Around['logTo'];
}

/** The parts of a Larder, as one thing that starts and stops. */
export class ComposedLarder implements Larder {
  readonly #config: Config;
  readonly #parts: LarderParts;
  readonly commands: ReadonlyMap<string, ControlCommand>;
  #listener: Listener | undefined;
  #hasStopped = false;

  constructor(config: Config, parts: LarderParts) {
    this.#config = config;
    this.#parts = parts;
    this.commands = new Map([
      ['status', statusCommand(parts.status)],
      ['offline', offlineCommand(this)],
      ['canary', parts.canary],
      ...parts.drills.commands,
    ]);
  }

  async start(): Promise<Address> {
    const { listen: address, tls, data, upstream } = this.#config;
    const { edge, admission, observers, closing, seat, version, logTo } = this.#parts;
    const files = tls.cert !== undefined && tls.key !== undefined ? { cert: tls.cert, key: tls.key } : undefined;
    const options = {
      ...address,
      tls: files,
      limits: affordableConnections(this.#config),
      incoming: seat?.incoming,
    };
    const proxies = proxiesAt(this.#config.server.proxies);
    const isOutOfDescriptors = (): boolean => admission.pressure.isOutOf('descriptors');
    const { listener: observer, logger, audit } = observers;
    try {
      this.#listener = await listen(edge, options, { clock: systemClock, observer, proxies, isOutOfDescriptors });
    } catch (error) {
      await this.stopNow();
      throw listenFailure(error, `${address.host}:${address.port}`);
    }
    const { host, port, url } = this.#listener;
    watchCertificate(this.#listener, observers);
    if (seat === undefined) watchEventLoop(this.#config.watchdog, { logTo, closing });
    // Of several processes the one that started them is asked.
    if (seat === undefined) await openOwnControl(data, deskOf(this.commands), { logger, closing });
    logger.info({ url, data, upstream: withoutPaths(upstream) }, 'listening');
    audit.record('start', { version, pid: process.pid, url, offline: this.isOffline });
    return { host, port };
  }

  watch(source: ConfigSource): void {
    const { credentials, findUnusable, observers, closing } = this.#parts;
    const reload = new ConfigReload({
      ...source,
      everyMs: this.#config.tls.checkEvery,
      clock: systemClock,
      config: this.#config,
      findUnusable,
      replaceRows: (rows) => credentials.replaceRows(rows),
      audit: observers.audit,
      log: observers.logger,
    });
    closing.add(() => reload.close());
  }

  setOffline(to: 'on' | 'off'): void {
    if (to === 'on') this.#parts.outside.shut();
    else this.#parts.outside.open();
  }

  get isOffline(): boolean {
    return this.#parts.outside.isShut;
  }

  get certificateNotAfter(): number | undefined {
    return this.#listener?.certificateNotAfter;
  }

  async dependencies(): Promise<readonly DependencyState[]> {
    return await this.#parts.dependencies.read();
  }

  async counts(): Promise<Counts> {
    return (await this.#parts.observers.metrics?.counts()) ?? [];
  }

  async drain({ lingers, othersServe = false }: DrainOrder): Promise<void> {
    const { edge, drills, observers, closing } = this.#parts;
    observers.logger.info({ inFlight: edge.inFlight }, 'draining');
    void drills.close();
    const times = { ...drainTimes(this.#config), othersServe };
    const outcome = await this.#listener?.drain(lingers ? times : { ...times, acceptMs: 0 });
    observers.logger.info({ outcome }, 'stopped');
    this.#stopped({ how: 'drained', outcome });
    await closing.close();
  }

  async stopNow(): Promise<void> {
    this.#stopped({ how: 'at once' });
    this.#listener?.hurry();
    await this.#parts.closing.close();
  }

  logFatal(error: unknown): void {
    this.#parts.observers.logger.error({ err: error }, 'a defect that nobody caught; stopping');
    this.#stopped({ how: 'defect', why: messageOf(error) });
  }

  /** The first reason counts. Of one that has never listened nothing is told. */
  #stopped(facts: object): void {
    if (this.#listener !== undefined && !this.#hasStopped) this.#parts.observers.audit.record('stop', { ...facts });
    this.#hasStopped = true;
  }
}

function watchCertificate(listener: Listener, observers: Observers): void {
  observers.watchEach(
    'tls_certificate_seconds_left',
    'Time until the certificate of our own port ends; below 0 it has. Absent without TLS.',
    () => {
      const notAfter = listener.certificateNotAfter;
      return notAfter === undefined ? [] : [{ labels: {}, value: Math.round((notAfter - systemClock.now()) / 1000) }];
    },
    [],
  );
}
