import { type Ask } from '../../std/ask.ts';
import { isAppError } from '../../std/errors.ts';
import { badRepository, remoteFailure, runFailure, toldBy } from './git-failure.ts';
import type { GitNetwork } from './git-network.ts';
import { checkedRemote, type Git } from './git.ts';
import type { PingsRepositories } from './qualified-repositories.ts';
import type { RewriteUrl } from './rewrites.ts';

export interface PingOptions {
  readonly git: Git;
  readonly network: GitNetwork;
  readonly rewrite: RewriteUrl;
  /** Whole time of one question, ms, and its longest silence. */
  readonly wallMs: number;
  readonly idleMs: number;
}

/** Enough for one line. A repository that tells more is one all the same. */
const OUTPUT_BYTES = 1 << 20;
/** git is told of no repository of ours: there is none. */
const NOWHERE = '/dev/null';

/** Asks places whether they are git repositories, with `git ls-remote` of HEAD alone: nothing is fetched. */
export function createPing(options: PingOptions): PingsRepositories {
  return { ping: (url, o) => ping(url, options, o) };
}

async function ping(url: string, options: PingOptions, { signal }: Ask): Promise<boolean> {
  const { git, network, rewrite, wallMs, idleMs } = options;
  const attempt = `ask ${url} whether it is a repository`;
  const remote = await network.open(rewrite(url), { signal, attempt, isFresh: true });
  let wentWell = false;
  try {
    const { environment } = remote;
    const limits = { wallMs, idleMs, outputBytes: OUTPUT_BYTES };
    const args = ['ls-remote', '--quiet', '--end-of-options', checkedRemote(remote.url), 'HEAD'];
    const exit = await git.run(args, { repository: NOWHERE, limits, environment, signal });
    wentWell = exit.exitCode === 0;
    if (wentWell) return true;
    throw remote.failure() ?? remoteFailure(attempt, toldBy(remote, exit)) ?? badRepository(attempt, exit);
  } catch (error) {
    if (isAppError(error, 'NOT_FOUND')) return false;
    throw runFailure(attempt, error);
  } finally {
    remote.close({ wentWell });
  }
}
