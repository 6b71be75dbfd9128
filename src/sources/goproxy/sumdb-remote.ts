import { matchesAnyPrefix, parsePrefixPatterns, type PrefixPattern } from '../../gomod/goenv.ts';
import { unescapePath } from '../../gomod/module.ts';
import { TOOLCHAIN_MODULE } from '../../gomod/version.ts';
import { askAdmitted } from '../../credentials/credentials.ts';
import type { HttpClient } from '../../io/http-client.ts';
import type { Ask } from '../../std/ask.ts';
import { AppError, isAppError } from '../../std/errors.ts';
import { credentialsFor, type HttpCredentials } from './credentials.ts';
import { refusalError } from './refusal.ts';
import { urlBelow } from './target.ts';

/** The answer to `supported` has no meaning but its status. */
const MAX_SUPPORTED_BYTES = 64 * 1024;
/** The path that asks about a module; its escaped path is captured. */
const LOOKUP = /^\/lookup\/([^@]+)@/;

/** A proxy, and how it is asked where that differs from how all are. */
export interface ProxyPlace extends Partial<RemoteDependencies> {
  /** What is not http or https is passed over. Secret: it may hold a password. */
  readonly url: string;
}

/** The proxies that may relay a database. */
export interface Proxies {
  /** In the order in which they are tried. */
  readonly places: readonly ProxyPlace[];
  /** GONOPROXY: globs of the modules whose names no proxy may hear. Only the database itself is asked about them. */
  readonly noProxy?: string;
}

/** What the ways to a database share. */
export interface RemoteDependencies {
  /** Asks over HTTP; the caller closes it. */
  readonly client: Pick<HttpClient, 'getBytes'>;
  /** Of the operator. Nothing of our own clients is ever sent. */
  readonly credentials: HttpCredentials;
}

/**
 * The ways to the checksum database `name`, in the order in which they are tried, as the go command has them: `url` alone where it is set; else `/sumdb/NAME`
 * of each http(s) upstream, with that upstream's credentials, and `https://NAME` last. Does no IO. Throws CONFIG_INVALID, without secrets, for a URL that
 * cannot be used.
 */
export function createSumdbRemotes(
  { name, url }: { readonly name: string; readonly url?: string },
  { places, noProxy = '' }: Proxies,
  dependencies: RemoteDependencies,
): readonly HttpSumdbRemote[] {
  if (url !== undefined) return [new HttpSumdbRemote({ ...dependencies, base: parsed(url) })];
  const proxies = places.flatMap((place) => {
    const base = URL.parse(place.url);
    return base !== null && /^https?:$/.test(base.protocol) ? [{ ...dependencies, ...place, base }] : [];
  });
  const asProxy = { below: `sumdb/${name}/`, untold: parsePrefixPatterns(noProxy) };
  return [
    ...proxies.map((proxy) => new HttpSumdbRemote({ ...proxy, asProxy })),
    new HttpSumdbRemote({ ...dependencies, base: parsed(`https://${name}`) }),
  ];
}

/** Never prints the text: it may hold a password. */
function parsed(url: string): URL {
  const base = URL.parse(url);
  if (base !== null && /^https?:$/.test(base.protocol)) return base;
  throw new AppError('CONFIG_INVALID', 'use the URL of a checksum database: not an https or http URL');
}

interface RemoteParts extends RemoteDependencies {
  readonly base: URL;
  /** For a proxy, which must be asked first whether it relays the database at all. */
  readonly asProxy?: AsProxy;
}

interface AsProxy {
  /** Between the base and the paths of the database: `sumdb/sum.golang.org/`. */
  readonly below: string;
  /** Modules whose names it must not hear. */
  readonly untold: readonly PrefixPattern[];
}

/** One way to a checksum database over HTTP: the database itself, or a proxy that relays it. What it answers is attacker-controlled. */
export class HttpSumdbRemote {
  /** For messages and figures: without path, query string and userinfo, which may hold a token. */
  readonly host: string;
  readonly #client: RemoteDependencies['client'];
  readonly #base: URL;
  readonly #asProxy: AsProxy | undefined;
  readonly #credentials: HttpCredentials;

  /** Throws CONFIG_INVALID for userinfo in an http URL. */
  constructor({ client, credentials, base, asProxy }: RemoteParts) {
    this.host = base.host;
    this.#client = client;
    this.#base = base;
    this.#asProxy = asProxy;
    this.#credentials = credentialsFor(base, credentials);
  }

  /** Whether this way leads to the database: false when a proxy says (404, 410) that it does not relay it. Rejects, as read() does, when it does not say. */
  async isUsable(o: Ask): Promise<boolean> {
    if (this.#asProxy === undefined) return true;
    try {
      await this.read('/supported', { ...o, maxBytes: MAX_SUPPORTED_BYTES });
      return true;
    } catch (error) {
      if (isAppError(error, 'NOT_FOUND', 'GONE')) return false;
      throw error;
    }
  }

  /**
   * The body below the database, of at most `maxBytes`. `path` begins with `/` and is escaped but not percent-encoded: it goes out as the go command writes it.
   * Rejects with NOT_FOUND or GONE when the other side says that it has no such thing, with POLICY_DENIED, unasked, for a module whose name it must not hear,
   * with ABORTED, and with UPSTREAM_* for everything else.
   */
  async read(path: string, { signal, maxBytes }: Ask & { readonly maxBytes: number }): Promise<Uint8Array> {
    const attempt = `fetch ${path} from the checksum database at ${this.host}`;
    if (this.#mustNotHear(path)) throw new AppError('POLICY_DENIED', `${attempt}: no proxy may hear the module's name`);
    const url = urlBelow(this.#base, (this.#asProxy?.below ?? '') + path.slice(1));
    try {
      const answer = await askAdmitted(this.#credentials, url, {
        signal,
        ask: (credential) =>
          this.#client.getBytes(url, { signal, attempt, maxBytes, ...(credential && { credential }) }),
      });
      if (answer.kind === 'refused')
        throw refusalError(answer, attempt, this.#base, this.#credentials.advice(this.#base));
      if (answer.framing === 'until-close') throw new AppError('UPSTREAM_BAD_RESPONSE', `${attempt}: it may be cut`);
      return answer.bytes;
    } catch (error) {
      throw isAppError(error, 'TOO_LARGE', 'AUTH_REQUIRED') ? asBadResponse(error) : error;
    }
  }

  /** That somebody uses a toolchain is no secret, and no repository of its own could say what it must be. */
  #mustNotHear(path: string): boolean {
    const escaped = LOOKUP.exec(path)?.[1];
    if (escaped === undefined || escaped === TOOLCHAIN_MODULE || this.#asProxy === undefined) return false;
    return matchesAnyPrefix(this.#asProxy.untold, unescapePath(escaped));
  }
}

/** Another way may do better, and to whoever asks for a module it makes no difference why this one does not. */
function asBadResponse(error: AppError): AppError {
  return new AppError('UPSTREAM_BAD_RESPONSE', error.message, { cause: error, detail: error.detail });
}
