/** What faults are made of: the parts of a chaos world that can be hurt. */
import type { Fault, FaultRule } from '../../src/drill/fault.ts';

/** A line before an upstream, as a fault proxy is one. */
export interface Line {
  set(rules: readonly (Fault | FaultRule)[]): Promise<void>;
  clear(): Promise<void>;
}

/** The upstreams: two that can be trusted, of which `b` speaks TLS, and one that lies. */
export type UpstreamName = 'a' | 'b' | 'liar';

/** One Larder process. */
export interface Replica {
  /** Sends it a signal, and starts it again once it has ended. Resolves when it serves again. */
  restart(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  pause(): void;
  goOn(): void;
  /** Its wall clock is ahead by so many days from now on; only where `hasClock`. */
  setClock(days: number): void;
}

/** The volume with the data; only where we may mount one. */
export interface Disk {
  /** Takes all room, or all names, that is left. */
  fill(what: 'bytes' | 'inodes'): void;
  free(): void;
}

export interface Ground {
  /** Upstreams that some replica leaves alone at the moment: for ten minutes when it got wrong bytes from there, though there is nothing wrong any more. */
  leftAlone(): Promise<ReadonlySet<UpstreamName>>;
  readonly lines: Readonly<Record<UpstreamName, Line>>;
  readonly git: Line;
  readonly replicas: readonly [Replica, Replica];
  readonly disk: Disk | undefined;
  readonly hasClock: boolean;
}
