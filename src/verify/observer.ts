import type { ErrorDetail } from '../std/errors.ts';

/** Something that must not be overlooked: bytes or a log that are not what was proven. Safe to log. */
export interface SecurityEvent {
  /**
   * `checksum-mismatch` bytes that are not the proven ones were refused · `record-missing` a lookup without a line for its module · `log-fork` two signed trees of one
   * database contradict each other · `retagged` other bytes for a version that the ledger has already · `unproven-mismatch` bytes that were served while the database
   * was down turned out to be wrong · `origin-drift` a repository no longer has what a stored version was made from.
   */
  readonly kind:
    | 'checksum-mismatch'
    | 'record-missing'
    | 'log-fork'
    | 'retagged'
    | 'unproven-mismatch'
    | 'origin-drift';
  /** `PATH@VERSION` escaped, or the name of the database. */
  readonly subject: string;
  readonly message: string;
  /** Both hashes, the source, the database: as far as they apply. */
  readonly detail: ErrorDetail;
}

/** One question to a checksum database. */
export interface DatabaseQuestion {
  readonly database: string;
  readonly kind: 'lookup' | 'tile' | 'latest' | 'supported';
  /** Host that was asked. */
  readonly remote: string;
  readonly durationMs: number;
  /** Absent on success. */
  readonly failure?: string;
}

/** What verify/ tells of its work. Implementations never throw and never block. */
export interface VerifyObserver {
  onSecurityEvent(event: SecurityEvent): void;
  onDatabaseQuestion?(question: DatabaseQuestion): void;
}
