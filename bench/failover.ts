/** `failover`: the scenarios of tests/fault/failover at full size, against the goals of the issue. The faults take `--minutes`, the rest five more. */
import { loadavg } from 'node:os';
import { type Times, timesOf } from '../tests/fault/failover/clients.ts';
import { failover, type Side } from '../tests/fault/failover/scenarios.ts';
import { detections, healings } from '../tests/fault/failover/seen-soon.ts';
import type { Case, Row } from './cases.ts';

/** One each three quarters of a minute, as twenty in a quarter of an hour. */
const FAULT_EVERY_S = 45;
/** Printed, so that a run can be repeated. */
const SEED = Number(process.env['LARDER_SEED'] ?? 1);

export const FAILOVER_CASES: Readonly<Record<string, Case>> = {
  'failover faults': async ({ dist, minutes }) => {
    const seconds = minutes * 60;
    const faults = Math.max(1, Math.round(seconds / FAULT_EVERY_S));
    const f = await failover({ dist, seed: SEED, seconds, faults });
    const { times, failed, extraPercent, questions } = f.faulty;
    const wereThere = (questions['failover'] ?? 0) + (questions['hedge'] ?? 0) > 0;
    const isFast = f.addedP99 <= 500 && times.p999 <= 2500 && times.max <= 3200;
    const name = `failover: ${faults} faults in ${minutes} min, 50 cold requests/s`;
    const goal = 'p99 + ≤ 500 ms, p99.9 ≤ 2.5 s, max ≤ 3.2 s, ≤ 8 % more questions, 0 failed';
    const added = {
      'ms p99 added': f.addedP99,
      'ms own lag': f.ownLagMs,
      ...Object.fromEntries(Object.entries(f.worst).map(([kind, ms]) => [`ms max in ${kind}`, ms])),
    };
    return [
      { name, subject: 'undisturbed', figures: sideOf(f.control), ratios: {} },
      row(name, { ...sideOf(f.faulty), ...added }, goal, wereThere && isFast && failed === 0 && extraPercent <= 8),
    ];
  },
  'failover detection': async ({ dist }) => {
    const { deadMs, backMs } = await detections({ dist, seed: SEED, rounds: 10, quietMs: 3000, dyingMs: 5000 });
    const [dead, back] = [timesOf(deadMs), timesOf(backMs)];
    return [
      row(
        'failover: death found while nobody asks, within 15 s of a question',
        figuresOf(dead),
        '≤ 3.8 s',
        dead.max <= 3800,
      ),
      row('failover: up after its end', figuresOf(back), '≤ 3 s', back.max <= 3000),
    ];
  },
  'failover detection, idle': async ({ dist }) => {
    const idle = { rounds: 3, quietMs: 20_000, dyingMs: 15_000 };
    const dead = timesOf((await detections({ dist, seed: SEED, ...idle })).deadMs);
    return [
      row(
        'failover: death found when nobody has asked for long',
        figuresOf(dead),
        '≤ 15 s + 2.8 s',
        dead.max <= 17_800,
      ),
    ];
  },
  'failover healing': async ({ dist }) => {
    const five = [1, 2, 3, 4, 5].map((i) => healings({ dist, seed: SEED + i, cycles: 20, perSecond: 15 }));
    const first = timesOf((await Promise.all(five)).flat());
    return [row('failover: first request to one that is well again', figuresOf(first), 'p99 ≤ 3 s', first.p99 <= 3000)];
  },
};

function sideOf({ failed, times, extraPercent, questions }: Side): Readonly<Record<string, number>> {
  const { failover: others = 0, hedge = 0, retry = 0, trial = 0, probe = 0 } = questions;
  return { ...figuresOf(times), failed, '% more questions': extraPercent, others, hedge, retry, trial, probe };
}

function figuresOf({ n, median, p99, p999, max }: Times): Readonly<Record<string, number>> {
  return { 'ms median': median, 'ms p99': p99, 'ms p99.9': p999, 'ms max': max, n };
}

function row(name: string, figures: Readonly<Record<string, number>>, goal: string, reached: boolean): Row {
  return {
    name,
    subject: 'larder',
    figures: { ...figures, 'load average': loadavg()[0] ?? 0 },
    ratios: {},
    goal,
    reached,
  };
}
