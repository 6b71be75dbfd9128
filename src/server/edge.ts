import type { IncomingMessage, ServerResponse } from 'node:http';
import { LRUCache } from 'lru-cache';
import type { Turns } from '../admission/turns.ts';
import { escapedTarget, type ProxyRequest } from '../gomod/protocol.ts';
import type { Gate } from '../policy/gate.ts';
import type { ChecksumDatabases } from '../resolver/checksum-databases.ts';
import type { Resolver } from '../resolver/resolver.ts';
import type { Clock } from '../std/clock.ts';
import { AppError, toAppError } from '../std/errors.ts';
import { BufferPool, type BufferPoolOptions, defaultBufferPool } from './body-sender.ts';
import type { AnswerLimits, Desk } from './desk.ts';
import { Exchange, type ExchangeContext } from './exchange.ts';
import { answerAbout } from './handlers/about.ts';
import { answerArtifact } from './handlers/artifact.ts';
import { answerDeep, answerLive, answerReady, answerStarted } from './handlers/health.ts';
import { answerMetrics } from './handlers/metrics.ts';
import { answerMutable } from './handlers/mutable.ts';
import { answerStatus } from './handlers/status.ts';
import { answerSumdb } from './handlers/sumdb.ts';
import type { RequestKind, ServerObserver } from './observer.ts';
import type { DeepHealth, Health, MetricsPage, Standing, StatusPage } from './operations.ts';
import { PreparedHeads } from './prepared.ts';
import { type Proxies, proxiesAt } from './proxies.ts';
import { refuse, sendError } from './reply.ts';
import { type Route, routeOf, withoutQuery } from './route.ts';

export interface EdgeOptions extends AnswerLimits {
  /** Names this process: the start of request ids, and what a request of our own carries in `Larder-Via`. */
  readonly instanceId: string;
  /** The start of request ids instead, where several processes have one name. */
  readonly requestIds?: string;
  /** A client that takes no byte for this long is cut off, ms. */
  readonly writeStallMs: number;
  /** More header lines than this are refused. */
  readonly maxHeaders: number;
  /** Routes of well-formed targets that are remembered. */
  readonly rememberedRoutes: number;
  readonly bufferPool: BufferPoolOptions;
}

/** The figures of the reliability rules. */
export const defaultEdgeOptions: Omit<EdgeOptions, 'instanceId'> = {
  answerMs: 55_000,
  zipAnswerMs: 660_000,
  writeStallMs: 30_000,
  maxHeaders: 100,
  rememberedRoutes: 8192,
  bufferPool: defaultBufferPool,
};

export interface EdgeParts {
  readonly resolver: Resolver;
  readonly databases: ChecksumDatabases;
  readonly gate: Gate;
  readonly observer: ServerObserver;
  readonly health: Health;
  /** Absent = `/metrics` is not found. */
  readonly metrics?: MetricsPage | undefined;
  /** Absent = `/status` is not found. */
  readonly status?: StatusPage | undefined;
  readonly deepHealth?: DeepHealth | undefined;
  readonly clock: Clock;
  /** Absent = all routes always stand at 0. */
  readonly standing?: Standing;
  /** Absent = those on this machine. */
  readonly proxies?: Proxies;
  /** Turns for sending stored files; absent = as many as ask. */
  readonly sendings?: Turns;
  /** Frees what is told to clients of secrets, which others may repeat. Default: there are none. */
  readonly redact?: (text: string) => string;
  readonly options: EdgeOptions;
}

/** The HTTP surface, without sockets: what `node:http` calls for each request. */
export interface Edge {
  handle(req: IncomingMessage, res: ServerResponse): void;
  /** From now on every reply closes its connection, and `/readyz` says 503 unless others serve in its place. */
  startDraining(o: { readonly othersServe: boolean }): void;
  /** Requests that have not ended yet. */
  readonly inFlight: number;
}

/** An edge over `parts`. Takes nothing from the network until `handle` is called. */
export function createEdge(parts: EdgeParts): Edge {
  return new HttpEdge(parts);
}

/** Targets longer than this are routed but not remembered. */
const MAX_REMEMBERED_CHARS = 512;
/** Requests that one connection may send ahead of their replies. No go command does, and proxies do not either. */
const MAX_PIPELINED = 64;

class HttpEdge implements Edge {
  inFlight = 0;
  readonly #gate: Gate;
  readonly #standing: Standing | undefined;
  readonly #options: EdgeOptions;
  readonly #context: ExchangeContext;
  readonly #desk: Desk;
  readonly #routes: LRUCache<string, Route>;
  #isDraining = false;
  #isShuttingDown = false;
  #lastRequest = 0;

  constructor({
    gate,
    resolver,
    databases,
    observer,
    health,
    deepHealth,
    metrics,
    clock,
    options,
    redact,
    proxies,
    sendings,
    standing,
    status,
  }: EdgeParts) {
    this.#gate = gate;
    this.#standing = standing;
    this.#options = options;
    this.#routes = new LRUCache({ max: options.rememberedRoutes });
    this.#context = {
      clock,
      observer,
      writeStallMs: options.writeStallMs,
      redact: redact ?? ((text) => text),
      proxies: proxies ?? proxiesAt([]),
      nextRequestId: () => `${options.requestIds ?? options.instanceId}-${(++this.#lastRequest).toString(36)}`,
      onEnd: () => {
        this.inFlight--;
      },
    };
    this.#desk = {
      resolver,
      databases,
      health,
      deepHealth,
      metrics,
      status,
      limits: options,
      outbox: {
        heads: new PreparedHeads(),
        pool: new BufferPool(options.bufferPool),
        sendings,
        varyBy: gate.varyBy,
      },
      isShuttingDown: () => this.#isShuttingDown,
      settle: (x, work) => {
        work.catch((error: unknown) => this.#fail(x, error));
      },
    };
  }

  startDraining({ othersServe }: { readonly othersServe: boolean }): void {
    this.#isDraining = true;
    this.#isShuttingDown = !othersServe;
  }

  handle(req: IncomingMessage, res: ServerResponse): void {
    // A reply that waits for its turn holds a listener on its connection: their number is how many wait.
    if (res.socket === null && req.socket.listenerCount('close') > MAX_PIPELINED) return void req.socket.destroy();
    this.inFlight++;
    if (this.#isDraining) res.shouldKeepAlive = false;
    const x = new Exchange(this.#context, req, res);
    try {
      if (!this.#refuses(x)) this.#dispatch(x);
    } catch (error) {
      this.#fail(x, error);
    }
  }

  /** Form before meaning: what is refused here has touched no parser of ours. */
  #refuses(x: Exchange): boolean {
    const { req, head } = x;
    const method = req.method;
    if (req.rawHeaders.length > 2 * this.#options.maxHeaders) refuse(x, 431, 'too many headers');
    else if (head.hostCount > 1) refuse(x, 400, 'more than one Host header');
    else if (method !== 'GET' && method !== 'HEAD')
      refuse(x, 405, 'only GET and HEAD are answered', ['Allow', 'GET, HEAD']);
    else if (head.hasBody) refuse(x, 400, 'a request here has no body');
    else if (req.url?.charCodeAt(0) !== SLASH) refuse(x, 400, 'the request target must start with a slash');
    else return false;
    return true;
  }

  #dispatch(x: Exchange): void {
    const route = this.#route(withoutQuery(x.req.url ?? ''));
    switch (route.to) {
      case 'proxy':
        if (route.storedOnly || x.head.storedOnly) x.mayFetch = 'no';
        return this.#answer(x, route.request);
      case 'nowhere':
        return sendError(x, route.error);
      case 'livez':
        x.kind = 'health';
        return answerLive(x);
      case 'startupz':
        x.kind = 'health';
        return answerStarted(x);
      case 'deep-health':
        x.kind = 'health';
        return answerDeep(x, this.#desk);
      case 'readyz':
      case 'healthz':
        x.kind = 'health';
        return answerReady(x, this.#desk);
      case 'metrics':
        x.kind = 'metrics';
        return answerMetrics(x, this.#desk);
      case 'status':
        x.kind = 'status';
        return answerStatus(x, this.#desk);
      case 'about':
        return answerAbout(x);
    }
  }

  #route(path: string): Route {
    const known = this.#routes.get(path);
    if (known !== undefined) return known;
    const route = routeOf(path);
    if (route.to === 'proxy' && path.length <= MAX_REMEMBERED_CHARS) this.#routes.set(path, route);
    return route;
  }

  #answer(x: Exchange, request: ProxyRequest): void {
    x.kind = kindOf(request);
    if (x.head.via !== undefined && namesUs(x.head.via, this.#options.instanceId)) throw askedByItself();
    if (request.kind === 'sumdb') return answerSumdb(x, request, this.#desk);
    const decision = this.#gate.decide(request.kind === 'artifact' ? request.id.module.path : request.module, x);
    x.varyBy = this.#gate.varyBy;
    if (!decision.allowed) return this.#fail(x, decision.error);
    x.route = decision.plan.route;
    x.level = this.#standing?.levelOf(x.route) ?? 0;
    if (request.kind === 'artifact') answerArtifact(x, request.id, decision.plan, this.#desk);
    else answerMutable(x, request, decision.plan, this.#desk);
  }

  #fail(x: Exchange, thrown: unknown): void {
    const error = toAppError(thrown, 'answer request');
    const route = this.#route(withoutQuery(x.req.url ?? ''));
    sendError(x, error, route.to === 'proxy' ? subjectOf(route.request) : undefined);
  }
}

const SLASH = 0x2f;

function kindOf(request: ProxyRequest): RequestKind {
  return request.kind === 'artifact' ? request.id.kind : request.kind;
}

/** `PATH@VERSION`, as error texts name what was asked. */
function subjectOf(request: ProxyRequest): string {
  switch (request.kind) {
    case 'artifact':
      return `${request.id.module.path}@${request.id.module.version}`;
    case 'query':
      return `${request.module}@${request.query}`;
    case 'latest':
      return `${request.module}@latest`;
    case 'list':
      return request.module;
    case 'sumdb':
      return escapedTarget(request);
  }
}

function namesUs(via: string, instanceId: string): boolean {
  return via.split(',').some((id) => id.trim() === instanceId);
}

/** Not a 404: the asker is this very process, and "not here" would send it on as if nothing were wrong. */
function askedByItself(): AppError {
  return new AppError(
    'CONFIG_INVALID',
    'this proxy was asked by itself: remove its own address from its upstream list',
  );
}
