/** Where in a repository a module version came from: what can be compared later with what the repository says then. */
export interface Anchor {
  /** As in Origin: without userinfo, before any rewriting. */
  readonly url: string;
  /** Full commit hash. */
  readonly commit: string;
  /** Hash of the commit's root tree. */
  readonly tree: string;
  /** The tag that names the version, without `refs/tags/`; absent for pseudo-versions. */
  readonly tag?: string;
}
