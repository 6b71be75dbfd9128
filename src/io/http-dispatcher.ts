import { isIPv4 } from 'node:net';
import { Agent, type Dispatcher, EnvHttpProxyAgent, Pool } from 'undici';
import type { Ask } from '../std/ask.ts';
import { AppError } from '../std/errors.ts';
import { admitStrangers, checkedDestinations } from './egress/checked-destinations.ts';
import type { EgressGuard } from './egress/guard.ts';
import { guardedConnector } from './egress/guarded-connector.ts';
import { type HttpTls, refuseBadTls, tlsConnect, tlsForOthers } from './http-tls.ts';

/** Forward proxies as HTTP_PROXY, HTTPS_PROXY and NO_PROXY name them. The URLs may carry userinfo: secret. */
export interface ForwardProxies {
  readonly http?: string;
  readonly https?: string;
  readonly none?: string;
}

export interface DispatcherOptions {
  readonly tls?: HttpTls;
  readonly proxies?: ForwardProxies;
  /** TCP connect and TLS handshake together. */
  readonly connectTimeoutMs: number;
  readonly firstByteTimeoutMs: number;
  /** Connections to one origin; further requests wait for one. */
  readonly maxConnections: number;
  /**
   * Checks and makes every connection; without it any address may be reached. Where a forward proxy makes the connection, the guard checks the destination first;
   * the proxy itself is the operator's, and is reached without it.
   */
  readonly guard?: EgressGuard;
}

/** Chooses how an origin is reached: straight, or through a forward proxy. Owns the pooled connections. */
export interface Dispatchers {
  /** The dispatcher for `url`; loopback hosts are never asked through a proxy, as the go command has it. */
  for(url: URL): Dispatcher;
  /**
   * Whether a redirect from another host, or a page of somebody, may lead to `url`: to what everybody may reach and to `egress.allow`, but to nothing that the operator named
   * for another purpose. Rejects with the guard's POLICY_DENIED; what cannot be looked up here is left to whoever connects.
   */
  admitStrangers(url: URL, o: Ask): Promise<void>;
  /** Ends all requests. */
  destroy(): Promise<void>;
}

/** An idle connection is closed after this long, so that a half-open one is rarely met. */
const KEEP_ALIVE_MS = 30_000;
const KEEP_ALIVE_MAX_MS = 60_000;

/**
 * Makes the connection pools as they are needed; no connection is opened yet, and no trusted authority is read before the first for TLS. HTTP/1.1 only: HTTP/2 costs this client several times the CPU.
 * Throws CONFIG_INVALID when a certificate, key or proxy URL cannot be used.
 */
export function createDispatchers(o: DispatcherOptions): Dispatchers {
  refuseBadTls(o.tls);
  const { origin } = o.tls ?? {};
  if (o.tls === undefined || origin === undefined) return dispatchersOf(o);
  const [own, others] = [dispatchersOf(o), dispatchersOf({ ...o, tls: tlsForOthers(o.tls) })];
  return {
    for: (url) => (url.origin === origin ? own : others).for(url),
    admitStrangers: (url, asked) => others.admitStrangers(url, asked),
    destroy: async () => void (await Promise.all([own.destroy(), others.destroy()])),
  };
}

function dispatchersOf(o: DispatcherOptions): Dispatchers {
  const security = new Lazy(() => tlsConnect(o.tls));
  // A proxy is not whom the pins and our certificate are for.
  const toProxy = new Lazy(() => (o.tls === undefined ? security.value : tlsConnect(tlsForOthers(o.tls))));
  const options = {
    allowH2: false,
    connections: o.maxConnections,
    headersTimeout: o.firstByteTimeoutMs,
    bodyTimeout: 0,
    connectTimeout: o.connectTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MAX_MS,
  };
  const plain = { timeout: o.connectTimeoutMs, allowH2: false };
  // One context for all connections: making it takes 30 ms.
  const secure = new Lazy(() => ({ ...plain, ...security.value }));
  const closing = new AbortController();
  const checked =
    o.guard &&
    guardedConnector(o.guard, {
      timeoutMs: o.connectTimeoutMs,
      signal: closing.signal,
      tls: () => security.value,
    });
  const straight = new Lazy(() => new Agent({ ...options, connect: checked ?? plain }));
  const straightTls = new Lazy(() => new Agent({ ...options, connect: checked ?? secure.value }));
  const through = (urls: { readonly httpProxy: string; readonly httpsProxy: string }): Dispatcher => {
    const proxy = urls.httpsProxy || urls.httpProxy;
    const connect = urls.httpsProxy === '' ? plain : secure.value;
    const agent = new EnvHttpProxyAgent({
      ...options,
      ...urls,
      connect: checked ?? connect,
      requestTls: connect,
      proxyTls: proxy.startsWith('https:') ? { ...plain, ...toProxy.value } : plain,
      noProxy: o.proxies?.none ?? '',
      // Else CONNECT would wait for its answer by the library's own limit.
      clientFactory: (origin: URL, more: object) => new Pool(origin, { ...more, headersTimeout: o.firstByteTimeoutMs }),
    });
    return o.guard === undefined ? agent : agent.compose(checkedDestinations(o.guard, closing.signal));
  };
  // One agent per scheme, and '' for what is not set: the library would take https through the http proxy, and read process.env.
  const httpProxy = o.proxies?.http && proxyUrl(o.proxies.http);
  const httpsProxy = o.proxies?.https && proxyUrl(o.proxies.https);
  const http = httpProxy ? new Lazy<Dispatcher>(() => through({ httpProxy, httpsProxy: '' })) : straight;
  const https = httpsProxy ? new Lazy<Dispatcher>(() => through({ httpProxy: '', httpsProxy })) : straightTls;
  // The guard has the connections that it made; those to a proxy go with the pools that they are in, and new pools are made when they are asked for.
  const forget = o.guard?.outside?.onChange((isShut) => {
    if (isShut) for (const one of [http, https]) void one.drop()?.destroy();
  });
  return {
    for(url) {
      const isTls = url.protocol === 'https:';
      if (isLoopbackHost(url.hostname)) return (isTls ? straightTls : straight).value;
      return (isTls ? https : http).value;
    },
    async admitStrangers(url, { signal }) {
      if (o.guard !== undefined) await admitStrangers(o.guard, url, { signal });
    },
    async destroy() {
      closing.abort();
      forget?.();
      await Promise.all([...new Set([straight, straightTls, http, https])].map(async (one) => one.made?.destroy()));
    },
  };
}

/** A value that is made when it is first asked for. */
class Lazy<T> {
  made: T | undefined;
  readonly #make: () => T;

  constructor(make: () => T) {
    this.#make = make;
  }

  get value(): T {
    this.made ??= this.#make();
    return this.made;
  }

  /** What was made, for whoever ends it; it is made anew when it is next asked for. */
  drop(): T | undefined {
    const { made } = this;
    this.made = undefined;
    return made;
  }
}

/** The forward proxies that an environment names, upper case first; undefined when it names none. */
export function forwardProxies(environment: Readonly<Record<string, string | undefined>>): ForwardProxies | undefined {
  const read = (name: string): string | undefined => environment[name] || environment[name.toLowerCase()] || undefined;
  const http = read('HTTP_PROXY');
  const https = read('HTTPS_PROXY');
  const none = read('NO_PROXY');
  if (http === undefined && https === undefined) return undefined;
  return { ...(http && { http }), ...(https && { https }), ...(none && { none }) };
}

/** Whether `hostname` (as URL.hostname prints it) is this machine: localhost, 127.0.0.0/8 or ::1. */
function isLoopbackHost(hostname: string): boolean {
  if (hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '[::1]') return true;
  return isIPv4(hostname) && hostname.startsWith('127.');
}

/** Never prints the value: it may hold a password. */
function proxyUrl(value: string): string {
  const url = URL.parse(value.includes('://') ? value : `http://${value}`);
  if (url !== null && /^(https?|socks5?):$/.test(url.protocol)) return url.href;
  throw new AppError('CONFIG_INVALID', 'HTTP_PROXY or HTTPS_PROXY is not the URL of a proxy');
}
