import type { Version } from './module.ts';

/** Where a version came from, as the go command writes it. Members in Go's order; all optional. */
export interface Origin {
  readonly VCS?: string;
  readonly URL?: string;
  readonly Subdir?: string;
  readonly Hash?: string;
  readonly TagPrefix?: string;
  readonly TagSum?: string;
  readonly Ref?: string;
  readonly RepoSum?: string;
}

/** The content of an `.info` answer. */
export interface RevInfo {
  readonly version: Version;
  /** RFC 3339, UTC, as it will be printed; unauthenticated, so never a basis for a decision about age. */
  readonly time?: string;
  readonly origin?: Origin;
}
