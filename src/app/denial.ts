import type { IsDenied } from '../resolver/needs.ts';
import { throwIfAborted } from '../std/ask.ts';
import { isAppError } from '../std/errors.ts';
import type { ProvenExpectations } from '../verify/expectations.ts';

/** A list must not wait long for a database that says nothing. */
const LONGEST_WAIT_MS = 2000;

/** Whether the checksum database says that it does not know a version. What is exempt from it, and what it cannot tell in time, is not denied. */
export function createDenial(expectations: Pick<ProvenExpectations, 'once'>): IsDenied {
  return async (module, { signal }) => {
    try {
      await expectations.once('mod', module, {
        signal: AbortSignal.any([signal, AbortSignal.timeout(LONGEST_WAIT_MS)]),
      });
      return false;
    } catch (error) {
      throwIfAborted(signal);
      return isAppError(error, 'NOT_FOUND', 'GONE');
    }
  };
}
