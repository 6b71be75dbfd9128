import type { LedgerObserver } from '../ledger/observer.ts';
import type { VerifyObserver } from '../verify/observer.ts';
import type { Logger } from './logger.ts';

/** Records between two lines about the index: a second or so. */
const TOLD_EVERY = 1 << 17;

/** Logs what the ledger does for debugging, and what it could not log as warnings. Sums that contradict logged ones are told to `security`. */
export function createLedgerLog(logger: Logger, security: VerifyObserver): LedgerObserver {
  return {
    onAppended({ records, size, durationMs }): void {
      logger.debug({ records, size, durationMs: Math.round(durationMs) }, 'logged in the ledger');
    },
    onRetagged({ subject, logged, offered }): void {
      const message = `log ${subject}: the ledger has other sums of it; they stay`;
      security.onSecurityEvent({ kind: 'retagged', subject, message, detail: { logged, offered } });
    },
    onUnguarded({ size }): void {
      logger.warn(
        { size },
        'the head file of the ledger was missing: whether the log was set back could not be checked',
      );
    },
    onIndexing({ covered, size }): void {
      if (covered % TOLD_EVERY === 0) logger.info({ covered, size }, 'making the index of the ledger again');
    },
    onNotLogged({ subject, message }): void {
      logger.warn({ subject, why: message }, 'not logged in the ledger yet; the next lookup tries again');
    },
  };
}
