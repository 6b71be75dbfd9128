import type { LadderObserver, LadderStep } from '../ladder/observer.ts';
import type { FetchOutcome, ResolverObserver, StoreTrouble } from '../resolver/observer.ts';
import type { RequestOutcome, ServerObserver } from '../server/observer.ts';
import type { DatabaseQuestion, SecurityEvent, VerifyObserver } from '../verify/observer.ts';

/** One server observer that tells all of `observers`, in order. */
export function tellServerObservers(observers: readonly ServerObserver[]): ServerObserver {
  return {
    onRequestEnd(outcome: RequestOutcome): void {
      for (const observer of observers) observer.onRequestEnd(outcome);
    },
  };
}

/** One resolver observer that tells all of `observers`, in order. */
export function tellResolverObservers(observers: readonly ResolverObserver[]): ResolverObserver {
  return {
    onFetch(outcome: FetchOutcome): void {
      for (const observer of observers) observer.onFetch(outcome);
    },
    onStoreTrouble(trouble: StoreTrouble): void {
      for (const observer of observers) observer.onStoreTrouble?.(trouble);
    },
  };
}

/** One ladder observer that tells all of `observers`, in order. */
export function tellLadderObservers(observers: readonly LadderObserver[]): LadderObserver {
  return {
    onLadderStep(step: LadderStep): void {
      for (const observer of observers) observer.onLadderStep(step);
    },
  };
}

/** One observer of verify/ that tells all of `observers`, in order. */
export function tellVerifyObservers(observers: readonly VerifyObserver[]): VerifyObserver {
  return {
    onSecurityEvent(event: SecurityEvent): void {
      for (const observer of observers) observer.onSecurityEvent(event);
    },
    onDatabaseQuestion(question: DatabaseQuestion): void {
      for (const observer of observers) observer.onDatabaseQuestion?.(question);
    },
  };
}
