import type { ErrorCode } from '../std/errors.ts';

/** One question put to one source. */
export interface FetchOutcome {
  readonly source: string;
  readonly kind: 'info' | 'mod' | 'zip' | 'list' | 'latest' | 'query';
  /** Absent on success. */
  readonly code?: ErrorCode;
  /** The failure in one line, safe to log. */
  readonly message?: string;
  readonly durationMs: number;
  readonly sizeBytes: number;
  /** Escaped module path, and version where there is one: for logs, never for metric labels. */
  readonly subject: string;
}

/** A stored thing that could not be read or written; the question went on without it. */
export interface StoreTrouble {
  /** What was attempted. */
  readonly operation: 'read' | 'commit' | 'remember' | 'quarantine';
  readonly code: ErrorCode;
  /** The failure in one line, safe to log. */
  readonly message: string;
  /** As in FetchOutcome. */
  readonly subject: string;
}

/** What the resolver tells of its work. Implementations never throw and never block. */
export interface ResolverObserver {
  onFetch(outcome: FetchOutcome): void;
  /** Optional: who only counts fetches need not have it. */
  onStoreTrouble?(trouble: StoreTrouble): void;
}
