/** A module proxy on loopback that does what a test tells it to: give out modules, misbehave in a chosen way, and remember what it was asked. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Content } from './content.ts';
import { type Answer, answerPrefixed, notFound } from './special-prefixes.ts';

/** One request as it came in. */
export interface LoggedRequest {
  readonly method: string;
  /** Raw, below `/mod`, with query string: `/rsc.io/%21q/@v/list?a=b`. */
  readonly path: string;
  /** Decoded, without leading slash and query string. */
  readonly target: string;
  readonly headers: IncomingMessage['headers'];
  /** Status sent; 0 while unanswered, and for answers that were cut before it. */
  status: number;
}

/** How an answer goes wrong. All that is given applies. */
export interface Fault {
  /** Instead of the proper answer. */
  readonly answer?: Partial<Answer>;
  readonly delayMs?: number;
  /** Closes the connection after this many bytes of the body. */
  readonly cutAfter?: number;
  /** Flips the byte at this place. */
  readonly corruptAt?: number;
  /** Content-Length that is sent; `none` sends none and ends the body by closing the connection. */
  readonly contentLength?: number | 'none';
  /** Further header lines, which win over the proper ones. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent after the body. */
  readonly trailing?: Uint8Array;
  /** Never answers, or never goes on after the head. */
  readonly hang?: 'before-head' | 'after-head';
  /** Sends the body in pieces. */
  readonly trickle?: { readonly bytes: number; readonly everyMs: number };
  /** Bytes to send instead of any answer; the connection is then closed. */
  readonly raw?: string | Uint8Array;
  /** Resets the connection at once. */
  readonly reset?: boolean;
}

export type FaultRule = (request: LoggedRequest, nth: number) => Fault | undefined;

export interface FakeUpstream {
  /** `http://127.0.0.1:PORT`. */
  readonly origin: string;
  /** The base of the proxy: `http://127.0.0.1:PORT/mod`. */
  readonly base: string;
  /** All requests since the start or the last clear. */
  readonly requests: readonly LoggedRequest[];
  /** How many requests had a path that matches. */
  count(path: RegExp | string): number;
  clearLog(): void;
  /** Asked for every request, newest rule first, until one gives a fault. Returns how to take the rule away. */
  fault(rule: FaultRule): () => void;
  /** Most requests that were open at one time. */
  readonly peakOpen: number;
  /** Further content, asked before what was there. */
  add(content: Content): void;
  close(): Promise<void>;
}

export interface FakeUpstreamOptions {
  readonly content?: readonly Content[];
  /** Added to every answer. */
  readonly latencyMs?: number;
  readonly port?: number;
}

/** Starts one. Close it. */
export async function startFakeUpstream(options: FakeUpstreamOptions = {}): Promise<FakeUpstream> {
  const content = [...(options.content ?? [])];
  const requests: LoggedRequest[] = [];
  const rules: FaultRule[] = [];
  let open = 0;
  let peakOpen = 0;
  const server = createServer((request, response) => {
    const logged = logRequest(request);
    requests.push(logged);
    peakOpen = Math.max(peakOpen, ++open);
    response.once('close', () => open--);
    const answer = properAnswer(logged, content, request);
    const ofRule = firstFault(rules, logged, requests.filter((one) => one.path === logged.path).length);
    const fault = answer.cutAfter === undefined ? ofRule : { cutAfter: answer.cutAfter, ...ofRule };
    void reply(
      response,
      logged,
      { ...answer, ...fault?.answer, headers: { ...answer.headers, ...fault?.answer?.headers } },
      fault,
      options.latencyMs ?? 0,
    );
  });
  // Clients that leave are part of the tests.
  server.on('connection', (socket) => socket.on('error', () => {}));
  const origin = await listen(server, options.port ?? 0);
  return {
    origin,
    base: `${origin}/mod`,
    requests,
    count: (path) =>
      requests.filter((one) => (typeof path === 'string' ? one.path === path : path.test(one.path))).length,
    clearLog: () => void requests.splice(0),
    fault(rule) {
      rules.unshift(rule);
      return () => void rules.splice(rules.indexOf(rule), 1);
    },
    get peakOpen() {
      return peakOpen;
    },
    add: (more) => void content.unshift(more),
    close: () => closeServer(server),
  };
}

function logRequest(request: IncomingMessage): LoggedRequest {
  const path = (request.url ?? '').replace(/^\/mod(?=\/)/, '');
  return {
    method: request.method ?? '',
    path,
    target: decoded(path.replace(/\?.*$/s, '').slice(1)),
    headers: request.headers,
    status: 0,
  };
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function firstFault(rules: readonly FaultRule[], request: LoggedRequest, nth: number): Fault | undefined {
  for (const rule of rules) {
    const fault = rule(request, nth);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function properAnswer(
  { target, headers }: LoggedRequest,
  content: readonly Content[],
  request: IncomingMessage,
): Answer {
  if (!(request.url ?? '').startsWith('/mod/')) return notFound();
  return answerPrefixed(target, headers, (plain) => {
    for (const one of content) {
      const body = one.get(plain);
      if (body !== undefined) return { status: 200, headers: { 'content-type': contentType(plain) }, body };
    }
    return notFound();
  });
}

function contentType(target: string): string {
  if (target.endsWith('.zip')) return 'application/zip';
  return target.endsWith('.info') || target.endsWith('/@latest') ? 'application/json' : 'text/plain; charset=utf-8';
}

async function reply(
  response: ServerResponse,
  logged: LoggedRequest,
  answer: Answer,
  fault: Fault = {},
  latencyMs = 0,
): Promise<void> {
  // The response has no socket of its own while the one before it on the connection is not wholly sent.
  const { socket } = response.req;
  if (latencyMs + (fault.delayMs ?? 0) > 0) await sleep(latencyMs + (fault.delayMs ?? 0));
  if (fault.hang === 'before-head' || socket.destroyed) return;
  if (fault.reset) return void socket.resetAndDestroy();
  logged.status = answer.status;
  if (fault.raw !== undefined) return void socket.end(fault.raw);
  if (Object.keys(fault).every((key) => key === 'answer' || key === 'delayMs'))
    return sendProperly(response, answer, logged.method);
  await sendFaulty(socket, answer, fault);
}

function sendProperly(response: ServerResponse, answer: Answer, method: string): void {
  const hasBody = answer.status >= 200 && answer.status !== 204 && answer.status !== 304;
  response.writeHead(answer.status, {
    ...answer.headers,
    ...(hasBody ? { 'content-length': answer.body.length } : {}),
  });
  response.end(hasBody && method !== 'HEAD' ? answer.body : undefined);
}

/** Byte by byte on the socket: a proper HTTP server would not send what is wrong. The connection is closed at the end. */
async function sendFaulty(socket: Socket, answer: Answer, fault: Fault): Promise<void> {
  const body = Buffer.concat([answer.body, fault.trailing ?? new Uint8Array(0)]);
  if (fault.corruptAt !== undefined && fault.corruptAt < body.length) body[fault.corruptAt]! ^= 0xff; // inside
  const length =
    fault.contentLength === 'none' ? {} : { 'content-length': String(fault.contentLength ?? answer.body.length) };
  const headers = { ...answer.headers, ...length, connection: 'close', ...fault.headers };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`HTTP/1.1 ${answer.status} Status\r\n${lines.join('')}\r\n`);
  if (fault.hang === 'after-head') return;
  const sent = body.subarray(0, fault.cutAfter ?? body.length);
  if (fault.trickle === undefined) socket.write(sent);
  else await trickle(socket, sent, fault.trickle);
  socket.end();
}

async function trickle(
  socket: Socket,
  body: Buffer,
  { bytes, everyMs }: { bytes: number; everyMs: number },
): Promise<void> {
  for (let at = 0; at < body.length && !socket.destroyed; at += bytes) {
    socket.write(body.subarray(at, at + bytes));
    await sleep(everyMs);
  }
}

async function listen(server: Server, port: number): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}
