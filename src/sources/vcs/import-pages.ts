import { type Credentials, isSameCredential } from '../../credentials/credentials.ts';
import type { HttpCredential } from '../../io/http-client.ts';
import type { HttpPage, PageAsk } from '../../io/http-page.ts';
import { type MetaImport, type MetaPage, parseMetaImports } from '../../gomod/meta-import.ts';
import { discoveryUrl } from '../../gomod/repository-url.ts';
import type { Ask } from '../../std/ask.ts';
import type { Clock } from '../../std/clock.ts';
import { AppError, isAppError } from '../../std/errors.ts';
import { SharedAnswers } from './shared-answers.ts';

/** Gets web pages, whatever their status. io/http-client.ts does. */
export interface GetsPages {
  page(url: URL, ask: PageAsk): Promise<HttpPage>;
}

export interface ImportPagesOptions {
  readonly pages: GetsPages;
  readonly credentials: Credentials;
  readonly clock: Clock;
}

/** What the page of a path or prefix says. */
export interface ImportPage {
  /** Whose answer it was, for messages. */
  readonly url: string;
  readonly imports: readonly MetaImport[];
}

export interface ImportPageAsk extends Ask {
  /** Whether plain http may be asked after https failed, and redirected to. */
  readonly isInsecure: boolean;
}

/** Of a page, which is meant to be read by the end of its head. */
const MAX_PAGE_BYTES = 1 << 20;
const FRESH_MS = 5 * 60_000;
const ABSENT_MS = 30_000;
const TIMEOUT_MS = 30_000;
/** How long https may take where http is an alternative. */
const IMPATIENT_MS = 5000;
const MAX_UNDER_WAY = 256;
/** Characters of tags that are remembered, with 200 for each page. */
const MAX_REMEMBERED = 16 << 20;

/** Pages with go-import tags, `https://{path}?go-get=1`: each is asked for once in five minutes, and by many at the same time once. */
export class ImportPages {
  readonly #o: ImportPagesOptions;
  readonly #answers: SharedAnswers<ImportPage>;

  constructor(o: ImportPagesOptions) {
    this.#o = o;
    this.#answers = new SharedAnswers({
      clock: o.clock,
      freshMs: FRESH_MS,
      absentMs: ABSENT_MS,
      timeoutMs: TIMEOUT_MS + IMPATIENT_MS,
      maxUnderWay: MAX_UNDER_WAY,
      maxSize: MAX_REMEMBERED,
      sizeOf: ({ imports }) => imports.reduce((sum, one) => sum + 50 + Object.values(one).join('').length, 200),
    });
  }

  /**
   * The tags on the page of `path`; none when it is there and has none. Rejects with NOT_FOUND when the page is not there or cannot be read as the go command reads it,
   * AUTH_REQUIRED with advice, POLICY_DENIED by the egress guard, OVERLOADED, and with what else keeps it from being read.
   */
  of(path: string, { signal, isInsecure }: ImportPageAsk): Promise<ImportPage> {
    return this.#answers.get(`${isInsecure} ${path}`, { signal }, (o) => this.#ask(path, { ...o, isInsecure }));
  }

  /** The page of `path` as it is asked for first. */
  urlOf(path: string): string {
    return discoveryUrl(path) ?? '';
  }

  async #ask(path: string, o: ImportPageAsk): Promise<ImportPage> {
    const https = discoveryUrl(path);
    const http = discoveryUrl(path, 'http');
    if (https === undefined || http === undefined)
      throw new AppError('NOT_FOUND', 'import path does not begin with hostname');
    if (!o.isInsecure) return this.#read(https, o);
    try {
      return await this.#read(https, o);
    } catch (error) {
      const isUnreachable = isAppError(error, 'UPSTREAM_UNAVAILABLE', 'UPSTREAM_TIMEOUT', 'UPSTREAM_BAD_RESPONSE');
      if (!isUnreachable || error.detail['answered'] === true) throw error;
      return this.#read(http, o);
    }
  }

  async #read(text: string, o: ImportPageAsk): Promise<ImportPage> {
    const url = new URL(text);
    const first = await this.#get(url, undefined, o);
    const page = isRefusal(first.page) ? await this.#getAgain(url, first, o) : first.page;
    return this.#understand(page, text);
  }

  async #get(url: URL, refused: Got | undefined, { signal, isInsecure }: ImportPageAsk): Promise<Got> {
    const credential = await this.#o.credentials.http(url, { signal });
    if (refused !== undefined && isSameCredential(credential, refused.credential)) return refused;
    const page = await this.#o.pages.page(url, {
      signal,
      attempt: `reading ${url.href}`,
      maxBytes: MAX_PAGE_BYTES,
      totalTimeoutMs: isInsecure && url.protocol === 'https:' ? IMPATIENT_MS : TIMEOUT_MS,
      mayDowngrade: isInsecure,
      ...(credential && { credential }),
    });
    return { page, credential };
  }

  /** Helpers and commands may know better when they hear that they were wrong. */
  async #getAgain(url: URL, first: Got, o: ImportPageAsk): Promise<HttpPage> {
    if (parseMetaImports(first.page.bytes).imports.length > 0) return first.page;
    this.#o.credentials.refused(url, first.page.status);
    return (await this.#get(url, first, o)).page;
  }

  #understand(page: HttpPage, asked: string): ImportPage {
    const meta = parseMetaImports(page.bytes);
    const attempt = `reading ${page.url.href}`;
    if (page.isCut && (meta.ended === 'page' || meta.ended === 'cut'))
      throw answered('UPSTREAM_BAD_RESPONSE', `${attempt}: its head does not end within ${MAX_PAGE_BYTES} bytes`);
    if (meta.imports.length === 0) this.#refuse(page, meta, asked);
    return { url: page.url.href, imports: meta.imports };
  }

  /** Throws when a page without tags says something else than that there are none. The status comes before a fault: an error page need not be readable. */
  #refuse({ status, url }: HttpPage, { fault }: MetaPage, asked: string): void {
    const attempt = `reading ${url.href}`;
    if (status === 404 || status === 410)
      throw new AppError('NOT_FOUND', `${attempt}: ${status === 404 ? '404 Not Found' : '410 Gone'}`);
    if (status === 401 || status === 403 || isLogin(url, asked)) {
      const said = status === 200 ? 'asks to log in' : String(status);
      throw answered('AUTH_REQUIRED', `${attempt}: ${said}: ${this.#o.credentials.advice(new URL(asked))}`);
    }
    const isBusy = status >= 500 || status === 408 || status === 429;
    if (status !== 200)
      throw answered(isBusy ? 'UPSTREAM_UNAVAILABLE' : 'UPSTREAM_BAD_RESPONSE', `${attempt}: ${status}`);
    if (fault !== undefined) throw new AppError('NOT_FOUND', `${attempt}: ${fault}`);
  }
}

interface Got {
  readonly page: HttpPage;
  readonly credential: HttpCredential | undefined;
}

/** Not by this host over https alone: it has answered, so http is no alternative. */
function answered(code: 'AUTH_REQUIRED' | 'UPSTREAM_UNAVAILABLE' | 'UPSTREAM_BAD_RESPONSE', message: string): AppError {
  return new AppError(code, message, { detail: { answered: true } });
}

function isRefusal({ status }: HttpPage): boolean {
  return status === 401 || status === 403;
}

/** Whether we were sent to a place where people log in: then nothing is known about the page that was asked for. */
function isLogin(url: URL, asked: string): boolean {
  if (url.href === asked) return false;
  const isLoginHost =
    /^(?:login|sso|auth|accounts|id|idp)\./i.test(url.hostname) && url.hostname !== new URL(asked).hostname;
  return (
    isLoginHost || /\/(?:log-?in|sign[-_]?in|sso|saml2?|oauth2?|oidc|authorize|auth)(?:[/.]|$)/i.test(url.pathname)
  );
}
