import type { Fault } from './fault.ts';

/** What can be rehearsed. */
export const DRILL_KINDS = [
  'network-down',
  'expired-cert',
  'timeout',
  'slow',
  '5xx',
  '429',
  'truncate',
  'corrupt',
  'dns',
  'disk-full',
] as const;

export type DrillKind = (typeof DRILL_KINDS)[number];

/** A line to an upstream as a drill spoils it. */
export interface DrillLine {
  readonly faults: readonly Fault[];
  /** Whether the upstream is asked by https meanwhile, whatever it is asked by else. */
  readonly isTls: boolean;
}

/** Two seconds late, and a half more or less: many times what a healthy upstream takes. */
const SLOW: Fault = { kind: 'latency', ms: 1500, jitterMs: 1000 };

const LINES: Readonly<Partial<Record<DrillKind, readonly Fault[]>>> = {
  'network-down': [{ kind: 'refuse' }],
  'expired-cert': [{ kind: 'certificate', is: 'expired' }],
  timeout: [{ kind: 'timeout', ms: 0 }],
  slow: [SLOW],
  '5xx': [{ kind: 'status', status: 503 }],
  '429': [{ kind: 'status', status: 429, retryAfter: '5' }],
  truncate: [{ kind: 'truncate' }],
  corrupt: [{ kind: 'corrupt' }],
};

/** What a drill does to the line to an upstream; undefined for what is not of a line: a name without address, and a disk. */
export function lineOf(kind: DrillKind): DrillLine | undefined {
  const faults = LINES[kind];
  return faults && { faults, isTls: kind === 'expired-cert' };
}

/** `text` as a kind; undefined when it is none. */
export function readDrillKind(text: unknown): DrillKind | undefined {
  return DRILL_KINDS.find((one) => one === text);
}
