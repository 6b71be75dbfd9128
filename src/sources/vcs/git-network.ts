import type { Ask } from '../../std/ask.ts';
import type { AppError } from '../../std/errors.ts';

/** How one git command reaches a repository. */
export interface GitRemote {
  /** What git is given as URL: no secret in it. */
  readonly url: string;
  /** For the git process, beside what every git process gets. */
  readonly environment: Readonly<Record<string, string>>;
  /** Why the connection failed, as far as the connection itself knows: better than what git says about it. */
  failure(): AppError | undefined;
  /** What to set so that the remote lets us in; absent where failure() says so itself. */
  readonly advice?: string;
  /** Part of what git heard was said to an earlier command: a failure may come of that, and another attempt that `isFresh` tells. */
  usedMemory?(): boolean;
  /** To be called when the command has ended. What was found out on the way may be used for the next when this one `wentWell`. */
  close(o?: { readonly wentWell: boolean }): void;
}

/** For whom a repository is opened. */
export interface OpenAsk extends Ask {
  /** `fetch https://host/path`: for messages. */
  readonly attempt: string;
  /** The remote itself is asked everything, nothing comes from memory. */
  readonly isFresh?: boolean;
}

/** Reaches repositories: through the egress guard, with credentials that git never sees. */
export interface GitNetwork {
  /** `url`: https, http (where insecure ones are allowed) or ssh, after rewriting. Rejects with POLICY_DENIED, CONFIG_INVALID, AUTH_REQUIRED (ssh without known hosts), UPSTREAM_UNAVAILABLE or ABORTED. */
  open(url: URL, o: OpenAsk): Promise<GitRemote>;
}
