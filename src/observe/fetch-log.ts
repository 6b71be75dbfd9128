import type { FetchOutcome, ResolverObserver } from '../resolver/observer.ts';
import type { Logger } from './logger.ts';

/** Logs what sources answered: failures as warnings, "not here" and successes for debugging. */
export function createFetchLog(logger: Logger): ResolverObserver {
  return {
    onFetch(outcome: FetchOutcome): void {
      const isFailure = outcome.code !== undefined && outcome.code !== 'NOT_FOUND' && outcome.code !== 'GONE';
      if (isFailure && outcome.code !== 'ABORTED') logger.warn(fieldsOf(outcome), 'fetch failed');
      else logger.debug(fieldsOf(outcome), 'fetch');
    },
  };
}

function fieldsOf({ durationMs, sizeBytes, ...rest }: FetchOutcome): Record<string, unknown> {
  return { ...rest, durationMs: Math.round(durationMs), bytes: sizeBytes };
}
