import { createServer, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Clock } from '../std/clock.ts';
import { AppError, messageOf, systemCodeOf, toAppError } from '../std/errors.ts';
import { ConnectionLimit } from './connection-limit.ts';
import type { Edge } from './edge.ts';
import { loadTlsIdentity, type TlsFiles, tlsFilesMark } from './tls-files.ts';

/** Bounds on what one client, and all of them, may hold open. */
export interface ListenerLimits {
  /** From the first byte of a request to the end of its headers, ms. */
  readonly headersTimeoutMs: number;
  /** From the first byte of a request to its end, ms. */
  readonly requestTimeoutMs: number;
  /** An idle connection is kept for this long, ms: longer than the 60 s of a reverse proxy, so that it is the one that closes. */
  readonly keepAliveMs: number;
  /** How often the timeouts above are looked at, ms. */
  readonly checkEveryMs: number;
  readonly maxHeaderBytes: number;
  readonly maxConnections: number;
  /** Connections of one address. */
  readonly perAddress: number;
  /** Connections of a loopback address: a reverse proxy on the same machine is many clients. */
  readonly perLoopback: number;
  readonly backlog: number;
  /** How often the TLS files are looked at, ms. */
  readonly tlsCheckEveryMs: number;
}

/** The figures of the reliability rules. */
export const defaultListenerLimits: ListenerLimits = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 15_000,
  keepAliveMs: 65_000,
  checkEveryMs: 2_000,
  maxHeaderBytes: 16 * 1024,
  maxConnections: 12_000,
  perAddress: 200,
  perLoopback: 1_000,
  backlog: 4096,
  tlsCheckEveryMs: 5_000,
};

/** How long a shutdown takes, both counted from its start, ms. */
export interface DrainTimes {
  /** New connections are still accepted, so that load balancers see `/readyz` turn first. */
  readonly acceptMs: number;
  /** Then what is still running is cut. */
  readonly finishMs: number;
}

export const defaultDrainTimes: DrainTimes = { acceptMs: 5_000, finishMs: 55_000 };

export interface ListenOptions {
  /** `''` = every address of the machine. */
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly tls?: TlsFiles | undefined;
  readonly limits: ListenerLimits;
}

/** What the listener tells of its work. Implementations never throw and never block. */
export interface ListenerObserver {
  /** A changed certificate is in use. `notAfter` = wall time of its end, ms. */
  onTlsReloaded(notAfter: number): void;
  /** A changed certificate was not usable; the old one stays. Told once for each change. */
  onTlsRefused(error: AppError): void;
  /** A connection was closed unheard: its address has too many. */
  onConnectionRefused(address: string): void;
}

/** An open door. */
export interface Listener {
  readonly host: string;
  readonly port: number;
  /** `http://127.0.0.1:8080`: for people and tests. */
  readonly url: string;
  /**
   * Shuts down: not ready at once, accepting a little longer, then finishing what is in progress. Resolves when every connection
   * is closed: `finished` when all replies ended, `cut` when time was up or `hurry` was called. May be called again.
   */
  drain(times?: DrainTimes): Promise<'finished' | 'cut'>;
  /** Ends a drain (or starts one that ends) now, cutting what is in progress. */
  hurry(): void;
}

/** Opens the port and hands requests to `edge`. Rejects with CONFIG_INVALID, in one line that says what to do, when that cannot be. */
export async function listen(
  edge: Edge,
  options: ListenOptions,
  parts: { readonly clock: Clock; readonly observer: ListenerObserver },
): Promise<Listener> {
  const listener = new HttpListener(edge, options, parts.clock, parts.observer);
  await listener.open();
  return listener;
}

const DRAIN_POLL_MS = 50;

class HttpListener implements Listener {
  readonly #edge: Edge;
  readonly #options: ListenOptions;
  readonly #clock: Clock;
  readonly #observer: ListenerObserver;
  readonly #connections: ConnectionLimit;
  #server: Server | TlsServer | undefined;
  #tlsMark = '';
  #tlsTimer: NodeJS.Timeout | undefined;
  #draining: Promise<'finished' | 'cut'> | undefined;
  readonly #hurry = new AbortController();
  #address: AddressInfo | undefined;

  constructor(edge: Edge, options: ListenOptions, clock: Clock, observer: ListenerObserver) {
    this.#edge = edge;
    this.#options = options;
    this.#clock = clock;
    this.#observer = observer;
    this.#connections = new ConnectionLimit(options.limits);
  }

  get host(): string {
    return this.#address?.address ?? this.#options.host;
  }

  get port(): number {
    return this.#address?.port ?? this.#options.port;
  }

  get url(): string {
    const host = this.host.includes(':') ? `[${this.host}]` : this.host;
    return `${this.#options.tls === undefined ? 'http' : 'https'}://${host}:${this.port}`;
  }

  async open(): Promise<void> {
    const { host, port, limits, tls } = this.#options;
    const server = tls === undefined ? createServer(this.#serverOptions()) : await this.#createTlsServer(tls);
    this.#server = server;
    server.maxConnections = limits.maxConnections;
    // The edge refuses too many headers; Node would silently drop the rest. Their bytes are bounded above.
    server.maxHeadersCount = 0;
    server.on('connection', (socket) => this.#admit(socket));
    server.on('request', (req, res) => this.#edge.handle(req, res));
    // Without this Node invites the body that the edge refuses.
    server.on('checkContinue', (req, res) => this.#edge.handle(req, res));
    try {
      await bind(server, host, port, limits.backlog);
    } catch (error) {
      clearInterval(this.#tlsTimer);
      throw cannotListen(error, host, port);
    }
    this.#address = server.address() as AddressInfo;
  }

  drain(times: DrainTimes = defaultDrainTimes): Promise<'finished' | 'cut'> {
    this.#draining ??= this.#drain(times);
    return this.#draining;
  }

  hurry(): void {
    this.#hurry.abort();
    void this.drain({ acceptMs: 0, finishMs: 0 });
  }

  #serverOptions(): ServerOptions {
    const { limits } = this.#options;
    return {
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: limits.checkEveryMs,
      insecureHTTPParser: false,
    };
  }

  async #createTlsServer(files: TlsFiles): Promise<TlsServer> {
    this.#tlsMark = await tlsFilesMark(files);
    const { context } = await loadTlsIdentity(files, this.#clock);
    const { limits } = this.#options;
    const server = createTlsServer({ ...this.#serverOptions(), ...context, handshakeTimeout: limits.headersTimeoutMs });
    // Looked at by time and not by watching: mounted secrets change by swapping links, which watchers miss.
    this.#tlsTimer = setInterval(() => void this.#reloadTls(server, files), limits.tlsCheckEveryMs).unref();
    return server;
  }

  async #reloadTls(server: TlsServer, files: TlsFiles): Promise<void> {
    const mark = await tlsFilesMark(files);
    if (mark === this.#tlsMark) return;
    this.#tlsMark = mark;
    try {
      const { context, notAfter } = await loadTlsIdentity(files, this.#clock);
      server.setSecureContext(context);
      this.#observer.onTlsReloaded(notAfter);
    } catch (error) {
      this.#observer.onTlsRefused(toAppError(error, `reload certificate ${files.cert}`));
    }
  }

  #admit(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    if (this.#connections.enter(address)) {
      // Pipelined replies listen on their connection; the edge bounds how many.
      socket.setMaxListeners(0);
      socket.once('close', () => this.#connections.leave(address));
    } else {
      this.#observer.onConnectionRefused(address);
      socket.destroy();
    }
  }

  async #drain(times: DrainTimes): Promise<'finished' | 'cut'> {
    const startedAt = this.#clock.monotonic();
    clearInterval(this.#tlsTimer);
    this.#edge.startDraining();
    await this.#pause(Math.min(times.acceptMs, times.finishMs));
    const closed = this.#close();
    // A connection that has sent no request yet would be waited for to the end, so it is requests that are counted.
    while (this.#edge.inFlight > 0 && this.#clock.monotonic() - startedAt < times.finishMs) {
      if (this.#hurry.signal.aborted) break;
      await this.#pause(DRAIN_POLL_MS);
    }
    const outcome = this.#edge.inFlight > 0 ? 'cut' : 'finished';
    this.#server?.closeAllConnections();
    await closed;
    return outcome;
  }

  #close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#server === undefined) resolve();
      else this.#server.close(() => resolve());
    });
  }

  #pause(ms: number): Promise<void> {
    return this.#clock.sleep(ms, { signal: this.#hurry.signal }).catch(() => undefined);
  }
}

function bind(server: Server | TlsServer, host: string, port: number, backlog: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, backlog, ...(host === '' ? {} : { host }) }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Why the port could not be opened, and what to do about it. */
function cannotListen(error: unknown, host: string, port: number): AppError {
  return new AppError('CONFIG_INVALID', `listen on ${host}:${port}: ${bindAdvice(error, port)}`, { cause: error });
}

function bindAdvice(error: unknown, port: number): string {
  switch (systemCodeOf(error)) {
    case 'EADDRINUSE':
      return 'the port is in use: stop the program that has it, or choose another with --listen HOST:PORT';
    case 'EACCES':
      return `port ${port} may not be opened by this user: choose one above 1023 with --listen HOST:PORT`;
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address: choose another with --listen HOST:PORT';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'the host name is unknown: give an address with --listen HOST:PORT';
    default:
      return messageOf(error);
  }
}
