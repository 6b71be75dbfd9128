import type { Credentials } from '../../credentials/credentials.ts';
import { isSecureScheme } from '../../gomod/repository-url.ts';
import type { Ask } from '../../std/ask.ts';
import type { Clock } from '../../std/clock.ts';
import { AppError, isAppError, toAppError } from '../../std/errors.ts';
import { SharedAnswers } from './shared-answers.ts';

/** Asks a place whether it is a git repository, with `git ls-remote`. */
export interface PingsRepositories {
  /** `url`: https, http or ssh, before rewriting. False = whoever is there says that it is none; rejects when that cannot be told (AUTH_REQUIRED, UPSTREAM_UNAVAILABLE, ...). */
  ping(url: string, o: Ask): Promise<boolean>;
}

export interface QualifiedRepositoriesOptions {
  readonly pings: PingsRepositories;
  readonly credentials: Credentials;
  readonly clock: Clock;
  /** Value of GIT_ALLOW_PROTOCOL; empty when it is not set. */
  readonly gitAllowProtocol: string;
}

const FRESH_MS = 60 * 60_000;
const ABSENT_MS = 30_000;
const TIMEOUT_MS = 60_000;
const MAX_UNDER_WAY = 64;
const MAX_REMEMBERED = 10_000;

/** Repositories that a path names by `.git` and without a protocol: which one answers is found out once an hour. */
export class QualifiedRepositories {
  readonly #o: QualifiedRepositoriesOptions;
  readonly #answers: SharedAnswers<string>;

  constructor(o: QualifiedRepositoriesOptions) {
    this.#o = o;
    const limits = { freshMs: FRESH_MS, absentMs: ABSENT_MS, timeoutMs: TIMEOUT_MS, maxUnderWay: MAX_UNDER_WAY };
    this.#answers = new SharedAnswers({ clock: o.clock, ...limits, maxSize: MAX_REMEMBERED, sizeOf: () => 1 });
  }

  /** The URL of `repository` (`host/path`) by the first protocol that gives a repository. NOT_FOUND when each says that there is none, else what keeps the first from saying so. */
  urlOf(repository: string, { signal, isInsecure }: Ask & { readonly isInsecure: boolean }): Promise<string> {
    const urls = this.urlsOf(repository, isInsecure);
    return this.#answers.get(`${isInsecure} ${repository}`, { signal }, (o) => this.#first(urls, isInsecure, o));
  }

  /** The URLs in the order in which they are asked. ssh is asked where it is set up; git+ssh is the same in an older spelling. */
  urlsOf(repository: string, isInsecure: boolean): readonly string[] {
    const allowed = ['https', 'http', 'git+ssh', 'ssh'].filter(
      (scheme) => isInsecure || isSecureScheme(scheme, 'git', this.#o.gitAllowProtocol),
    );
    const [secureShell] = allowed.filter((scheme) => scheme.endsWith('ssh'));
    const knowsHosts = this.#o.credentials.ssh(new URL(`ssh://${repository}`)).knownHostsFile !== undefined;
    return allowed
      .filter((scheme) => !scheme.endsWith('ssh') || (scheme === secureShell && knowsHosts))
      .map((scheme) => `${scheme}://${repository}`);
  }

  async #first(urls: readonly string[], isInsecure: boolean, o: Ask): Promise<string> {
    const failures: AppError[] = [];
    for (const url of urls) {
      try {
        if (await this.#o.pings.ping(url.replace(/^git\+ssh:/, 'ssh:'), o)) return url;
      } catch (error) {
        const failure = toAppError(error, `ask ${url}`);
        if (!isAppError(failure, 'NOT_FOUND')) failures.push(failure);
      }
    }
    // Who asks for credentials says more than who does not answer.
    const told = failures.find(({ code }) => code === 'AUTH_REQUIRED') ?? failures[0];
    throw told ?? new AppError('NOT_FOUND', `no ${isInsecure ? '' : 'secure '}protocol found for repository`);
  }
}
