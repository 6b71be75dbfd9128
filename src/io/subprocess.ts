import type { Ask } from '../std/ask.ts';

/** Bounds of one run. */
export interface RunLimits {
  /** Whole time, ms. */
  readonly wallMs: number;
  /** Longest time without a byte on stdout or stderr, ms. */
  readonly idleMs: number;
  /** Most bytes on stdout. */
  readonly outputBytes: number;
}

/** One command. There is no shell; `environment` is all that the process gets. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly limits: RunLimits;
  readonly input?: Uint8Array;
}

/** How a command ended by itself. */
export interface Ended {
  readonly exitCode: number;
  readonly stdout: Uint8Array;
  /** Its last 16 KiB without control characters: attacker-controlled all the same. */
  readonly stderr: string;
}

/** Runs a command to its end. A process that is aborted or goes past a limit is killed with its whole group before the promise rejects: ABORTED, UPSTREAM_TIMEOUT, TOO_LARGE. Rejects with CONFIG_INVALID when the program cannot be started. */
export type Run = (command: Command, o: Ask) => Promise<Ended>;
