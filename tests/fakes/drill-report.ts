import type { DrillReport } from '../../src/drill/report.ts';

/** The report of a drill that runs and has found nothing yet, with some requests and one that failed; `more` instead of what it says. */
export function drillReport(more: Partial<DrillReport>): DrillReport {
  return {
    id: 'a1',
    kind: 'slow',
    upstream: 'one',
    pools: ['main'],
    startedAt: '2026-01-02T03:04:05.000Z',
    forMs: 60_000,
    ranMs: 1000,
    requests: 10,
    userErrors: 1,
    slowestMs: 20,
    levels: { 0: 9, 2: 1 },
    level: 2,
    load: {
      upstream: { asked: 5, good: 1, failed: 4, probes: 2, extra: 1 },
      others: { asked: 9, good: 9, failed: 0, probes: 1, extra: 3 },
    },
    refusedWrites: 2,
    ...more,
  };
}
