import { AppError, isAppError } from './errors.ts';

/**
 * Of two failures of one question, the one to report: wrong bytes before outages before absences, so that an outage is never told as an absence; the later within a rank; a GONE is not
 * forgotten because of a later NOT_FOUND, nor that only some could be asked.
 */
export function graver(before: AppError | undefined, now: AppError): AppError {
  if (before === undefined || gravityOf(now) > gravityOf(before)) return now;
  if (gravityOf(now) < gravityOf(before)) return before;
  const isGone = before.code === 'GONE' && now.code === 'NOT_FOUND';
  if (isGone || (isWordOfSome(before) && !isWordOfSome(now))) return absenceLike(before, now);
  return now;
}

/** An absence that is told of `now`, and of `before`, of which something must not be forgotten. */
function absenceLike(before: AppError, now: AppError): AppError {
  const code = before.code === 'GONE' ? 'GONE' : now.code;
  const isOfSome = isWordOfSome(before) || isWordOfSome(now);
  return new AppError(code, now.message, { cause: now, detail: { ...now.detail, ...(isOfSome && WORD_OF_SOME) } });
}

const WORD_OF_SOME = { wordOf: 'some' };

/** The absence `error` as the word of those who could be asked: others, who could not, may have it. */
export function asWordOfSome(error: AppError): AppError {
  return new AppError(error.code, error.message, { cause: error, detail: { ...error.detail, ...WORD_OF_SOME } });
}

/** Whether an absence is the word of those alone who could be asked. It holds for the question, and for little longer. */
export function isWordOfSome(error: AppError): boolean {
  return error.detail['wordOf'] === WORD_OF_SOME.wordOf;
}

/** 2 = wrong bytes, 0 = not here, 1 = everything else. */
export function gravityOf(error: AppError): 0 | 1 | 2 {
  if (isAppError(error, 'CHECKSUM_MISMATCH', 'ZIP_INVALID')) return 2;
  return isAppError(error, 'NOT_FOUND', 'GONE') ? 0 : 1;
}
