import type { Level } from '../ladder/level.ts';
import type { CacheResult } from '../resolver/resolver.ts';
import type { ErrorCode } from '../std/errors.ts';

/** What a request was about: bounded, fit for a metric label. */
export type RequestKind =
  | 'info'
  | 'mod'
  | 'zip'
  | 'list'
  | 'latest'
  | 'query'
  | 'sumdb'
  | 'health'
  | 'metrics'
  | 'status'
  | 'other';

/** One finished request. */
export interface RequestOutcome {
  readonly id: string;
  readonly method: string;
  /** Raw request target, printable ASCII only, cut at 512 characters, query removed. */
  readonly target: string;
  readonly kind: RequestKind;
  readonly status: number;
  /** Body bytes handed to the socket. */
  readonly sentBytes: number;
  readonly durationMs: number;
  readonly result?: CacheResult;
  readonly source?: string;
  /** Of a question about a module: the route it took. */
  readonly route?: string | undefined;
  /** Likewise: on which level of the ladder it was answered. */
  readonly level?: Level | undefined;
  readonly code?: ErrorCode;
  /** The failure in one line, safe to log. */
  readonly message?: string;
  /** Whether the reply was sent to its end. */
  readonly complete: boolean;
  readonly remoteAddress: string;
  readonly userAgent?: string;
}

/** What the edge tells of its work. Implementations never throw and never block. */
export interface ServerObserver {
  onRequestEnd(outcome: RequestOutcome): void;
}
