import type { Ask } from '../../std/ask.ts';

/** A commit. */
export interface Commit {
  /** Full hash: 40 or 64 lower-case hex digits. */
  readonly hash: string;
  /** Hash of its root tree. */
  readonly tree: string;
  /** Committer time, whole seconds. */
  readonly time: Date;
}

/** Branches and tags as the repository advertises them; names as git has them, without `refs/heads/` and `refs/tags/`. Attacker-controlled. */
export interface RepositoryRefs {
  /** What HEAD points to; absent in a repository without commits. */
  readonly head?: string;
  /** Name -> what it points to, annotated tags peeled. That need not be a commit. */
  readonly branches: ReadonlyMap<string, string>;
  readonly tags: ReadonlyMap<string, string>;
}

/**
 * A repository at one moment, as the module rules see it (spec: "Refs and Stat"). What is reachable from none of its branches and tags does not exist.
 * Methods reject with the failure of the fetch that they may need (UPSTREAM_UNAVAILABLE, UPSTREAM_TIMEOUT, UPSTREAM_BAD_RESPONSE, AUTH_REQUIRED, POLICY_DENIED, TOO_LARGE,
 * ABORTED) or NOT_FOUND when there is no such repository; absence inside it is `undefined`.
 */
export interface Repository {
  /** What Origin names: without userinfo, before any rewriting. */
  readonly url: string;
  readonly refs: RepositoryRefs;
  /** The commit with this full hash; undefined when it is unknown, unreachable or no commit. */
  commit(hash: string, o: Ask): Promise<Commit | undefined>;
  /** Full hashes of reachable commits that begin with `prefix` (at least 7 lower-case hex digits): none, one, or the first two of several. */
  expand(prefix: string, o: Ask): Promise<readonly string[]>;
  /** Names of the tags whose commit is `hash` or one of its ancestors, in the whole history. */
  ancestorTags(hash: string, o: Ask): Promise<readonly string[]>;
  /** Whether `older` is `newer` or one of its ancestors. */
  isAncestor(older: string, newer: string, o: Ask): Promise<boolean>;
  /** The blob at `path` of a commit, without attributes applied: of a symbolic link its target. Undefined when there is none or it is no blob. TOO_LARGE past 16 MiB. */
  file(commit: string, path: string, o: Ask): Promise<Uint8Array | undefined>;
}
