import type { LadderObserver } from '../ladder/observer.ts';
import type { UpstreamEvent } from '../upstream/observer.ts';
import type { VerifyObserver } from '../verify/observer.ts';
import type { LogSink } from './log-sink.ts';

/** What is told of each event; nothing secret, and no address with a password. */
type Facts = Readonly<Record<string, unknown>> & {
  readonly [name in 'time' | 'instance' | 'worker' | 'event']?: never;
};

/** What is written down of a server so that it can be read afterwards, whatever its log level was. */
export type AuditEvent =
  | 'start'
  | 'stop'
  | 'ladder'
  | 'upstream'
  | 'canary'
  | 'offline'
  | 'drill'
  | 'reload'
  | 'security';

/** Where events are written down. Never blocks and never throws; what does not fit is dropped and counted. */
export interface AuditTrail {
  record(event: AuditEvent, facts: Facts): void;
}

/** Who writes. */
export interface AuditWriter {
  /** Common to all processes of a server. */
  readonly instance: string;
  /** From 1; 0 = one that serves alone. */
  readonly worker: number;
  /** Wall time, ms. */
  readonly now: () => number;
}

/** A trail of JSON lines in `sink`: `{"time","instance","worker","event", ...facts}`. */
export function createAuditTrail(sink: LogSink, { instance, worker, now }: AuditWriter): AuditTrail {
  return {
    record(event, facts) {
      const time = new Date(now()).toISOString();
      sink.write(`${JSON.stringify({ time, instance, worker, event, ...facts })}\n`);
    },
  };
}

/** A trail that keeps nothing. */
export const NO_AUDIT: AuditTrail = { record: () => undefined };

/** Writes down each step of the ladder. */
export function auditedLadder(trail: AuditTrail): LadderObserver {
  return { onLadderStep: ({ route, from, to, why }) => trail.record('ladder', { route, from, to, why }) };
}

type StateEvent = Extract<UpstreamEvent, { readonly kind: 'state' }>;

/** Writes down who is left alone and who is back, and each step of a canary. What only slows us down, and each try in between, is for the log. */
export function auditedUpstreams(trail: AuditTrail): (event: UpstreamEvent) => void {
  return (event) => {
    const { kind, ...facts } = event;
    if (kind === 'canary') trail.record('canary', facts);
    if (event.kind === 'state' && isAlone(event.from) !== isAlone(event.to)) trail.record('upstream', facts);
  };
}

function isAlone(state: StateEvent['from']): boolean {
  return state === 'open' || state === 'half-open';
}

/** Writes down what must not be overlooked. */
export function auditedSecurity(trail: AuditTrail): VerifyObserver {
  return {
    onSecurityEvent: ({ kind, subject, message, detail }) =>
      trail.record('security', { kind, subject, why: message, detail }),
  };
}
