/** `overload`: the scenarios of tests/fault/overload at full size, against the goals of the issue. About six minutes. */
import { Lab } from '../tests/fault/overload/lab.ts';
import {
  failuresOf,
  fewDescriptors,
  flood,
  herd,
  leavers,
  type Normal,
  rollingRestarts,
  slowloris,
  slowReaders,
  tenfold,
} from '../tests/fault/overload/scenarios.ts';
import type { Case, Ground, Row } from './cases.ts';

export const OVERLOAD_CASES: Readonly<Record<string, Case>> = {
  'overload herd': async (ground) => {
    const f = await inLab(ground, (lab) => herd(lab, { clients: 10_000 }));
    const reached = f.ok === 10_000 && f.fetches === 1 && f.failed === 0 && f.peakMib <= 400 && f.seconds <= 30;
    return [row('10,000 cold clients of one module', f, '1 fetch, 0 failed, ≤ 400 MiB, ≤ 30 s', reached)];
  },
  'overload leavers': async (ground) => {
    const f = await inLab(ground, (lab) => leavers(lab, { clients: 1000, leaving: 900 }));
    const reached = f.ok === 100 && f.fetches === 1 && f.failed === 0;
    return [row('900 of 1,000 clients leave', f, '1 fetch, 0 of the others failed', reached)];
  },
  'overload tenfold': async (ground) => {
    const f = await inLab(ground, (lab) => tenfold(lab, { connections: 128, seconds: 60 }));
    const { cached, ...builds } = f;
    const figures = { ...builds, ...cached, failed: f.failed + cached.failed };
    const reached =
      f.goodputPeak > 0 &&
      f.goodputOver >= 0.9 * f.goodputPeak &&
      cached.p99Before > 0 &&
      cached.p99During <= 2 * cached.p99Before &&
      f.recoveryMs <= 5000 &&
      figures.failed === 0;
    const goal = 'goodput ≥ 90 % of peak, cached p99 ≤ 2 ×, recovery ≤ 5 s, 0 failed';
    return [row('10 × overload for a minute', figures, goal, reached)];
  },
  'overload slow sockets': async (ground) => {
    const spread = await inLab(ground, (lab) => slowloris(lab, { sockets: 5000, seconds: 15, overMs: 8_000 }));
    const inStep = await inLab(ground, (lab) => slowloris(lab, { sockets: 5000, seconds: 15, overMs: 0 }));
    const goal = 'normal p99 < 2 ×, 0 failed';
    const figures = ({ normal, ...f }: typeof spread): Readonly<Record<string, number>> => ({ ...f, ...normal });
    return [
      row('5,000 slow sockets', figures(spread), goal, isWell(spread.normal) && spread.opened === 5000),
      // All bytes of a second come at one moment, and all connections end at one.
      { name: 'overload: 5,000 slow sockets in step', subject: 'larder', figures: figures(inStep), ratios: {} },
    ];
  },
  'overload slow readers': async (ground) => {
    const f = await inLab(ground, (lab) => slowReaders(lab, { readers: 2000, seconds: 15 }));
    const { normal, oneMoreIsWhole, ...figures } = f;
    const reached = isWell(normal) && f.opened === 2000 && f.sendings === 2000 && oneMoreIsWhole;
    return [row('2,000 slow readers', { ...figures, ...normal }, 'normal p99 < 2 ×, 0 failed', reached)];
  },
  'overload flood': async (ground) => {
    const f = await inLab(ground, (lab) => flood(lab, { connections: 6000, seconds: 60 }));
    const { statuses, normal, ...figures } = f;
    const asked = failuresOf({ statuses });
    const reached = isWell(normal) && f.buildFailed === 0 && f.builtDuring > 0 && asked > 0 && f.misses > 0;
    const goal = 'normal p99 < 2 ×, 0 failed';
    return [row('100,000 modules that do not exist', { ...figures, ...normal, asked }, goal, reached)];
  },
  'overload descriptors': async (ground) => {
    const f = await inLab(ground, (lab) => fewDescriptors(lab, { descriptors: 256, clients: 300 }));
    const reached = f.troubles === 0 && f.coldFailed === 0 && f.coldOk > 0 && f.ok > 0 && f.turnedAway > 0;
    return [row('256 descriptors, 300 clients', f, 'never out of them', reached)];
  },
  'overload restarts': async (ground) => {
    const f = await inLab(ground, (lab) => rollingRestarts(lab, { restarts: 20, streams: 10 }));
    const { exits, ...figures } = f;
    const isClean = exits.length === 20 && exits.every((code) => code === 0);
    const reached = f.failed === 0 && f.lost === 0 && f.streams > 0 && isClean;
    return [row('20 restarts under load', figures, '0 failed, 0 cut', reached)];
  },
};

/** A load of which nothing was answered has no times, and is not well. */
function isWell({ failed, p99Before, p99During }: Normal): boolean {
  return failed === 0 && p99Before > 0 && p99During > 0 && p99During < 2 * p99Before;
}

async function inLab<T>({ dist }: Ground, scenario: (lab: Lab) => Promise<T>): Promise<T> {
  const lab = new Lab(dist);
  try {
    return await scenario(lab);
  } finally {
    await lab.close();
  }
}

function row(name: string, figures: Readonly<Record<string, number | undefined>>, goal: string, reached: boolean): Row {
  const known = Object.entries(figures).filter((one): one is [string, number] => one[1] !== undefined);
  return {
    name: `overload: ${name}`,
    subject: 'larder',
    figures: Object.fromEntries(known),
    ratios: {},
    goal,
    reached,
  };
}
