import type { AppError } from '../../std/errors.ts';

/** Bounds of all mirrors. */
export interface MirrorLimits {
  /** Of all mirrors together; the least used are taken away. */
  readonly spaceBytes: number;
  /** Of one, also while it is fetched. */
  readonly repositoryBytes: number;
  /** Whole time of one refresh, and of one reading command, ms. */
  readonly fetchMs: number;
  /** Longest silence in a fetch, ms. */
  readonly idleMs: number;
  /** Fetches at a time from one host. */
  readonly perHost: number;
}

/** Hears what happens to mirrors. Must not throw. URLs are without userinfo. */
export interface MirrorObserver {
  /** The remote was asked; `failure` when that failed. */
  refreshed(event: { readonly url: string; readonly tookMs: number; readonly failure?: AppError }): void;
  /** Its files were not as git wants them; it is made anew. `why` is attacker-controlled and printable. */
  damaged(event: { readonly url: string; readonly why: string }): void;
  /** It was the least used one when there was no room. */
  evicted(event: { readonly key: string; readonly bytes: number }): void;
}
