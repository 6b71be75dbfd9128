/**
 * The cases: what is measured, against what, and the goal of each. Subjects alternate within a case, so that a change of the
 * machine's mood hits all of them.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fresh, latencies, withDatabase } from './ground.ts';
import { latencyMs, median, percentile, throughput, type Throughput } from './load.ts';
import { memoryMib } from '../tests/fakes/process-memory.ts';
import { type Database, startLarder, startNginx, type Subject, type Upstream } from './processes.ts';
import { FAILOVER_CASES } from './failover.ts';
import { GIT_CASES } from './git.ts';
import { LEDGER_CASES } from './ledger.ts';
import { OVERLOAD_CASES } from './overload.ts';
import { PROOF_CASES } from './proof.ts';
import { hardLinkManyVersions, herdInfos, module, type Tree } from './tree.ts';

/** One row of the table: a case, a subject, its figures. */
export interface Row {
  readonly name: string;
  readonly subject: string;
  readonly figures: Readonly<Record<string, number>>;
  /** Against another subject, or against a goal. */
  readonly ratios: Readonly<Record<string, number>>;
  /** What was to be reached, in words, and whether it was. */
  readonly goal?: string;
  readonly reached?: boolean;
}

/** What every case works with. */
export interface Ground {
  readonly scratch: string;
  readonly dist: string;
  readonly tree: Tree;
  readonly upstream: Upstream;
  readonly peers: readonly Subject[];
  readonly seconds: number;
  readonly rounds: number;
  /** Stored versions for the start-up case. */
  readonly storedVersions: number;
  /** How long upstreams fail one after the other in the failover case. */
  readonly minutes: number;
}

export type Case = (ground: Ground) => Promise<readonly Row[]>;

export const CASES: Readonly<Record<string, Case>> = {
  'warm small': warmSmall,
  'warm zip': warmZip,
  'warm zip from disk': warmZipFromDisk,
  'cold metadata': coldMetadata,
  'cold herd': coldHerd,
  'cold distinct': coldDistinct,
  'hung upstream': hungUpstream,
  start: startUp,
  ...PROOF_CASES,
  ...LEDGER_CASES,
  ...GIT_CASES,
  ...OVERLOAD_CASES,
  ...FAILOVER_CASES,
};

interface Target {
  readonly name: string;
  readonly path: string;
  readonly connections: number;
  /** Least ratio to nginx, in requests per second. */
  readonly least?: number;
  /** Most CPU per request, µs. */
  readonly mostCpuMicros?: number;
}

async function warmSmall(ground: Ground): Promise<readonly Row[]> {
  const small = { connections: 32, least: 0.55, mostCpuMicros: 22 };
  return warm(
    ground,
    [],
    [
      { name: 'warm .info', path: module('small').info, ...small },
      { name: 'warm .mod', path: module('small').mod, ...small },
      { name: 'warm list', path: module('small').list, ...small },
      { name: 'warm 10 KB zip', path: module('small').zip, connections: 32 },
    ],
  );
}

async function warmZip(ground: Ground): Promise<readonly Row[]> {
  return warm(ground, [], [{ name: 'warm 2 MB zip, from memory', path: module('two').zip, connections: 8, least: 2 }]);
}

async function warmZipFromDisk(ground: Ground): Promise<readonly Row[]> {
  return warm(
    ground,
    ['memory.largest=1MiB'],
    [
      { name: 'warm 2 MB zip, from disk', path: module('two').zip, connections: 8, least: 1.2 },
      { name: 'warm 60 MB zip', path: module('sixty').zip, connections: 4, least: 1 },
    ],
  );
}

/** Larder and nginx over the same tree, and the peers, in turns. */
async function warm(ground: Ground, set: readonly string[], targets: readonly Target[]): Promise<readonly Row[]> {
  const data = fresh(ground, 'warm');
  const larder = await startLarder(ground.dist, { data, upstream: ground.upstream.base, set });
  for (const target of targets)
    for (const subject of [larder, ...ground.peers]) await latencyMs(subject.base + target.path);
  await sleep(500);
  const nginx = await startNginx(join(ground.scratch, 'nginx'), join(data, 'download'));
  try {
    const rows: Row[] = [];
    for (const target of targets) rows.push(...(await compare([larder, nginx, ...ground.peers], target, ground)));
    return rows;
  } finally {
    await larder.stop();
    await nginx.stop();
  }
}

async function compare(subjects: readonly Subject[], target: Target, ground: Ground): Promise<readonly Row[]> {
  const runs = new Map<Subject, Throughput[]>(subjects.map((subject) => [subject, []]));
  for (let round = 0; round < ground.rounds; round++) {
    for (const [subject, list] of runs)
      list.push(await throughput(subject, target.path, { seconds: ground.seconds, connections: target.connections }));
  }
  const nginx = median(
    (runs.get(subjects.find((one) => one.name === 'nginx') as Subject) ?? []).map((one) => one.requestsPerSecond),
  );
  return [...runs].map(([subject, list]) => row(subject, list, nginx, target));
}

function row(subject: Subject, list: readonly Throughput[], nginx: number, target: Target): Row {
  const rates = list.map((one) => one.requestsPerSecond);
  const rate = median(rates);
  const cpu = median(list.map((one) => one.cpuMicros));
  const figures = {
    'requests/s': rate,
    'MB/s': median(list.map((one) => one.megabytesPerSecond)),
    'CPU µs': cpu,
    'spread %': ((Math.max(...rates) - Math.min(...rates)) / rate) * 100,
    n: list.length,
  };
  const ratio = rate / nginx;
  const plain = { name: target.name, subject: subject.name, figures, ratios: { 'to nginx': ratio } };
  if (subject.name !== 'larder' || target.least === undefined) return plain;
  const cpuGoal = target.mostCpuMicros === undefined ? '' : `, ≤ ${target.mostCpuMicros} µs CPU`;
  return {
    ...plain,
    goal: `≥ ${target.least} × nginx${cpuGoal}`,
    reached: ratio >= target.least && cpu <= (target.mostCpuMicros ?? Infinity),
  };
}

/** `.info` of versions of a 21 MB module that nobody asked for before: what Larder adds to the upstream's own answer. */
async function coldMetadata(ground: Ground): Promise<readonly Row[]> {
  const name = 'cold .info of a 21 MB module, upstream +50 ms';
  const larder = await startLarder(ground.dist, { data: fresh(ground, 'metadata'), upstream: ground.upstream.base });
  await latencyMs(larder.base + module('small').info);
  await ground.upstream.delay(50);
  const before = await ground.upstream.counts();
  const direct: number[] = [];
  const cold: number[] = [];
  for (const path of herdInfos()) {
    direct.push(await latencyMs(ground.upstream.base + path));
    cold.push(await latencyMs(larder.base + path));
  }
  const zips = (await ground.upstream.counts()).zip - before.zip;
  await larder.stop();
  await ground.upstream.delay(0);
  const added = median(cold) - median(direct);
  return [
    { name, subject: 'upstream', figures: latencies(direct), ratios: {} },
    {
      name,
      subject: 'larder',
      figures: { ...latencies(cold), 'ms added': added, 'upstream zips': zips },
      ratios: { 'to upstream': median(cold) / median(direct) },
      goal: '≤ 10 ms added, no zip asked for',
      reached: added <= 10 && zips === 0,
    },
  ];
}

/** 50 clients, one cold 21 MB zip. */
async function coldHerd(ground: Ground): Promise<readonly Row[]> {
  await ground.upstream.delay(50);
  const larder = await startLarder(ground.dist, { data: fresh(ground, 'herd'), upstream: ground.upstream.base });
  const before = await ground.upstream.counts();
  const started = performance.now();
  const each = await Promise.all(Array.from({ length: 50 }, () => latencyMs(larder.base + module('herd').zip)));
  const wall = performance.now() - started;
  const zips = (await ground.upstream.counts()).zip - before.zip;
  const peak = memoryMib(larder.pid, 'VmHWM');
  await larder.stop();
  await ground.upstream.delay(0);
  return [
    {
      name: 'cold herd: 50 clients, one 21 MB zip, upstream +50 ms',
      subject: 'larder',
      figures: { 'ms wall': wall, 'ms median': median(each), 'upstream zips': zips, 'MB peak': peak, n: each.length },
      ratios: {},
      goal: '1 upstream zip, < 200 MB',
      reached: zips === 1 && peak < 200,
    },
  ];
}

/** 1,000 modules nobody asked for before: .info, .mod and .zip of each, 16 at a time; without a checksum database, and proven by one. */
async function coldDistinct(ground: Ground): Promise<readonly Row[]> {
  return await withDatabase(ground, (database) => coldDistinctWith(ground, database));
}

async function coldDistinctWith(ground: Ground, database: Database): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const upstream = ground.upstream.base;
  const larder = await startLarder(ground.dist, { data: fresh(ground, 'distinct'), upstream });
  const proving = await startLarder(ground.dist, {
    data: fresh(ground, 'distinct-proven'),
    upstream,
    set: [`sumdb.database=${database.setting}`],
  });
  for (const subject of [larder, { ...proving, name: 'proving' }, ...ground.peers]) {
    const queue = ground.tree.many.flatMap((one) => [[one.info, one.mod, one.zip]]);
    const each: number[] = [];
    const started = performance.now();
    const client = async (): Promise<void> => {
      for (let paths = queue.pop(); paths !== undefined; paths = queue.pop()) {
        const begun = performance.now();
        for (const path of paths) await latencyMs(subject.base + path);
        each.push(performance.now() - begun);
      }
    };
    await Promise.all(Array.from({ length: 16 }, client));
    const wall = performance.now() - started;
    rows.push({
      name: `cold distinct: ${each.length} modules, 3 files each, 16 at a time`,
      subject: subject.name,
      figures: {
        'modules/s': (each.length / wall) * 1000,
        'ms median': median(each),
        'ms p99': percentile(each, 99),
        n: each.length,
        ...(subject.pid === undefined ? {} : { 'MB peak': memoryMib(subject.pid, 'VmHWM') }),
      },
      ratios: {},
    });
  }
  await larder.stop();
  await proving.stop();
  return rows;
}

/** A list that was asked for before, while the upstream accepts and never answers; fresh, then stale. */
async function hungUpstream(ground: Ground): Promise<readonly Row[]> {
  const larder = await startLarder(ground.dist, {
    data: fresh(ground, 'hung'),
    upstream: ground.upstream.base,
    set: ['resolver.fresh=1s'],
  });
  for (let i = 0; i < 100; i++) await latencyMs(larder.base + module('small').list);
  await ground.upstream.delay(-1);
  const freshly: number[] = [];
  for (let i = 0; i < 100; i++) freshly.push(await latencyMs(larder.base + module('small').list));
  await sleep(1500);
  const stale: number[] = [];
  for (let i = 0; i < 100; i++) stale.push(await latencyMs(larder.base + module('small').list));
  await larder.stop();
  await ground.upstream.delay(0);
  const worst = Math.max(percentile(freshly, 99), percentile(stale, 99));
  return [
    {
      name: 'warm list, upstream hung',
      subject: 'larder',
      figures: {
        'ms median': median(freshly),
        'ms p99': percentile(freshly, 99),
        'ms median, stale': median(stale),
        'ms p99, stale': percentile(stale, 99),
        n: 200,
      },
      ratios: {},
      goal: '≤ 5 ms',
      reached: worst <= 5,
    },
  ];
}

/** From exec to the first answer, with an empty and with a very full store. */
async function startUp(ground: Ground): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const stored of [0, ground.storedVersions]) {
    const data = fresh(ground, `start-${stored}`);
    const first = await startLarder(ground.dist, { data, upstream: ground.upstream.base });
    await latencyMs(first.base + module('small').info);
    await first.stop();
    if (stored > 0) hardLinkManyVersions(data, stored);
    const each: number[] = [];
    for (let i = 0; i < 7; i++) {
      const larder = await startLarder(ground.dist, { data, upstream: ground.upstream.base });
      each.push(larder.startMs);
      await larder.stop();
    }
    rows.push({
      name: `start, ${stored.toLocaleString('en')} stored versions`,
      subject: 'larder',
      figures: { 'ms median': median(each), 'ms max': Math.max(...each), n: each.length },
      ratios: {},
      goal: '≤ 500 ms',
      reached: median(each) <= 500,
    });
    rmSync(data, { recursive: true, force: true });
  }
  return rows;
}
