import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Clock, systemClock } from '../std/clock.ts';
import { AppError, messageOf } from '../std/errors.ts';
import { Answers } from './answers.ts';
import { Door } from './door.ts';
import {
  type ConnectionFault,
  type Fault,
  type FaultRule,
  isAnswerFault,
  isConnectionFault,
  isTlsFault,
} from './fault.ts';
import { type FaultLog, RunningLog } from './fault-log.ts';
import type { FaultTarget } from './origin.ts';
import { RuleBook } from './rule-book.ts';
import { send } from './send.ts';
import { TlsFronts } from './tls-fronts.ts';
import { Wire } from './wire.ts';

export interface FaultProxyOptions {
  readonly target: FaultTarget;
  /** Given = the proxy speaks TLS to its clients, with a certificate for these hosts and addresses beside `localhost` and 127.0.0.1. Only before a target of HTTP. */
  readonly tls?: { readonly names?: readonly string[] };
  /** Default: any. */
  readonly port?: number;
  /** In [0, 1), for shares and jitter; seed it for runs that can be repeated. Default Math.random. */
  readonly random?: () => number;
  readonly clock?: Clock;
}

/** A line to a target, on loopback, that is as bad as it is told to be. Well, until it is told. */
export interface FaultProxy {
  /** `http://127.0.0.1:PORT`, `https:` with TLS. The path of a request is the target's own. */
  readonly url: string;
  readonly port: number;
  /** PEM of the authority of its good certificates, with TLS. */
  readonly authority: string | undefined;
  readonly log: FaultLog;
  /** From now on these faults and no others, on open connections, too. Resolves when they are in force. Rejects with CONFIG_INVALID for faults that this proxy cannot make, and changes nothing; with a system error when the proxy refused connections and its port was taken meanwhile: it is shut then, until it is told again. */
  set(rules: readonly (Fault | FaultRule)[]): Promise<void>;
  /** No faults any more. */
  clear(): Promise<void>;
  /** Resets what is open, and listens no more. Never rejects. */
  close(): Promise<void>;
}

/** Starts one. Rejects with a system error when the port is taken, CONFIG_INVALID for TLS before a target of bytes. */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const proxy = new RunningFaultProxy(options);
  await proxy.open();
  return proxy;
}

interface Line {
  readonly wire: Wire;
  /** What hits it now; counted anew when the rules change. */
  faults: readonly ConnectionFault[];
}

class RunningFaultProxy implements FaultProxy {
  readonly log = new RunningLog();
  readonly #target: FaultTarget;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #rules: RuleBook;
  readonly #door: Door;
  readonly #fronts: TlsFronts | undefined;
  readonly #answers: Answers | undefined;
  readonly #http: Server;
  readonly #lines = new Map<number, Line>();
  readonly #numbers = new WeakMap<Duplex, number>();
  readonly #closing = new AbortController();
  /** The last change of the door, which may have failed: that is for whoever asked for it. */
  #settled: Promise<void> = Promise.resolve();

  constructor({ target, tls, port = 0, random = Math.random, clock = systemClock }: FaultProxyOptions) {
    if (tls !== undefined && target.kind === 'tcp')
      throw new AppError('CONFIG_INVALID', 'start a fault proxy: TLS is ended only before a target of HTTP');
    this.#target = target;
    this.#clock = clock;
    this.#random = random;
    this.#rules = new RuleBook(random);
    this.#answers = target.kind === 'http' ? new Answers(target.origin) : undefined;
    this.#door = new Door(port, (socket) => this.#accept(socket));
    const limits = { keepAliveTimeout: 60_000, requestTimeout: 0, headersTimeout: 0 };
    this.#http = createServer(limits, (request, response) => void this.#respond(request, response));
    this.#http.on('clientError', (_, socket) => socket.destroy());
    const names = ['localhost', '127.0.0.1', ...(tls?.names ?? [])];
    this.#fronts = tls && new TlsFronts(names);
  }

  get port(): number {
    return this.#door.port;
  }

  get url(): string {
    return `${this.#fronts === undefined ? 'http' : 'https'}://127.0.0.1:${this.port}`;
  }

  get authority(): string | undefined {
    return this.#fronts?.authority;
  }

  open(): Promise<void> {
    return this.#door.open();
  }

  async set(rules: readonly (Fault | FaultRule)[]): Promise<void> {
    for (const rule of rules) this.#refuseImpossible('fault' in rule ? rule.fault : rule);
    this.#rules.set(rules);
    for (const [number, line] of this.#lines) {
      line.faults = this.#rules.ofConnection(number).filter(isConnectionFault);
      if (line.faults.some(({ kind }) => kind === 'refuse')) line.wire.reset();
      else line.wire.faultsChanged();
    }
    // One after the other: a door that opens cannot be shut yet.
    this.#settled = this.#settled.catch(() => {}).then(() => this.#settleDoor());
    await this.#settled;
  }

  clear(): Promise<void> {
    return this.set([]);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#settled.catch(() => {});
    this.#door.shut();
    for (const { wire } of this.#lines.values()) wire.reset();
    this.#http.closeAllConnections();
  }

  #refuseImpossible(fault: Fault): void {
    const needs = isTlsFault(fault) && this.#fronts === undefined ? 'TLS' : undefined;
    const lacks = needs ?? (isAnswerFault(fault) && this.#answers === undefined ? 'a target of HTTP' : undefined);
    if (lacks !== undefined)
      throw new AppError(
        'CONFIG_INVALID',
        `make the fault ${fault.kind}: the proxy has no ${lacks.replace(/^a /, '')}`,
      );
  }

  async #settleDoor(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    if (this.#rules.has('refuse')) this.#door.shut();
    else await this.#door.open();
  }

  #accept(socket: Socket): void {
    const number = this.log.connections++;
    const decided = this.#rules.ofConnection(number);
    const line: { faults: readonly ConnectionFault[] } = { faults: decided.filter(isConnectionFault) };
    const wire = new Wire(socket, {
      faults: () => line.faults,
      clock: this.#clock,
      random: this.#random,
      onBytes: (direction, count) => (this.log[`${direction}Bytes`] += count),
    });
    this.#lines.set(number, Object.assign(line, { wire }));
    this.log.openConnections++;
    wire.on('error', () => {});
    wire.once('close', () => {
      this.#lines.delete(number);
      this.#rules.forget(number);
      this.log.openConnections--;
    });
    if (this.#target.kind === 'tcp') void this.#connect(wire, this.#target);
    else if (this.#fronts === undefined) this.#serveHttp(wire, number);
    else this.#fronts.accept(wire, decided.filter(isTlsFault), (secure) => this.#serveHttp(secure, number));
  }

  async #connect(wire: Wire, { dial }: Extract<FaultTarget, { kind: 'tcp' }>): Promise<void> {
    try {
      const socket = await dial({ signal: this.#closing.signal });
      wire.once('close', () => socket.destroy());
      socket.on('error', () => wire.destroy());
      await Promise.all([pipeline(wire, socket, { end: true }), pipeline(socket, wire, { end: true })]);
    } catch {
      wire.reset();
    }
  }

  #serveHttp(socket: Duplex, number: number): void {
    this.#numbers.set(socket, number);
    this.#http.emit('connection', socket);
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers, socket } = request;
    const connection = this.#numbers.get(socket) ?? -1;
    const nth = this.log.requestCount;
    const faults = this.#rules.ofRequest({ connection, request: { nth, method, path } });
    const lasting = this.#lines.get(connection)?.faults ?? [];
    const logged = this.log.add({
      method,
      path,
      connection,
      at: this.#clock.monotonic(),
      faults: [...lasting, ...faults].map(({ kind }) => kind),
      status: 0,
    });
    const gone = new AbortController();
    // Also told after a good end, which is none to break off.
    response.once('close', () => response.writableFinished || gone.abort());
    const signal = AbortSignal.any([gone.signal, this.#closing.signal]);
    const o = { signal, clock: this.#clock, random: this.#random };
    try {
      const sending = await this.#answers?.to({ method, path, headers }, faults, o);
      if (sending === undefined) return;
      logged.status = sending.answer.status;
      await send(response, sending, o);
    } catch (error) {
      this.#fail(response, error);
    }
  }

  /** What the target itself did not answer. */
  #fail(response: ServerResponse, error: unknown): void {
    if (response.headersSent || response.req.socket.destroyed) return void response.destroy();
    response.writeHead(502, { 'content-type': 'text/plain; charset=utf-8' });
    response.end(`the target behind the fault proxy: ${messageOf(error)}\n`);
  }
}
