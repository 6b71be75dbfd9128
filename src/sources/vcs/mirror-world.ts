import type { Clock } from '../../std/clock.ts';
import type { GitNetwork } from './git-network.ts';
import type { Git } from './git.ts';
import type { MirrorLimits, MirrorObserver } from './mirror-limits.ts';
import type { Turns } from './turns.ts';

/** What all mirrors of a process share. */
export interface MirrorWorld {
  readonly git: Git;
  readonly network: GitNetwork;
  readonly clock: Clock;
  readonly limits: MirrorLimits;
  readonly observer: MirrorObserver;
  /** Per host. */
  readonly turns: Turns;
  /** Fires when the process stops. */
  readonly life: AbortSignal;
  /** A mirror has grown. */
  readonly grown: () => void;
}

/** Which repository, and where its mirror is. */
export interface MirrorPlace {
  /** As everybody calls it. */
  readonly url: string;
  /** Where it is fetched from, after rewriting. */
  readonly remote: URL;
  readonly path: string;
}
