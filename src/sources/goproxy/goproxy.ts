import { askAdmitted } from '../../credentials/credentials.ts';
import type { HttpClient, HttpRefusal } from '../../io/http-client.ts';
import { isCanonicalFor, type ModulePath, type ModuleVersion, type Version } from '../../gomod/module.ts';
import { escapedTarget, type ProxyRequest } from '../../gomod/protocol.ts';
import { parseRevInfo, type RevInfo } from '../../gomod/rev-info.ts';
import { shown } from '../../gomod/shown.ts';
import { MAX_END_RECORD_BYTES, MAX_GO_MOD_BYTES, MAX_ZIP_BYTES } from '../../gomod/zip/limits.ts';
import type { Ask } from '../../std/ask.ts';
import { AppError, isAppError } from '../../std/errors.ts';
import type { Spooled } from '../../std/spooled.ts';
import type { Source, Spool, Unverified } from '../source.ts';
import { refuseNoGoMod, sniffZip } from './body-sniff.ts';
import { credentialsFor, type HttpCredentials } from './credentials.ts';
import { refusalError } from './refusal.ts';
import { urlBelow } from './target.ts';
import { MAX_LIST_BYTES, newestListedCommit, parseVersionList } from '../../gomod/version-list.ts';

const MAX_INFO_BYTES = 1 << 20;
/** A zip may take long on a slow line; a stalled one ends by the limit on idle time. */
const ZIP_TOTAL_MS = 30 * 60_000;
/**
 * Another Larder sends a large zip while it comes in, but keeps its end back until the checksum database knows it (30 s for a new version) and all is
 * stored. Less than the 60 s that a reverse proxy between the two waits.
 */
const HELD_BACK = { bytes: MAX_END_RECORD_BYTES, waitMs: 55_000 };

export interface GoproxyOptions {
  readonly name: string;
  /** http or https, with a path, a query string and (https only) userinfo where needed. Secret: it may hold a password or a token. */
  readonly base: URL;
  readonly client: HttpClient;
  /** Of the operator. Nothing of our own clients is ever sent. */
  readonly credentials: HttpCredentials;
}

/** Another module proxy, asked over HTTP exactly as the go command asks it. Throws CONFIG_INVALID for userinfo in an http URL. */
export class GoproxySource implements Source {
  readonly name: string;
  readonly #base: URL;
  readonly #client: HttpClient;
  readonly #credentials: HttpCredentials;

  constructor({ name, base, client, credentials }: GoproxyOptions) {
    this.name = name;
    this.#base = base;
    this.#client = client;
    this.#credentials = credentialsFor(base, credentials);
  }

  async list(module: ModulePath, o: Ask): Promise<readonly Version[]> {
    const attempt = `list versions of ${module} at ${this.name}`;
    const { bytes } = await this.#bytes({ kind: 'list', module }, MAX_LIST_BYTES, attempt, o);
    return parseVersionList(bytes, module);
  }

  async query(module: ModulePath, query: string, o: Ask): Promise<Unverified<RevInfo>> {
    const attempt = `fetch the info of ${module}@${shown(query).slice(1, -1)} from ${this.name}`;
    const request: ProxyRequest = isCanonicalFor(module, query)
      ? { kind: 'artifact', id: { module: { path: module, version: query }, kind: 'info' } }
      : { kind: 'query', module, query };
    const info = await this.#info(request, attempt, o);
    if (request.kind === 'artifact' && info.version !== query)
      throw wrong(attempt, `the answer is about version ${info.version}`);
    return { unverified: info, source: this.name };
  }

  /**
   * `@latest`. Upstreams need not have it: then the newest commit of a list without tagged versions, as the go command would have it. A module
   * cache that is served as it is has no other way to tell the version of an untagged module.
   */
  async latest(module: ModulePath, o: Ask): Promise<Unverified<RevInfo>> {
    const attempt = `fetch the latest version of ${module} from ${this.name}`;
    try {
      return { unverified: await this.#info({ kind: 'latest', module }, attempt, o), source: this.name };
    } catch (error) {
      const newest = isNotHere(error) ? await this.#newestCommit(module, attempt, o) : undefined;
      if (newest === undefined) throw error;
      return this.query(module, newest, o);
    }
  }

  async mod(mv: ModuleVersion, o: Ask): Promise<Unverified<Uint8Array>> {
    const attempt = `fetch the go.mod of ${mv.path}@${mv.version} from ${this.name}`;
    const { bytes, contentType } = await this.#bytes(
      { kind: 'artifact', id: { module: mv, kind: 'mod' } },
      MAX_GO_MOD_BYTES,
      attempt,
      o,
    );
    refuseNoGoMod(bytes, contentType, attempt);
    return { unverified: bytes, source: this.name };
  }

  async zip(mv: ModuleVersion, into: Spool, o: Ask): Promise<Unverified<Spooled>> {
    const attempt = `fetch the zip of ${mv.path}@${mv.version} from ${this.name}`;
    const url = urlBelow(this.#base, escapedTarget({ kind: 'artifact', id: { module: mv, kind: 'zip' } }));
    const { signal } = o;
    const limits = { signal, attempt, maxBytes: MAX_ZIP_BYTES, totalTimeoutMs: ZIP_TOTAL_MS, heldBack: HELD_BACK };
    const answer = await askAdmitted(this.#credentials, url, {
      signal,
      ask: (credential) => this.#client.getResumable(url, { ...limits, ...(credential && { credential }) }),
    });
    if (answer.kind === 'refused') throw this.#refusal(answer, attempt);
    try {
      const announced = answer.sizeBytes === undefined ? o : { ...o, expectedBytes: answer.sizeBytes };
      return { unverified: await into.fill(sniffZip(answer.body, attempt), announced), source: this.name };
    } finally {
      answer.discard();
    }
  }

  /** Undefined when the upstream lists nothing, or a tagged version: then it is the lists of all sources that tell. */
  async #newestCommit(module: ModulePath, attempt: string, o: Ask): Promise<Version | undefined> {
    try {
      const { bytes } = await this.#bytes({ kind: 'list', module }, MAX_LIST_BYTES, attempt, o);
      return newestListedCommit(bytes, module);
    } catch (error) {
      if (isNotHere(error)) return undefined;
      throw error;
    }
  }

  async #info(request: ProxyRequest, attempt: string, o: Ask): Promise<RevInfo> {
    const { bytes } = await this.#bytes(request, MAX_INFO_BYTES, attempt, o);
    return parseInfo(bytes, attempt);
  }

  async #bytes(request: ProxyRequest, maxBytes: number, attempt: string, { signal }: Ask) {
    const url = urlBelow(this.#base, escapedTarget(request));
    const answer = await askAdmitted(this.#credentials, url, {
      signal,
      ask: (credential) => this.#client.getBytes(url, { signal, attempt, maxBytes, ...(credential && { credential }) }),
    });
    if (answer.kind === 'refused') throw this.#refusal(answer, attempt);
    // It may be cut anywhere, also between two lines, and nobody could tell. A zip has an end record of its own.
    if (answer.framing === 'until-close')
      throw wrong(attempt, 'the answer has neither a length nor chunks: it may be cut');
    return answer;
  }

  #refusal(refusal: HttpRefusal, attempt: string): AppError {
    return refusalError(refusal, attempt, this.#base, this.#credentials.advice(this.#base));
  }
}

function parseInfo(bytes: Uint8Array, attempt: string): RevInfo {
  try {
    return parseRevInfo(bytes);
  } catch (error) {
    throw new AppError('UPSTREAM_BAD_RESPONSE', `${attempt}: the answer is no version info`, { cause: error });
  }
}

function isNotHere(error: unknown): boolean {
  return isAppError(error, 'NOT_FOUND', 'GONE');
}

function wrong(attempt: string, why: string): AppError {
  return new AppError('UPSTREAM_BAD_RESPONSE', `${attempt}: ${why}`);
}
