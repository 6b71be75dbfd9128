import type { Credentials } from '../../credentials/credentials.ts';
import { shown } from '../../gomod/shown.ts';
import { admitStrangers } from '../../io/egress/checked-destinations.ts';
import type { EgressGuard } from '../../io/egress/guard.ts';
import type { Ask } from '../../std/ask.ts';
import type { Clock } from '../../std/clock.ts';
import { AppError, isAppError } from '../../std/errors.ts';
import type { PingsRepositories } from './qualified-repositories.ts';
import { type RewriteUrl, rewriteBy } from './rewrites.ts';
import { SharedAnswers } from './shared-answers.ts';

/** Decides whether a page may say that a public module is kept at another host. */
export interface ChecksClaims {
  /** Rejects with POLICY_DENIED when only this server's place in the network or its credentials open `claim.url` (as the page has it), and with what keeps that from being told. */
  check(claim: { readonly kind: 'git' | 'proxy'; readonly url: string }, o: Ask): Promise<void>;
}

export interface ClaimedRepositoriesOptions {
  readonly guard: EgressGuard;
  readonly credentials: Credentials;
  readonly rewrite: RewriteUrl;
  /** Asks without any credentials. */
  readonly pings: PingsRepositories;
  readonly clock: Clock;
}

const OPEN_MS = 5 * 60_000;
const TIMEOUT_MS = 60_000;
const LIMITS = { freshMs: OPEN_MS, absentMs: OPEN_MS, timeoutMs: TIMEOUT_MS, maxUnderWay: 64, maxSize: 10_000 };

/**
 * What a page says of a public module may lead to what everybody can reach and read, and to nothing else: the hosts that the operator named for other purposes do not count, and
 * where something secret would be sent, the repository must be open to those who send nothing. A place that the operator rewrites is the operator's own word.
 */
export class ClaimedRepositories implements ChecksClaims {
  readonly #o: ClaimedRepositoriesOptions;
  readonly #answers: SharedAnswers<true>;

  constructor(o: ClaimedRepositoriesOptions) {
    this.#o = o;
    this.#answers = new SharedAnswers({ ...LIMITS, clock: o.clock, sizeOf: () => 1 });
  }

  async check({ kind, url }: Parameters<ChecksClaims['check']>[0], o: Ask): Promise<void> {
    const { guard, credentials, rewrite } = this.#o;
    const place = rewriteBy([])(url);
    if (rewrite(url).href !== place.href) return;
    await admitStrangers(guard, place, o);
    if (kind === 'proxy') return;
    if (place.protocol === 'ssh:') {
      if (Object.keys(credentials.ssh(place)).length > 0) throw hidden(url);
    } else if ((await credentials.http(place, o)) !== undefined) await this.#mustBeOpen(url, o);
  }

  async #mustBeOpen(url: string, o: Ask): Promise<void> {
    const isOpen = await this.#answers
      .get(url, o, async (own) => {
        if (await this.#o.pings.ping(url, own)) return true;
        throw new AppError('NOT_FOUND', 'nobody is let in without credentials');
      })
      .catch((error: unknown) => {
        if (isAppError(error, 'NOT_FOUND', 'AUTH_REQUIRED')) return false;
        throw error;
      });
    if (!isOpen) throw hidden(url);
  }
}

/** Why a public module does not come from `url`, and what the operator does about it. */
export function hidden(url: string): AppError {
  const instead = 'add the module to private, or name its repository under git.aliases';
  return new AppError('POLICY_DENIED', `${shown(url)} is private and the module is not: ${instead}`);
}
