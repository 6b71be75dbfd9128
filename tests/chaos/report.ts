import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import type { Breach } from './checker.ts';
import type { Build } from './builds.ts';

/** A fault that was made. */
export interface MadeFault {
  readonly at: number;
  readonly endedAt: number;
  readonly name: string;
  readonly area: string;
  /** What went wrong with making it, or with ending it. What it says about the product is among the breaches. */
  readonly trouble?: string;
}

/** What came of a run. */
export interface Report {
  readonly seed: number;
  readonly minutes: number;
  readonly goVersion: string;
  readonly faults: readonly MadeFault[];
  /** Kinds that this machine does not allow. */
  readonly impossible: readonly string[];
  readonly builds: readonly Build[];
  readonly requests: number;
  /** Of one server, as seen after each fault, MiB. */
  readonly mostMib: number;
  readonly fetches: { readonly fetches: number; readonly files: number; readonly bound: number };
  readonly breaches: readonly Breach[];
}

/** Whether nothing was wrong, and what was to go wrong did. */
export function isGood({ builds, breaches, faults }: Report): boolean {
  return (
    builds.length > 0 &&
    faults.length > 0 &&
    faults.every(({ trouble }) => trouble === undefined) &&
    breaches.length === 0 &&
    builds.every(({ failure }) => failure === undefined)
  );
}

/** For people. */
export function textOf(report: Report): string {
  const { builds, faults, breaches, fetches } = report;
  const failed = builds.filter(({ failure }) => failure !== undefined);
  const times = builds.map(({ tookMs }) => tookMs).toSorted((x, y) => x - y);
  const at = (share: number): string =>
    `${((times[Math.floor(times.length * share)] ?? times.at(-1) ?? 0) / 1000).toFixed(1)} s`;
  return [
    `seed ${report.seed} · ${report.minutes} minutes · ${report.goVersion} · ${availableParallelism()} processors · Node ${process.version}`,
    `faults      ${faults.length} of ${new Set(faults.map(({ name }) => name)).size} kinds`,
    ...report.impossible.map((name) => `            not on this machine: ${name}`),
    ...faults
      .filter(({ trouble }) => trouble !== undefined)
      .map(({ name, trouble }) => `            ${name}: ${trouble}`),
    `builds      ${builds.length}, ${builds.filter(({ isCold }) => isCold).length} of them cold · median ${at(0.5)} · p99 ${at(0.99)} · longest ${at(1)}`,
    `requests    ${report.requests} · ${fetches.fetches} fetches of ${fetches.files} zips from upstreams (bound ${fetches.bound})`,
    `memory      ${report.mostMib} MiB at most in one server`,
    `failed      ${failed.length}`,
    ...failed.map((one) => `  at ${seconds(one.at)} during "${one.during}": go ${one.command}: ${one.failure}`),
    `breaches    ${breaches.length}`,
    ...breaches.map(({ rule, what }) => `  ${rule}: ${what}`),
    isGood(report) ? 'good' : 'NOT GOOD',
    '',
  ].join('\n');
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** For programs. */
export function writeJson(file: string, report: Report): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ isGood: isGood(report), ...report }, null, 2)}\n`);
}
