import type { HealthState, OpenReason } from './standing.ts';

/** Something an operator may want to know of afterwards. Names only; no URL. `drill` = it is the doing of that drill. */
export type UpstreamEvent = { readonly drill?: string } & (
  | {
      readonly kind: 'state';
      readonly pool: string;
      readonly member: string;
      readonly from: HealthState;
      readonly to: HealthState;
      readonly reason?: OpenReason;
      /** The last failure in one line, safe to log. */
      readonly message?: string;
    }
  | {
      readonly kind: 'canary';
      readonly pool: string;
      readonly member: string;
      /** Percent of the modules, before and after. */
      readonly from: number;
      readonly to: number;
      readonly why: 'started' | 'good' | 'integrity' | 'errors' | 'latency' | 'operator' | 'remembered';
    }
  | {
      readonly kind: 'throttled';
      readonly pool: string;
      readonly member: string;
      /** How long it is spared, ms. */
      readonly forMs: number;
    }
);

/** How one asking of one member ended: for counters. */
export interface MemberOutcome {
  readonly pool: string;
  readonly member: string;
  /** Why it was asked. */
  readonly why: 'first' | 'failover' | 'retry' | 'hedge' | 'trial' | 'probe';
  readonly result: 'good' | 'absent' | 'failed' | 'throttled' | 'integrity' | 'left';
  /** The drill whose doing it is. */
  readonly drill?: string;
}

/** What the engine tells of its work. Implementations never throw and never block. */
export interface UpstreamObserver {
  onUpstreamEvent(event: UpstreamEvent): void;
  onMemberOutcome(outcome: MemberOutcome): void;
}
