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
  /** To be called when the command has ended. */
  close(): void;
}

/** Reaches repositories: through the egress guard, with credentials that git never sees. */
export interface GitNetwork {
  /** `url`: https, http (where insecure ones are allowed) or ssh, after rewriting. Rejects with POLICY_DENIED, CONFIG_INVALID, AUTH_REQUIRED (ssh without known hosts), UPSTREAM_UNAVAILABLE or ABORTED. */
  open(url: URL, o: Ask & { readonly attempt: string }): Promise<GitRemote>;
}
