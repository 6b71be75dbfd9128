/** What holds a module, as discovery found it (spec: "From module path to repository"). */
export type RepositoryRoot = GitRoot | ProxyRoot;

/** Which rule found it: a row of the configuration, a known host, a `.git` in the path, or a go-import tag. */
export type FoundBy = 'alias' | 'known-host' | 'qualifier' | 'go-import';

export interface GitRoot {
  readonly kind: 'git';
  /** Leading part of the module path that is the repository. */
  readonly root: string;
  /** Of the repository, as Origin names it: with scheme, without userinfo that is a secret, before rewriting. */
  readonly url: string;
  /** Where in the repository `root` lies; empty for its top. Clean, never climbs out. */
  readonly subdirectory: string;
  readonly by: FoundBy;
}

/** A go-import tag of kind `mod`: the GOPROXY protocol at `url`. */
export interface ProxyRoot {
  readonly kind: 'proxy';
  readonly root: string;
  readonly url: string;
  readonly by: FoundBy;
  /** A page of another host named it for a public module: nothing secret is sent there. */
  readonly isAnonymous?: boolean;
}
