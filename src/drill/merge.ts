import type { DrillReport, Load } from './report.ts';

/** The report of all processes of one server: counts added up, and of each time the longest, since that is what a build may have met. At least one report. */
export function mergeReports(reports: readonly DrillReport[]): DrillReport {
  const [first, ...rest] = reports;
  if (first === undefined) throw new RangeError('no report to merge');
  return rest.reduce(mergeTwo, first);
}

/** Whether every process has the upstream back: it is up, and has answered where its fault was noticed. A fault that nobody noticed leaves nothing to come back from. */
export function isBack({ detectedMs, recoveredMs, upAgainMs }: DrillReport): boolean {
  return upAgainMs !== undefined && (recoveredMs !== undefined || detectedMs === undefined);
}

/** Whether nothing has to be waited for any more: it has ended, the upstream is back, and it is known how soon it answered. */
export function isOver(report: DrillReport): boolean {
  return report.endedBy !== undefined && report.recoveredMs !== undefined && isBack(report);
}

function mergeTwo(a: DrillReport, b: DrillReport): DrillReport {
  const { id, kind, upstream, pools, startedAt, forMs } = a;
  const slower = (a.detectedMs ?? -1) >= (b.detectedMs ?? -1) ? a : b;
  const levels = { ...a.levels };
  for (const [level, count] of Object.entries(b.levels)) levels[level] = (levels[level] ?? 0) + count;
  const told = {
    endedBy: b.endedBy && a.endedBy,
    detectedMs: longest(a.detectedMs, b.detectedMs),
    detectedAs: slower.detectedAs,
    switchedMs: longest(a.switchedMs, b.switchedMs),
    // The server has the upstream back when all its processes have.
    recoveredMs: ofBoth(a.recoveredMs, b.recoveredMs),
    upAgainMs: ofBoth(a.upAgainMs, b.upAgainMs),
  };
  return {
    id,
    kind,
    upstream,
    pools,
    startedAt,
    forMs,
    levels,
    ...Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined)),
    ranMs: Math.max(a.ranMs, b.ranMs),
    requests: a.requests + b.requests,
    userErrors: a.userErrors + b.userErrors,
    slowestMs: Math.max(a.slowestMs, b.slowestMs),
    level: Math.max(a.level, b.level),
    load: { upstream: added(a.load.upstream, b.load.upstream), others: added(a.load.others, b.load.others) },
    refusedWrites: a.refusedWrites + b.refusedWrites,
  };
}

function longest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
}

function ofBoth(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : Math.max(a, b);
}

function added(a: Load, b: Load): Load {
  return {
    asked: a.asked + b.asked,
    good: a.good + b.good,
    failed: a.failed + b.failed,
    probes: a.probes + b.probes,
    extra: a.extra + b.extra,
  };
}
