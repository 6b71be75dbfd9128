import { readFile } from 'node:fs/promises';
import { isIPv4 } from 'node:net';
import { createSecureContext, getCACertificates, type SecureVersion } from 'node:tls';
import { Agent, type Dispatcher, EnvHttpProxyAgent, Pool } from 'undici';
import { AppError, messageOf } from '../std/errors.ts';

/** PEM texts (not file names) for TLS to upstreams. The authorities that Node trusts stay trusted beside `ca`. */
export interface HttpTls {
  /** Further trusted authorities. */
  readonly ca?: string;
  /** Client certificate and its key; both or none. */
  readonly cert?: string;
  readonly key?: string;
}

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
}

/** Chooses how an origin is reached: straight, or through a forward proxy. Owns the pooled connections. */
export interface Dispatchers {
  /** The dispatcher for `url`; loopback hosts are never asked through a proxy, as the go command has it. */
  for(url: URL): Dispatcher;
  /** Ends all requests. */
  destroy(): Promise<void>;
}

/** An idle connection is closed after this long, so that a half-open one is rarely met. */
const KEEP_ALIVE_MS = 30_000;
const KEEP_ALIVE_MAX_MS = 60_000;

/**
 * Makes the connection pools; no connection is opened yet. HTTP/1.1 only: HTTP/2 costs this client several times the CPU.
 * Throws CONFIG_INVALID when a certificate, key or proxy URL cannot be used.
 */
export function createDispatchers(o: DispatcherOptions): Dispatchers {
  const connect = { ...tlsOptions(o.tls), timeout: o.connectTimeoutMs, allowH2: false };
  const options = {
    allowH2: false,
    connect,
    connections: o.maxConnections,
    headersTimeout: o.firstByteTimeoutMs,
    bodyTimeout: 0,
    connectTimeout: o.connectTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MAX_MS,
  };
  const straight = new Agent(options);
  const tunnelled = {
    ...options,
    requestTls: connect,
    proxyTls: connect,
    noProxy: o.proxies?.none ?? '',
    // Else CONNECT would wait for its answer by the library's own limit.
    clientFactory: (origin: URL, more: object) => new Pool(origin, { ...more, headersTimeout: o.firstByteTimeoutMs }),
  };
  // One agent per scheme, and '' for what is not set: the library would take https through the http proxy, and read process.env.
  const http =
    o.proxies?.http && new EnvHttpProxyAgent({ ...tunnelled, httpProxy: proxyUrl(o.proxies.http), httpsProxy: '' });
  const https =
    o.proxies?.https && new EnvHttpProxyAgent({ ...tunnelled, httpProxy: '', httpsProxy: proxyUrl(o.proxies.https) });
  return {
    for: (url) => (isLoopbackHost(url.hostname) ? straight : (url.protocol === 'https:' ? https : http) || straight),
    async destroy() {
      await Promise.all([straight, http, https].map(async (one) => (one ? await one.destroy() : undefined)));
    },
  };
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

/** Reads the PEM files that the configuration names. Rejects with CONFIG_INVALID naming the file that cannot be read. */
export async function readHttpTls(files: { caFile?: string; certFile?: string; keyFile?: string }): Promise<HttpTls> {
  const [ca, cert, key] = await Promise.all([files.caFile, files.certFile, files.keyFile].map(readPem));
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

async function readPem(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new AppError('CONFIG_INVALID', `read the certificate file ${file}: ${messageOf(error)}`, { cause: error });
  }
}

/** Whether `hostname` (as URL.hostname prints it) is this machine: localhost, 127.0.0.0/8 or ::1. */
function isLoopbackHost(hostname: string): boolean {
  if (hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '[::1]') return true;
  return isIPv4(hostname) && hostname.startsWith('127.');
}

interface SecureOptions {
  readonly minVersion: SecureVersion;
  readonly ca?: string[];
  readonly cert?: string;
  readonly key?: string;
}

function tlsOptions(tls: HttpTls = {}): SecureOptions {
  const options: SecureOptions = {
    minVersion: 'TLSv1.2',
    ...(tls.ca && { ca: [...getCACertificates('default'), tls.ca] }),
    ...(tls.cert && { cert: tls.cert }),
    ...(tls.key && { key: tls.key }),
  };
  try {
    createSecureContext(options);
  } catch (error) {
    throw new AppError('CONFIG_INVALID', `use the configured certificates for upstreams: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return options;
}

/** Never prints the value: it may hold a password. */
function proxyUrl(value: string): string {
  const url = URL.parse(value.includes('://') ? value : `http://${value}`);
  if (url !== null && /^(https?|socks5?):$/.test(url.protocol)) return url.href;
  throw new AppError('CONFIG_INVALID', 'HTTP_PROXY or HTTPS_PROXY is not the URL of a proxy');
}
