import type { DrillKind } from './drill-kind.ts';

/** Why a drill ended: its time was over; its asker asked, or was not heard of for five seconds; the server stops, or may touch nothing outside any more. */
export type DrillEnd = 'time' | 'asked' | 'silence' | 'server';

/** What a drill showed so far. Durations in ms, from the server's own monotonic clock. Plain data: it goes through the control socket. */
export interface DrillReport {
  readonly id: string;
  readonly kind: DrillKind;
  readonly upstream: string;
  /** The pools of the upstream. */
  readonly pools: readonly string[];
  /** Wall time, ISO 8601. */
  readonly startedAt: string;
  /** What was wished for. */
  readonly forMs: number;
  readonly ranMs: number;
  /** Undefined while it runs. */
  readonly endedBy?: DrillEnd;

  /** From the start to the first change of the state of the upstream. */
  readonly detectedMs?: number;
  /** What it changed to, and why. */
  readonly detectedAs?: string;
  /** From the first question that met the fault to the first good answer of another member of the pool. */
  readonly switchedMs?: number;
  /** From the end to the first good answer of the upstream itself. */
  readonly recoveredMs?: number;
  /** From the end until it was up again in all of its pools; 0 where it was at the end. */
  readonly upAgainMs?: number;

  /** Requests of clients that ended during the drill, without health checks and metrics. */
  readonly requests: number;
  /** Of those: answered with a status from 500 on or 429, or broken off by us. */
  readonly userErrors: number;
  /** Longest request. */
  readonly slowestMs: number;
  /** Requests by the level of the ladder that answered them. */
  readonly levels: Readonly<Record<string, number>>;
  /** The deepest of them. */
  readonly level: number;

  /** How the questions to the members of its pools went that ended during the drill, for the upstream itself and for all others. A few were put before it began. */
  readonly load: Readonly<Record<'upstream' | 'others', Load>>;
  /** Writes that failed for want of room: of a full disk only. */
  readonly refusedWrites: number;
}

/** Questions that were put to members of a pool. */
export interface Load {
  readonly asked: number;
  readonly good: number;
  readonly failed: number;
  /** Of those asked: by probes. */
  readonly probes: number;
  /** Of those asked: besides the first of each question. */
  readonly extra: number;
}
