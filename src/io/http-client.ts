import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { type Ask, throwIfAborted, waitFor } from '../std/ask.ts';
import { AppError } from '../std/errors.ts';
import type { EgressGuard } from './egress/guard.ts';
import { boundedBody, type Framing, type HeldBack } from './http-body.ts';
import { createDispatchers, type Dispatchers, type ForwardProxies } from './http-dispatcher.ts';
import { type HttpPage, type PageAsk, readPage } from './http-page.ts';
import { httpFailure, isStaleConnection } from './http-failure.ts';
import { checkHead, type RestAsk, restHeaders, single, validatorOf } from './http-head.ts';
import type { Pace } from './progress.ts';
import { readReason } from './http-reason.ts';
import type { HttpTls } from './http-tls.ts';
import { getResumable } from './http-resume.ts';
import { Watch } from './watch.ts';

/** Defaults suit a slow line to a far mirror. */
export interface HttpClientOptions {
  /** `larder/0.1.0`. */
  readonly userAgent: string;
  /** Sent as `Larder-Via`, so that a server that asks itself can notice. */
  readonly instanceId?: string;
  /** TCP connect and TLS handshake together; default 5 s. */
  readonly connectTimeoutMs?: number;
  /** From the request sent to the first line of the answer; default 20 s. */
  readonly firstByteTimeoutMs?: number;
  /** Between two pieces of a body; default 15 s. */
  readonly idleTimeoutMs?: number;
  /** How fast a body must come once two seconds of waiting for it have passed; default 16 KiB/s. 0 = as slowly as idleTimeoutMs allows. */
  readonly minBytesPerSecond?: number;
  /** Over how long that is measured; default 10 s. */
  readonly progressWindowMs?: number;
  /** Whole of a request, redirects included, where the request names no other; default 30 s. */
  readonly totalTimeoutMs?: number;
  /** Connections to one origin at a time; default 128. */
  readonly maxConnections?: number;
  /** Sent with every request, wherever it leads: no secrets. Names are in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly tls?: HttpTls;
  readonly proxies?: ForwardProxies;
  /** Checks every connection, redirects included; without it any address may be reached. */
  readonly guard?: EgressGuard;
  /** In [0, 1), for pauses; default Math.random. */
  readonly random?: () => number;
}

/** Header values for one place of one origin. They never go anywhere else: not to another origin, not to a path outside the prefix. */
export interface HttpCredential {
  /** `https://host:port`, as URL.origin prints it. */
  readonly origin: string;
  /** Begins with `/`; the paths at and below it. */
  readonly pathPrefix: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface HttpAsk extends Ask {
  /** For messages: `fetch rsc.io/quote@v1.5.2.mod from mirror.example`. Without secrets. */
  readonly attempt: string;
  /** Largest body taken; a larger one is TOO_LARGE. */
  readonly maxBytes: number;
  readonly credential?: HttpCredential;
  readonly totalTimeoutMs?: number;
  /** Asks for the rest of a body: then only a 206 with exactly that is good, and anything else is refused or UPSTREAM_BAD_RESPONSE. */
  readonly rest?: RestAsk;
  /** Given = the other side may send a body before it has checked it, and keep the end back until then. */
  readonly heldBack?: HeldBack;
}

export type HttpAnswer = HttpOk | HttpRefusal;

/** Status 200, or 206 when the rest of a body was asked for. The caller must read `body` to its end, leave its loop, or `discard()`. */
export interface HttpOk {
  readonly kind: 'ok';
  readonly contentType: string;
  /** Content-Length, when given; the body then has exactly this many bytes or fails. */
  readonly sizeBytes?: number;
  readonly framing: Framing;
  /** What names exactly these bytes, for asking for the rest of them; absent when the answer has no such thing. */
  readonly validator?: string;
  /** May be read once. Rejects with UPSTREAM_UNAVAILABLE when cut, UPSTREAM_TIMEOUT when stalled or too slow, TOO_LARGE. */
  readonly body: AsyncIterable<Uint8Array>;
  discard(): void;
}

/** Any other status, redirects without a place to go included. */
export interface HttpRefusal {
  readonly kind: 'refused';
  readonly status: number;
  /** First line of a text/plain body: printable, at most 200 characters, attacker-controlled. */
  readonly reason?: string;
  /** From Retry-After, whole seconds, at most a day. */
  readonly retryAfterSeconds?: number;
}

/** As the go command: nine are followed, the tenth is refused. */
const MAX_REDIRECTS = 9;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const DAY_SECONDS = 86_400;

interface Limits extends Pace {
  readonly connectTimeoutMs: number;
  readonly firstByteTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly totalTimeoutMs: number;
}

/**
 * GET over HTTP/1.1 with pooled connections, limits on every phase, and redirects followed by the rules of the go command:
 * at most nine, never from https to http, and credentials stay with their origin. Answers are attacker-controlled.
 */
export class HttpClient {
  readonly #dispatchers: Dispatchers;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #limits: Limits;
  readonly #random: () => number;

  /** Throws CONFIG_INVALID for certificates or proxy URLs that cannot be used. Opens nothing. */
  constructor(o: HttpClientOptions) {
    const { connectTimeoutMs = 5000, firstByteTimeoutMs = 20_000, idleTimeoutMs = 15_000, totalTimeoutMs = 30_000 } = o;
    const { minBytesPerSecond = 16 * 1024, progressWindowMs = 10_000 } = o;
    const pace = { minBytesPerSecond, progressWindowMs };
    this.#random = o.random ?? Math.random;
    this.#limits = { connectTimeoutMs, firstByteTimeoutMs, idleTimeoutMs, totalTimeoutMs, ...pace };
    this.#dispatchers = createDispatchers({
      connectTimeoutMs,
      firstByteTimeoutMs,
      maxConnections: o.maxConnections ?? 128,
      ...(o.tls && { tls: o.tls }),
      ...(o.proxies && { proxies: o.proxies }),
      ...(o.guard && { guard: o.guard }),
    });
    this.#headers = {
      ...o.headers,
      'user-agent': o.userAgent,
      'accept-encoding': 'identity',
      ...(o.instanceId === undefined ? {} : { 'larder-via': o.instanceId }),
    };
  }

  /**
   * Asks for `url` (http or https; userinfo and fragment are not sent). The path and query go out as they stand in `url.href`.
   * Rejects with UPSTREAM_UNAVAILABLE, UPSTREAM_TIMEOUT, UPSTREAM_BAD_RESPONSE, TOO_LARGE (by Content-Length), POLICY_DENIED (by the guard) or ABORTED.
   */
  async get(url: URL, ask: HttpAsk): Promise<HttpAnswer> {
    const watch = new Watch(ask.signal, ask.totalTimeoutMs ?? this.#limits.totalTimeoutMs, ask.attempt);
    try {
      const { reply } = await this.#follow(url, ask, watch);
      const wanted = ask.rest === undefined ? 200 : 206;
      return reply.statusCode === wanted ? this.#accept(reply, ask, watch) : await refuse(reply, watch);
    } catch (error) {
      watch.dispose();
      throw httpFailure(error, ask.attempt, watch);
    }
  }

  /** `get` with a body that goes on where it was cut, where the other side allows that: for large bodies. See http-resume.ts. */
  getResumable(url: URL, ask: HttpAsk): Promise<HttpAnswer> {
    const { connectTimeoutMs, idleTimeoutMs } = this.#limits;
    const { totalTimeoutMs = this.#limits.totalTimeoutMs } = ask;
    // Once more after the longest stall, with time to connect.
    const silenceMs = idleTimeoutMs + connectTimeoutMs;
    return getResumable(ask, { get: (one) => this.get(url, one), random: this.#random, totalTimeoutMs, silenceMs });
  }

  /** `get` with the whole body in memory: for metadata. */
  async getBytes(
    url: URL,
    ask: HttpAsk,
  ): Promise<HttpRefusal | (Pick<HttpOk, 'kind' | 'contentType' | 'framing'> & { readonly bytes: Uint8Array })> {
    const answer = await this.get(url, ask);
    if (answer.kind === 'refused') return answer;
    const pieces: Uint8Array[] = [];
    for await (const piece of answer.body) pieces.push(piece);
    return { kind: 'ok', contentType: answer.contentType, framing: answer.framing, bytes: Buffer.concat(pieces) };
  }

  /** What is at `url`, whatever the status says: for pages that mean something even when it is 404. Rejects as `get`, but with TOO_LARGE never. */
  async page(url: URL, ask: PageAsk): Promise<HttpPage> {
    const watch = new Watch(ask.signal, ask.totalTimeoutMs ?? this.#limits.totalTimeoutMs, ask.attempt);
    try {
      const { reply, from } = await this.#follow(url, ask, watch);
      const { attempt, maxBytes } = ask;
      return await readPage(reply, from, { ...this.#limits, attempt, maxBytes }, watch);
    } catch (error) {
      throw httpFailure(error, ask.attempt, watch);
    } finally {
      watch.dispose();
    }
  }

  /** Ends all requests and closes all connections. */
  async close(): Promise<void> {
    await this.#dispatchers.destroy();
  }

  async #follow(start: URL, ask: FollowAsk, watch: Watch): Promise<{ readonly reply: Reply; readonly from: URL }> {
    let url = start;
    let credential = ask.credential;
    for (let followed = 0; ; followed++) {
      const reply = await this.#send(url, credential, ask, watch);
      const location = REDIRECTS.has(reply.statusCode) ? single(reply, 'location') : '';
      if (location === '') return { reply, from: url };
      await readReason(reply, watch);
      if (followed === MAX_REDIRECTS)
        throw new AppError('UPSTREAM_BAD_RESPONSE', `${ask.attempt}: stopped after ${MAX_REDIRECTS} redirects`);
      const next = redirectTarget(location, url, ask);
      // Dropped for good: a chain that comes back to the first origin may carry paths that the other origin chose.
      if (next.origin !== url.origin) credential = undefined;
      if (next.hostname !== url.hostname) await this.#dispatchers.admitStrangers(next, watch);
      url = next;
    }
  }

  /** Once more when a pooled connection turns out to be closed: GET may be repeated. */
  async #send(url: URL, credential: HttpCredential | undefined, ask: FollowAsk, watch: Watch): Promise<Reply> {
    try {
      return await this.#sendOnce(url, credential, ask, watch);
    } catch (error) {
      if (watch.signal.aborted || !isStaleConnection(error)) throw error;
      return await this.#sendOnce(url, credential, ask, watch);
    }
  }

  async #sendOnce(url: URL, credential: HttpCredential | undefined, ask: FollowAsk, watch: Watch): Promise<Reply> {
    throwIfAborted(watch.signal);
    const { connectTimeoutMs, firstByteTimeoutMs } = this.#limits;
    // Beside the limits of the pool: covers the wait for a free connection and a forward proxy that does not answer CONNECT.
    watch.phase(
      connectTimeoutMs + firstByteTimeoutMs,
      `${ask.attempt}: no answer within ${connectTimeoutMs + firstByteTimeoutMs} ms`,
    );
    const request = this.#dispatchers.for(url).request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: 'GET',
      headers: {
        ...this.#headers,
        ...restHeaders(ask.rest),
        ...(credential && covers(credential, url) ? credential.headers : undefined),
      },
      signal: watch.signal,
    });
    // The library notices the signal only once it has a connection.
    const reply = await waitFor(request, watch.signal);
    watch.endPhase();
    return reply;
  }

  #accept(reply: Reply, ask: HttpAsk, watch: Watch): HttpOk {
    const discard = (): void => {
      reply.body.on('error', ignore).destroy();
      watch.dispose();
    };
    try {
      const sizeBytes = checkHead(reply, ask);
      const { attempt, maxBytes, heldBack } = ask;
      const facts = {
        ...this.#limits,
        attempt,
        maxBytes,
        ...(sizeBytes !== undefined && { sizeBytes }),
        ...(heldBack && { heldBack }),
      };
      const isChunked = /(^|,)\s*chunked\s*$/i.test(single(reply, 'transfer-encoding'));
      const framing = sizeBytes !== undefined ? 'length' : isChunked ? 'chunked' : 'until-close';
      const body = boundedBody(reply.body, facts, watch);
      const validator = validatorOf(reply);
      return {
        kind: 'ok',
        contentType: single(reply, 'content-type'),
        framing,
        body,
        discard,
        ...(sizeBytes !== undefined && { sizeBytes }),
        ...(validator !== undefined && { validator }),
      };
    } catch (error) {
      discard();
      throw error;
    }
  }
}

/** What following a chain of redirects needs to know. */
type FollowAsk = Pick<HttpAsk, 'attempt' | 'credential' | 'rest'> & Pick<PageAsk, 'mayDowngrade'>;

type Reply = Dispatcher.ResponseData & { readonly body: Readable };

function ignore(): void {}

async function refuse(reply: Reply, watch: Watch): Promise<HttpRefusal> {
  const reason = await readReason(reply, watch);
  watch.dispose();
  const retryAfterSeconds = parseRetryAfter(single(reply, 'retry-after'));
  return {
    kind: 'refused',
    status: reply.statusCode,
    ...(reason && { reason }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  };
}

function redirectTarget(location: string, from: URL, { attempt, mayDowngrade = false }: FollowAsk): URL {
  const to = URL.parse(location, from.href);
  if (to === null || !/^https?:$/.test(to.protocol))
    throw new AppError('UPSTREAM_BAD_RESPONSE', `${attempt}: redirected to something that is not http or https`);
  if (from.protocol === 'https:' && to.protocol === 'http:' && !mayDowngrade)
    throw new AppError('UPSTREAM_BAD_RESPONSE', `${attempt}: redirect from https to http refused`);
  return to;
}

/** Whether a credential may go to `url`: its origin, at or below its path. */
export function covers({ origin, pathPrefix }: HttpCredential, url: URL): boolean {
  if (url.origin !== origin) return false;
  const prefix = pathPrefix.endsWith('/') ? pathPrefix : `${pathPrefix}/`;
  // Some servers read `/team/..%2fother` as `/other`.
  if (prefix !== '/' && /%(?:2f|5c)/i.test(url.pathname)) return false;
  return `${url.pathname}/`.startsWith(prefix);
}

/** Seconds, or an HTTP date seen from now; undefined when neither. */
function parseRetryAfter(value: string): number | undefined {
  const seconds = /^[0-9]{1,10}$/.test(value) ? Number(value) : Math.ceil((Date.parse(value) - Date.now()) / 1000);
  return Number.isNaN(seconds) ? undefined : Math.min(Math.max(seconds, 0), DAY_SECONDS);
}
