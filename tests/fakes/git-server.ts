/** A git host on loopback: the real `git http-backend` over a folder of bare repositories, go-import pages, logins, and whatever goes wrong with such hosts. */
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Certificate } from './certificates.ts';
import { closeListener, type GitServerFault, listenOn, sendWithFault } from './git-server-faults.ts';
import { askGitBackend, type GitSettings, readBody, type WebAnswer } from './git-server-cgi.ts';

/**
 * What a request is about: the first contact (`info/refs`), a list of refs, a fetch of objects, a go-import page, a file of the dumb protocol,
 * or something else.
 */
export type GitRequestKind = 'info-refs' | 'ls-refs' | 'fetch' | 'page' | 'file' | 'other';

export interface GitServerRequest {
  readonly kind: GitRequestKind;
  readonly method: string;
  /** Raw, with query string. */
  readonly target: string;
  /** The name that the client has for this server. */
  readonly host: string;
  readonly headers: IncomingMessage['headers'];
  /** Status sent; 0 while unanswered, and for answers that were cut before it. */
  status: number;
}

/** Who may read what lies below a path. The longest prefix counts; what is below none is open to everybody. */
export interface GitServerDoor {
  /** Of the path, with leading slash: `/acme/`. */
  readonly prefix: string;
  /** Values of the Authorization header that are let in: see basic() and bearer(). Headers of other names as `Name: value`. */
  readonly accepts: readonly string[];
  /** How others are turned away; 401 unless given. GitHub hides what is private behind 404. */
  readonly refusal?: 401 | 403 | 404;
}

export type GitServerRule = (request: GitServerRequest, nth: number) => GitServerFault | undefined;

export interface GitServerOptions {
  /** Folder of bare repositories: `acme/tool.git` below it is `/acme/tool.git` and `/acme/tool`. */
  readonly repositories: string;
  readonly tls?: Certificate;
  readonly doors?: readonly GitServerDoor[];
  /** Of git on this side. */
  readonly settings?: GitSettings;
  /** Where it listens: a free port of 127.0.0.1 unless given. */
  readonly address?: string;
  readonly port?: number;
}

export interface GitServer {
  /** `https://ADDRESS:PORT`, or http. */
  readonly origin: string;
  readonly port: number;
  /** All requests since the start or the last clear. */
  readonly requests: readonly GitServerRequest[];
  /** How many requests of a kind had a target that matches. */
  count(kind: GitRequestKind, target?: RegExp): number;
  clearLog(): void;
  /** Asked for every request, newest rule first, until one gives a fault. Returns how to take the rule away. */
  fault(rule: GitServerRule): () => void;
  /** Puts a page at a path, with whatever query: `/x/tool`, or `go.corp.example/x/tool` for one that is there under this host alone. */
  page(place: string, html: string): void;
  /** Refuses connections from now on, and breaks those that are open. */
  down(): Promise<void>;
  /** Listens again, at the same port. */
  up(): Promise<void>;
  close(): Promise<void>;
}

/** A value of the Authorization header. */
export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

/** The same. */
export function bearer(token: string): string {
  return `Bearer ${token}`;
}

/** A page that says where the repository of a module is. */
export function importPage(prefix: string, vcs: string, url: string, subdirectory = ''): string {
  const content = [prefix, vcs, url, subdirectory].filter((field) => field !== '').join(' ');
  return `<!DOCTYPE html><html><head><meta name="go-import" content="${content}"></head><body>nothing here</body></html>`;
}

/** Starts one. Close it. */
export async function startGitServer(options: GitServerOptions): Promise<GitServer> {
  const requests: GitServerRequest[] = [];
  const rules: GitServerRule[] = [];
  const pages = new Map<string, string>();
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    // A client that leaves in the middle is part of the tests.
    serve(request, response, { options, requests, rules, pages }).catch(() => response.destroy());
  };
  const sockets = new Set<Socket>();
  const start = (): Server => {
    const server = options.tls === undefined ? createHttpServer(answer) : createTlsServer(options.tls, answer);
    const remember = (socket: Socket): void => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => sockets.delete(socket));
    };
    server.on('connection', remember);
    server.on('tlsClientError', () => {});
    return server;
  };
  const { address = '127.0.0.1' } = options;
  let server = start();
  await listenOn(server, address, options.port ?? 0);
  const { port } = server.address() as AddressInfo;
  const down = (): Promise<void> => closeListener(server, sockets);
  return {
    origin: `${options.tls === undefined ? 'http' : 'https'}://${address}:${port}`,
    port,
    requests,
    count: (kind, target = /^/) => requests.filter((one) => one.kind === kind && target.test(one.target)).length,
    clearLog: () => void requests.splice(0),
    fault(rule) {
      rules.unshift(rule);
      return () => void rules.splice(rules.indexOf(rule), 1);
    },
    page: (place, html) => void pages.set(place, html),
    down,
    async up() {
      server = start();
      await listenOn(server, address, port);
    },
    close: down,
  };
}

interface Around {
  readonly options: GitServerOptions;
  readonly requests: GitServerRequest[];
  readonly rules: readonly GitServerRule[];
  readonly pages: ReadonlyMap<string, string>;
}

async function serve(request: IncomingMessage, response: ServerResponse, around: Around): Promise<void> {
  const body = await readBody(request);
  const logged: GitServerRequest = {
    kind: kindOf(request, body),
    method: request.method ?? '',
    target: request.url ?? '',
    host: request.headers.host ?? '',
    headers: request.headers,
    status: 0,
  };
  around.requests.push(logged);
  const fault = firstFault(around.rules, logged, around.requests.filter((one) => one.target === logged.target).length);
  await sendWithFault(
    response,
    () => properAnswer(request, body, around),
    fault,
    (status) => {
      logged.status = status;
    },
  );
}

function kindOf(request: IncomingMessage, body: Uint8Array): GitRequestKind {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://any');
  if (searchParams.get('go-get') === '1') return 'page';
  if (pathname.endsWith('/info/refs')) return 'info-refs';
  if (!pathname.endsWith('/git-upload-pack')) return /\/(?:HEAD|objects\/.*)$/.test(pathname) ? 'file' : 'other';
  return Buffer.from(body.subarray(0, 64)).includes('command=ls-refs') ? 'ls-refs' : 'fetch';
}

function firstFault(rules: readonly GitServerRule[], request: GitServerRequest, nth: number): GitServerFault {
  for (const rule of rules) {
    const fault = rule(request, nth);
    if (fault !== undefined) return fault;
  }
  return {};
}

async function properAnswer(
  request: IncomingMessage,
  body: Uint8Array,
  { options, pages }: Around,
): Promise<WebAnswer> {
  const path = (request.url ?? '').replace(/\?.*$/s, '');
  const door = (options.doors ?? [])
    .filter(({ prefix }) => path.startsWith(prefix))
    .toSorted((a, b) => b.prefix.length - a.prefix.length)[0];
  if (door !== undefined && !isLetIn(request, door)) return refusal(door.refusal ?? 401);
  const page = pages.get(`${hostOf(request)}${path}`) ?? pages.get(path);
  if (page !== undefined) return textAnswer(200, page, { 'content-type': 'text/html; charset=utf-8' });
  return await askGitBackend(options.repositories, request, body, options.settings);
}

/** Without port. */
function hostOf({ headers }: IncomingMessage): string {
  return (headers.host ?? '').replace(/:\d+$/, '');
}

function isLetIn({ headers }: IncomingMessage, { accepts }: GitServerDoor): boolean {
  return accepts.some((accepted) => {
    const [, name, value] = /^([\w-]+): (.*)$/.exec(accepted) ?? [];
    return name === undefined ? headers.authorization === accepted : headers[name.toLowerCase()] === value;
  });
}

function refusal(status: 401 | 403 | 404): WebAnswer {
  return textAnswer(status, 'not for you', status === 401 ? { 'www-authenticate': 'Basic realm="git"' } : {});
}

function textAnswer(status: number, body: string, headers: Readonly<Record<string, string>>): WebAnswer {
  return { status, headers: { 'content-type': 'text/plain', ...headers }, body: Buffer.from(body) };
}
