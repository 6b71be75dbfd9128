import type { Drills } from '../drill/drills.ts';
import type { ServerObserver } from '../server/observer.ts';
import type { Clock } from '../std/clock.ts';
import type { MemberOutcome, UpstreamObserver } from '../upstream/observer.ts';

/** What drills hear of the server at work. */
export interface DrillObservers {
  readonly server: ServerObserver;
  /** Tells `inner` everything, with the name of the drill where a drill is why. */
  upstream(inner: UpstreamObserver): UpstreamObserver;
}

/** Of the machinery around, not of builds. */
const NOT_CLIENTS = new Set(['health', 'metrics', 'other']);

const RESULTS: Readonly<Record<MemberOutcome['result'], 'good' | 'failed' | 'left'>> = {
  good: 'good',
  absent: 'good',
  failed: 'failed',
  throttled: 'failed',
  integrity: 'failed',
  left: 'left',
};

/** Tells `drills` of what happens. */
export function drillObservers(drills: Drills, clock: Clock): DrillObservers {
  return {
    server: {
      onRequestEnd: ({ kind, status, complete, code, durationMs, level = 0 }) => {
        if (NOT_CLIENTS.has(kind)) return;
        // Who leaves early has ABORTED; what we break off has its own reason.
        const isBroken = !complete && code !== undefined && code !== 'ABORTED';
        const isFailed = status >= 500 || status === 429 || isBroken;
        drills.record?.requested({ isFailed, durationMs, level });
      },
    },
    upstream: (inner) => ({
      onUpstreamEvent: (event) => {
        const drill = drills.drillOf(event.pool, event.member);
        inner.onUpstreamEvent(drill === undefined ? event : { ...event, drill });
        if (event.kind === 'state') drills.record?.stateChanged(event, clock.monotonic());
        drills.settled();
      },
      onMemberOutcome: (outcome) => {
        const drill = drills.drillOf(outcome.pool, outcome.member);
        inner.onMemberOutcome(drill === undefined ? outcome : { ...outcome, drill });
        const { pool, member, why, result } = outcome;
        const isProbe = why === 'probe';
        const isExtra = why !== 'first';
        drills.record?.answered({ pool, member, isProbe, isExtra, result: RESULTS[result] }, clock.monotonic());
        drills.settled();
      },
    }),
  };
}
