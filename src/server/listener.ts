import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Clock } from '../std/clock.ts';
import { AppError, messageOf, systemCodeOf, toAppError } from '../std/errors.ts';
import { CertificateEnd } from './certificate-end.ts';
import { ConnectionLimit } from './connection-limit.ts';
import { type Doors, openDoors } from './doors.ts';
import type { Edge } from './edge.ts';
import type { Incoming } from './incoming.ts';
import { Patience } from './patience.ts';
import { type Proxies, proxiesAt } from './proxies.ts';
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
  /** Connections of a loopback address, or of a known proxy: a reverse proxy is many clients. */
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
  checkEveryMs: 250,
  maxHeaderBytes: 16 * 1024,
  maxConnections: 12_000,
  perAddress: 200,
  perLoopback: 10_000,
  backlog: 4096,
  tlsCheckEveryMs: 5_000,
};

/** How long a shutdown takes, both counted from its start, ms. */
export interface DrainTimes {
  /** New connections are still accepted, so that load balancers see `/readyz` turn first. */
  readonly acceptMs: number;
  /** Then what is still running is cut. */
  readonly finishMs: number;
  /** Whether others serve in its place: then `/readyz` stays as it is. */
  readonly othersServe?: boolean;
}

export const defaultDrainTimes: DrainTimes = { acceptMs: 5_000, finishMs: 55_000 };

export interface ListenOptions {
  /** `''` = every address of the machine. */
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly tls?: TlsFiles | undefined;
  readonly limits: ListenerLimits;
  /** Given = another process listens, and hands connections over. */
  readonly incoming?: Incoming | undefined;
}

/** What the listener tells of its work. Implementations never throw and never block. */
export interface ListenerObserver {
  /** A changed certificate is in use. `notAfter` = wall time of its end, ms. */
  onTlsReloaded(notAfter: number): void;
  /** A changed certificate was not usable; the old one stays. Told once for each change. */
  onTlsRefused(error: AppError): void;
  /** The certificate in use ends soon, or has ended, and no other has come. Told a few times on the way. `notAfter` as above. */
  onTlsEnding(notAfter: number): void;
  /** A connection was closed unheard: its address has too many, or there are too many of all. */
  onConnectionRefused(address: string): void;
}

/** An open door. */
export interface Listener {
  readonly host: string;
  readonly port: number;
  /** `http://127.0.0.1:8080`: for people and tests. */
  readonly url: string;
  /** Of the certificate in use: wall time of its end, ms; undefined without TLS. */
  readonly certificateNotAfter: number | undefined;
  /**
   * Shuts down: not ready at once, accepting a little longer, then finishing what is in progress. Resolves when every connection
   * is closed: `finished` when all replies ended, `cut` when time was up or `hurry` was called. May be called again.
   */
  drain(times?: DrainTimes): Promise<'finished' | 'cut'>;
  /** Ends a drain (or starts one that ends) now, cutting what is in progress. */
  hurry(): void;
}

/** What a listener works with. */
export interface ListenerParts {
  readonly clock: Clock;
  readonly observer: ListenerObserver;
  /** Absent = those on this machine. */
  readonly proxies?: Proxies;
  /** Whether descriptors are so few that no connection should outlast its reply; absent = never. */
  readonly isOutOfDescriptors?: () => boolean;
}

/** Opens the port and hands requests to `edge`. Rejects with CONFIG_INVALID, in one line that says what to do, when that cannot be. */
export async function listen(edge: Edge, options: ListenOptions, parts: ListenerParts): Promise<Listener> {
  const listener = new HttpListener(edge, options, parts);
  await listener.open();
  return listener;
}

const DRAIN_POLL_MS = 50;
/** From this part of the connections on that there may be, none is kept idle. */
const CROWDED = 0.9;
const SPARE_EVERY_MS = 100;
const PATIENCE_TICK_MS = 250;

class HttpListener implements Listener {
  readonly #edge: Edge;
  readonly #options: ListenOptions;
  readonly #clock: Clock;
  readonly #observer: ListenerObserver;
  readonly #connections: ConnectionLimit;
  readonly #isOutOfDescriptors: () => boolean;
  #patienceTimer: NodeJS.Timeout | undefined;
  #openCount = 0;
  #sparedAt = Number.NEGATIVE_INFINITY;
  #server: Server | TlsServer | undefined;
  #tlsMark = '';
  #tlsTimer: NodeJS.Timeout | undefined;
  readonly #certificateEnd: CertificateEnd;
  #doors: Doors | undefined;
  #draining: Promise<'finished' | 'cut'> | undefined;
  readonly #hurry = new AbortController();
  #address: Pick<AddressInfo, 'address' | 'port'> | undefined;

  constructor(edge: Edge, options: ListenOptions, { clock, observer, proxies, isOutOfDescriptors }: ListenerParts) {
    const known = proxies ?? proxiesAt([]);
    this.#edge = edge;
    this.#options = options;
    this.#clock = clock;
    this.#observer = observer;
    this.#certificateEnd = new CertificateEnd(clock, (notAfter) => observer.onTlsEnding(notAfter));
    this.#connections = new ConnectionLimit(options.limits, (address) => known.isProxy(address));
    this.#isOutOfDescriptors = isOutOfDescriptors ?? (() => false);
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

  get certificateNotAfter(): number | undefined {
    return this.#certificateEnd.notAfter;
  }

  async open(): Promise<void> {
    const { host, port, limits, tls } = this.#options;
    const server = tls === undefined ? createServer(this.#serverOptions()) : await this.#createTlsServer(tls);
    this.#server = server;
    this.#bePatient(server);
    // The edge refuses too many headers; Node would silently drop the rest. Their bytes are bounded above.
    server.maxHeadersCount = 0;
    server.on('connection', (socket) => this.#admit(socket));
    server.on('request', (req, res) => this.#hand(req, res));
    // Without this Node invites the body that the edge refuses.
    server.on('checkContinue', (req, res) => this.#hand(req, res));
    const { incoming } = this.#options;
    if (incoming !== undefined) {
      this.#address = { address: incoming.host, port: incoming.port };
      return takeFrom(incoming, server);
    }
    try {
      this.#doors = await openDoors(server, { host, port, backlog: limits.backlog });
    } catch (error) {
      clearInterval(this.#tlsTimer);
      clearInterval(this.#patienceTimer);
      throw cannotListen(error, host, port);
    }
    this.#address = this.#doors.address;
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

  /** A request that we had no time to read is not the client's delay. */
  #bePatient(server: Server | TlsServer): void {
    const { headersTimeoutMs, requestTimeoutMs } = this.#options.limits;
    const patience = new Patience(this.#clock, requestTimeoutMs);
    const tick = (): void => {
      patience.tick(PATIENCE_TICK_MS);
      server.headersTimeout = headersTimeoutMs + patience.extraMs;
      server.requestTimeout = requestTimeoutMs + patience.extraMs;
    };
    this.#patienceTimer = setInterval(tick, PATIENCE_TICK_MS).unref();
  }

  async #createTlsServer(files: TlsFiles): Promise<TlsServer> {
    this.#tlsMark = await tlsFilesMark(files);
    const { context, notAfter } = await loadTlsIdentity(files, this.#clock);
    this.#certificateEnd.use(notAfter);
    const { limits } = this.#options;
    const server = createTlsServer({ ...this.#serverOptions(), ...context, handshakeTimeout: limits.headersTimeoutMs });
    // Looked at by time and not by watching: mounted secrets change by swapping links, which watchers miss.
    this.#tlsTimer = setInterval(() => void this.#reloadTls(server, files), limits.tlsCheckEveryMs).unref();
    return server;
  }

  async #reloadTls(server: TlsServer, files: TlsFiles): Promise<void> {
    const mark = await tlsFilesMark(files);
    if (mark === this.#tlsMark) return this.#certificateEnd.look();
    this.#tlsMark = mark;
    try {
      const { context, notAfter } = await loadTlsIdentity(files, this.#clock);
      server.setSecureContext(context);
      this.#observer.onTlsReloaded(notAfter);
      this.#certificateEnd.use(notAfter);
    } catch (error) {
      this.#observer.onTlsRefused(toAppError(error, `reload certificate ${files.cert}`));
    }
  }

  #hand(req: IncomingMessage, res: ServerResponse): void {
    if (this.#isCrowded()) res.shouldKeepAlive = false;
    this.#edge.handle(req, res);
  }

  /** Whether connections should not be kept for later: others need them now. */
  #isCrowded(): boolean {
    return this.#openCount >= CROWDED * this.#options.limits.maxConnections || this.#isOutOfDescriptors();
  }

  /** Those who ask nothing make room for those who will. Not for each of them: it looks at all connections. */
  #makeRoom(): void {
    const now = this.#clock.monotonic();
    if (now - this.#sparedAt < SPARE_EVERY_MS) return;
    this.#sparedAt = now;
    this.#server?.closeIdleConnections();
  }

  /** Whom there is no room for is closed unheard: he cannot be left to the kernel, since accepting is not ours to stop. */
  #admit(socket: Socket): void {
    this.#openCount++;
    socket.once('close', () => this.#openCount--);
    if (this.#isCrowded()) this.#makeRoom();
    const address = socket.remoteAddress ?? '';
    if (this.#openCount <= this.#options.limits.maxConnections && this.#connections.enter(address)) {
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
    clearInterval(this.#patienceTimer);
    this.#edge.startDraining({ othersServe: times.othersServe === true });
    await this.#pause(Math.min(times.acceptMs, times.finishMs));
    const closed = this.#doors?.close();
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

  #pause(ms: number): Promise<void> {
    return this.#clock.sleep(ms, { signal: this.#hurry.signal }).catch(() => undefined);
  }
}

/** Serves what `incoming` hands over. A server that does not listen itself watches the time of its connections only when it is told that it does. */
function takeFrom(incoming: Incoming, server: Server | TlsServer): void {
  server.emit('listening');
  incoming.onConnection((socket) => {
    // As a server's own connections: who has sent its request may close its side.
    socket.allowHalfOpen = true;
    server.emit('connection', socket);
  });
}

/** Why the port could not be opened, and what to do about it: CONFIG_INVALID. */
export function cannotListen(error: unknown, host: string, port: number): AppError {
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
