import type { DatabaseQuestion, SecurityEvent, VerifyObserver } from '../verify/observer.ts';
import type { Logger } from './logger.ts';

/** Logs what must not be overlooked as errors, with both hashes; and what checksum databases answered: failures as warnings, the rest for debugging. */
export function createProofLog(logger: Logger): VerifyObserver {
  return {
    onSecurityEvent({ kind, subject, message, detail }: SecurityEvent): void {
      logger.error({ ...detail, kind, subject, why: message }, 'security');
    },
    onDatabaseQuestion({ durationMs, ...rest }: DatabaseQuestion): void {
      const fields = { ...rest, durationMs: Math.round(durationMs) };
      if (isOutage(rest)) logger.warn(fields, 'question to a checksum database failed');
      else logger.debug(fields, 'question to a checksum database');
    },
  };
}

/** That a database does not know something, may not be asked, or that nobody waits any more, is no failure of it. */
function isOutage({ failure }: Pick<DatabaseQuestion, 'failure'>): boolean {
  return failure !== undefined && !['NOT_FOUND', 'GONE', 'POLICY_DENIED', 'ABORTED'].includes(failure);
}
