import type { Ask } from '../../std/ask.ts';
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
  /** Waits while another process refreshes the mirror with this key, within bounds, and resolves with what is called at the end. Rejects when the signal fires, and for nothing else. */
  readonly alone: (key: string, o: Ask) => Promise<() => void>;
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
