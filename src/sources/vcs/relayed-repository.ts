import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { type Credentials, isSameCredential } from '../../credentials/credentials.ts';
import { covers, type HttpCredential } from '../../io/http-client.ts';
import type { Dispatchers } from '../../io/http-dispatcher.ts';
import { httpFailure, isStaleConnection } from '../../io/http-failure.ts';
import { single } from '../../io/http-head.ts';
import type { Ask } from '../../std/ask.ts';
import { AppError } from '../../std/errors.ts';
import type { HeardAdvertisement } from './advertisements.ts';
import { ADVERTISEMENT, answerFault, QUESTION, RESULT } from './git-answer.ts';
import { advertisementUrl, baseOf, MAX_HOPS, nextHop, resultUrl } from './git-redirect.ts';

export interface RelayedRepositoryOptions {
  readonly dispatchers: Dispatchers;
  readonly credentials: Pick<Credentials, 'http' | 'refused' | 'advice'>;
  /** `larder/0.1.0`; goes behind what git calls itself, because some hosts look for that. */
  readonly userAgent: string;
  /** To the first line of an answer, and between two pieces of it. */
  readonly idleMs: number;
}

/** A question of git's, as far as it is passed on. */
export interface GitQuestion {
  /** `Git-Protocol`, `User-Agent` and, of a body, how it is encoded. */
  readonly headers: Readonly<Record<string, string>>;
}

export type GitBody = Uint8Array | Readable;

/** An answer that git may have; the caller reads or destroys the body. */
export interface RelayedAnswer {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable;
}

type Reply = Dispatcher.ResponseData;

/** A reply after redirects: where it came from, and what that place may be told. */
interface Reached {
  readonly reply: Reply;
  readonly url: URL;
  readonly credential: HttpCredential | undefined;
  /** No redirect has led away from the origin that was asked for. */
  readonly isOwn: boolean;
  /** Its "not found" may mean something else. */
  readonly hides?: boolean;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** A place may say so when it does not know who asks, or hide behind "not found". */
const TURNED_AWAY: ReadonlySet<number> = new Set([401, 403, 404]);
/** Of an answer that nobody reads: small ones leave the connection usable. */
const DRAINED_BYTES = 16_384;

/** One repository for one git command: asks its origin for what git asks for. Answers are attacker-controlled. */
export class RelayedRepository {
  readonly #o: RelayedRepositoryOptions;
  readonly #url: URL;
  readonly #attempt: string;
  readonly #heard: HeardAdvertisement;
  /** Where objects are asked for; known after the first question. */
  #place:
    | { readonly base: string; readonly credential: HttpCredential | undefined; readonly isOwn: boolean }
    | undefined;

  /** `url`: without credentials. */
  constructor(url: URL, attempt: string, o: RelayedRepositoryOptions, heard: HeardAdvertisement) {
    this.#heard = heard;
    this.#o = o;
    this.#attempt = attempt;
    this.#url = url;
  }

  /** `GET info/refs`, or what is known of its answer. Follows redirects, and asks once more when helpers have other credentials. Rejects with the AppError that says why not. */
  async advertisement(question: GitQuestion, { signal }: Ask): Promise<RelayedAnswer> {
    try {
      const known = this.#heard.known(question);
      if (known !== undefined) {
        const credential = await this.#o.credentials.http(this.#url, { signal });
        this.#place = { base: this.#url.href, credential, isOwn: true };
        return known;
      }
      const reached = await this.#admitted(question, signal);
      const hides = await this.#hides(reached, question, signal);
      const answer = await this.#accept({ ...reached, hides }, ADVERTISEMENT);
      const { credential, isOwn } = reached;
      this.#place = { base: baseOf(reached.url, this.#attempt), credential, isOwn };
      return await this.#heard.hear(question, answer, reached.url);
    } catch (error) {
      throw httpFailure(error, this.#attempt, { signal });
    }
  }

  /** `POST git-upload-pack` to where the first question was answered; redirects of it are refused. A body in memory is sent again when a pooled connection turns out to be closed. */
  async result(question: GitQuestion, body: GitBody, { signal }: Ask): Promise<RelayedAnswer> {
    try {
      if (this.#place === undefined)
        throw new AppError('INTERNAL', `${this.#attempt}: git asked for objects before refs`);
      const { base, ...place } = this.#place;
      const url = resultUrl(base);
      const headers = { ...this.#headers(question, url, place.credential), 'content-type': QUESTION, accept: RESULT };
      const reply = await this.#send(url, headers, signal, body);
      return await this.#accept({ reply, url, ...place }, RESULT);
    } catch (error) {
      throw httpFailure(error, this.#attempt, { signal });
    }
  }

  async #admitted(question: GitQuestion, signal: AbortSignal): Promise<Reached> {
    const { credentials } = this.#o;
    const first = await credentials.http(this.#url, { signal });
    const reached = await this.#follow(question, first, signal);
    if (!reached.isOwn || !TURNED_AWAY.has(reached.reply.statusCode)) return reached;
    credentials.refused(this.#url, reached.reply.statusCode);
    const second = await credentials.http(this.#url, { signal });
    if (second === undefined || isSameCredential(first, second)) return reached;
    await drain(reached.reply, signal);
    return await this.#follow(question, second, signal);
  }

  async #follow(question: GitQuestion, first: HttpCredential | undefined, signal: AbortSignal): Promise<Reached> {
    let url = advertisementUrl(this.#url.href);
    let credential = first;
    let isOwn = true;
    for (let hops = 0; ; hops++) {
      const headers = { ...this.#headers(question, url, credential), pragma: 'no-cache' };
      const reply = await this.#send(url, headers, signal);
      const location = REDIRECTS.has(reply.statusCode) ? single(reply, 'location') : '';
      if (location === '') return { reply, url, credential, isOwn };
      await drain(reply, signal);
      if (hops === MAX_HOPS)
        throw new AppError('UPSTREAM_BAD_RESPONSE', `${this.#attempt}: stopped after ${MAX_HOPS} redirects`);
      const next = nextHop(location, url, this.#attempt);
      // For good, as for every request of ours: a chain that comes back carries what the other origin chose.
      if (next.origin !== url.origin) [credential, isOwn] = [undefined, false];
      if (next.hostname !== url.hostname) await this.#o.dispatchers.admitStrangers(next, { signal });
      url = next;
    }
  }

  #headers({ headers }: GitQuestion, url: URL, credential: HttpCredential | undefined): Record<string, string> {
    const { 'user-agent': git = '', ...rest } = headers;
    return {
      ...rest,
      'user-agent': `${git} ${this.#o.userAgent}`.trim(),
      'accept-encoding': 'identity',
      ...(credential && covers(credential, url) ? credential.headers : undefined),
    };
  }

  async #send(url: URL, headers: Record<string, string>, signal: AbortSignal, body?: GitBody): Promise<Reply> {
    const ask = async (): Promise<Reply> =>
      await this.#o.dispatchers.for(url).request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: body === undefined ? 'GET' : 'POST',
        headers,
        signal,
        headersTimeout: this.#o.idleMs,
        bodyTimeout: this.#o.idleMs,
        ...(body !== undefined && { body }),
      });
    try {
      return await ask();
    } catch (error) {
      const isAgain = body === undefined || body instanceof Uint8Array;
      if (!isAgain || signal.aborted || !isStaleConnection(error)) throw error;
      return await ask();
    }
  }

  /**
   * Whether a 404 to somebody with credentials may mean that they are not good enough. A host that asks strangers for credentials where it says 404 to us has let us in, and
   * knows of no such repository.
   */
  async #hides({ reply, url, credential }: Reached, question: GitQuestion, signal: AbortSignal): Promise<boolean> {
    if (reply.statusCode !== 404 || credential === undefined || !covers(credential, url)) return false;
    const toStranger = await this.#send(url, this.#headers(question, url, undefined), signal);
    await drain(toStranger, signal);
    return toStranger.statusCode !== 401;
  }

  async #accept({ reply, url, isOwn, hides }: Reached, wanted: string): Promise<RelayedAnswer> {
    const contentType = (single(reply, 'content-type').split(';')[0] ?? '').trim().toLowerCase();
    const encoding = single(reply, 'content-encoding').toLowerCase();
    const { credentials } = this.#o;
    const advice = isOwn
      ? credentials.advice(this.#url)
      : `credentials are not sent where a redirect leads; have the repository asked for at ${url.origin} itself`;
    const answer = { status: reply.statusCode, contentType, origin: url.origin, hides: hides === true };
    const fault = answerFault(answer, { attempt: this.#attempt, wanted, advice }) ?? this.#encodingFault(encoding, url);
    if (fault !== undefined) {
      reply.body.on('error', () => {}).destroy();
      throw fault;
    }
    const length = single(reply, 'content-length');
    return {
      headers: {
        'content-type': wanted,
        ...(encoding === 'gzip' && { 'content-encoding': encoding }),
        ...(length !== '' && { 'content-length': length }),
      },
      body: reply.body,
    };
  }

  /** We ask for none; git itself understands the one that some servers use all the same. */
  #encodingFault(encoding: string, url: URL): AppError | undefined {
    if (encoding === '' || encoding === 'identity' || encoding === 'gzip') return undefined;
    return new AppError(
      'UPSTREAM_BAD_RESPONSE',
      `${this.#attempt}: ${url.origin} answered in an encoding that nobody asked for`,
    );
  }
}

async function drain({ body }: Reply, signal: AbortSignal): Promise<void> {
  await body.dump({ limit: DRAINED_BYTES, signal });
}
