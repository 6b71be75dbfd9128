/**
 * What happens to a server that is asked for too much: each scenario runs the shipped program among crowds and tells what came of it. Sizes are the caller's:
 * short ones for tests, long ones for `npm run bench -- --only overload`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LarderProcess } from '../../e2e/larder-process.ts';
import { memoryMib } from '../../fakes/process-memory.ts';
import type { Outcome } from './jobs.ts';
import { type Crowd, gauges, type Lab, readBytes, type Upstream } from './lab.ts';

/** What is in memory after it was asked for once. */
const HOT = '/x.test/hot/@v/v1.0.0.info';

/** A normal load: eight people who ask for what is stored, twenty times a second each. */
async function normally(crowd: Crowd, { port }: LarderProcess, seconds: number): Promise<Outcome> {
  return await crowd.run({ do: 'load', port, network: 90, connections: 8, seconds, target: HOT, everyMs: 50 });
}

/** One round of a normal load, on the server of a scenario and on one that has nothing else to do: what else goes on in the machine befalls both. */
interface Round {
  readonly asked: Outcome;
  readonly undisturbed: Outcome;
}

/** Warms the server of a scenario and starts another beside it. Returns how to have a normal load on both for so many seconds. */
async function normalLoad(
  lab: Lab,
  larder: LarderProcess,
  upstream: Upstream,
): Promise<(seconds: number) => Promise<Round>> {
  const other = await lab.larder(upstream.url, { data: 'undisturbed' });
  const [here, there] = [await lab.crowd(), await lab.crowd()];
  await warm(larder);
  await warm(other);
  return async (seconds) => {
    const both = [normally(here, larder, seconds), normally(there, other, seconds)] as const;
    const [asked, undisturbed] = await Promise.all(both);
    return { asked, undisturbed };
  };
}

/** How a normal load fared before and while something went on beside it; times of answers 200, ms. */
export interface Normal {
  readonly failed: number;
  readonly p99Before: number;
  readonly p99During: number;
  /** Of the server that had nothing else to do, in the meantime. */
  readonly p99Undisturbed: number;
}

function compare(before: Round, during: Round): Normal {
  return {
    failed: failuresOf(before.asked) + failuresOf(during.asked),
    p99Before: before.asked.p99Ms,
    p99During: during.asked.p99Ms,
    p99Undisturbed: during.undisturbed.p99Ms,
  };
}

async function warm({ base }: LarderProcess): Promise<void> {
  const answer = await fetch(base + HOT);
  if (answer.status !== 200) throw new Error(`${HOT}: ${answer.status}`);
  await answer.arrayBuffer();
}

/** Requests that were not answered 200. */
export function failuresOf({ statuses }: Pick<Outcome, 'statuses'>): number {
  return Object.entries(statuses).reduce((sum, [status, count]) => (status === '200' ? sum : sum + count), 0);
}

const rateOf = ({ ok, wallMs }: Outcome): number => (ok / wallMs) * 1000;

/** `clients` ask at the same moment for a zip of 100 KB that is not stored. */
export async function herd(lab: Lab, { clients }: { readonly clients: number }) {
  const upstream = await lab.upstream(100_000);
  await upstream.delay(50);
  const larder = await lab.larder(upstream.url);
  const crowd = await lab.crowd();
  const target = '/x.test/big/@v/v1.0.0.zip';
  const outcome = await crowd.run({ do: 'herd', port: larder.port, network: 10, count: clients, target });
  const { zip } = await upstream.counts();
  return {
    ok: outcome.ok,
    failed: failuresOf(outcome),
    fetches: zip,
    seconds: outcome.wallMs / 1000,
    peakMib: memoryMib(larder.pid, 'VmHWM'),
  };
}

/** The same, and most of them leave before it has come. */
export async function leavers(lab: Lab, { clients, leaving }: { readonly clients: number; readonly leaving: number }) {
  const upstream = await lab.upstream(100_000);
  await upstream.delay(1500);
  const larder = await lab.larder(upstream.url);
  const crowd = await lab.crowd();
  const herd = {
    do: 'herd',
    port: larder.port,
    network: 11,
    count: clients,
    target: '/x.test/big/@v/v1.0.0.zip',
  } as const;
  const outcome = await crowd.run({ ...herd, leaving, after: 300 });
  const { zip } = await upstream.counts();
  const found = await gauges(larder);
  return {
    ok: outcome.ok,
    failed: failuresOf(outcome),
    fetches: zip,
    stillRunning: found.get('admission_running{kind="zips"}'),
  };
}

/** As many ask for modules that are not stored as can be served best, each for one after the other; then ten times as many; then nobody. */
export async function tenfold(
  lab: Lab,
  { connections, seconds }: { readonly connections: number; readonly seconds: number },
) {
  const upstream = await lab.upstream();
  await upstream.delay(20);
  const larder = await lab.larder(upstream.url);
  const builds = await lab.crowd();
  const normalFor = await normalLoad(lab, larder, upstream);
  let first = 0;
  const cold = async (count: number, lasting: number): Promise<{ builds: Outcome; people: Round }> => {
    first += 10_000_000;
    const target = '/x.test/m#/@v/v1.0.0.mod';
    const job = {
      do: 'load',
      port: larder.port,
      network: 20,
      connections: count,
      seconds: lasting,
      target,
      first,
    } as const;
    const [asked, people] = await Promise.all([builds.run(job), normalFor(lasting)]);
    return { builds: asked, people };
  };
  await cold(connections, Math.min(5, seconds)); // The limit finds its place.
  const peak = await cold(connections, seconds);
  const over = await cold(10 * connections, seconds);
  const endedAt = performance.now();
  const recoveryMs = await untilCalm(larder, peak.people, normalFor, endedAt);
  return {
    goodputPeak: rateOf(peak.builds),
    goodputOver: rateOf(over.builds),
    failed: failuresOf(peak.builds) + failuresOf(over.builds),
    cached: compare(peak.people, over.people),
    longestWaitMs: over.builds.maxMs,
    recoveryMs,
    peakMib: memoryMib(larder.pid, 'VmHWM'),
  };
}

/** Until nobody waits, and what is cached comes as quickly as before. */
async function untilCalm(
  larder: LarderProcess,
  before: Round,
  normalFor: (seconds: number) => Promise<Round>,
  since: number,
): Promise<number> {
  for (let i = 0; i < 20; i++) {
    const now = await normalFor(0.5);
    const waiting = (await gauges(larder)).get('admission_waiting{kind="metadata"}');
    if (waiting === 0 && now.asked.medianMs <= Math.max(2 * before.asked.medianMs, 5)) break;
  }
  return performance.now() - since;
}

/** Two servers over one data folder behind a balancer that does not retry, restarted in turns while streams of 24 MB run that take some seconds each. */
export async function rollingRestarts(
  lab: Lab,
  {
    restarts,
    streams,
    signal = 'SIGTERM',
  }: { readonly restarts: number; readonly streams: number; readonly signal?: NodeJS.Signals },
) {
  const upstream = await lab.upstream(24 * 1024 * 1024);
  const flags = ['--set', 'drain.accept=1s'];
  const servers = [await lab.larder(upstream.url, { flags }), await lab.larder(upstream.url, { flags })];
  const balancer = await lab.balancer(servers.map((one) => one.port));
  const { port } = balancer;
  await sleep(500);
  const target = '/x.test/big/@v/v1.0.0.zip';
  await (await fetch(`http://127.0.0.1:${port}${target}`)).arrayBuffer();
  const [readers, people] = [await lab.crowd(), await lab.crowd()];
  const over = new AbortController();
  const sum = { total: 0, failed: 0, streams: 0 };
  const count = (outcome: Outcome, isStream: boolean): void => {
    sum.total += outcome.ok;
    sum.failed += failuresOf(outcome);
    if (isStream) sum.streams += outcome.ok;
  };
  const streaming = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const job = {
        do: 'load',
        port,
        network: 70,
        connections: streams,
        seconds: 3,
        target,
        bytesPerSecond: 8e6,
      } as const;
      count(await readers.run(job), true);
    }
  };
  const asking = async (): Promise<void> => {
    for (let first = 0; !over.signal.aborted; first += 1_000_000) {
      const job = {
        do: 'load',
        port,
        network: 71,
        connections: 10,
        seconds: 2,
        target: '/x.test/m#/@v/v1.0.0.info',
        first,
      } as const;
      count(await people.run({ ...job, everyMs: 50 }), false);
    }
  };
  const load = Promise.all([streaming(), asking()]);
  const exits: (number | string)[] = [];
  for (let i = 0; i < restarts; i++) {
    await sleep(1500);
    const old = servers[i % 2];
    if (old === undefined) break;
    exits.push(await old.signal(signal));
    servers[i % 2] = await lab.larder(upstream.url, { flags, port: old.port });
  }
  await sleep(1500);
  over.abort();
  await load;
  return { ...sum, lost: await balancer.lost(), exits };
}

/** Sockets that never finish a request, beside a normal load. */
export async function slowloris(
  lab: Lab,
  { sockets, seconds, overMs }: { readonly sockets: number; readonly seconds: number; readonly overMs: number },
) {
  const upstream = await lab.upstream();
  const larder = await lab.larder(upstream.url);
  const attackers = await lab.crowd();
  const normalFor = await normalLoad(lab, larder, upstream);
  const before = await normalFor(seconds);
  const opened = await attackers.run({ do: 'slow', port: larder.port, network: 30, count: sockets, overMs });
  await sleep(1000);
  const during = await normalFor(seconds);
  return {
    opened: opened.ok,
    normal: compare(before, during),
    peakMib: memoryMib(larder.pid, 'VmHWM'),
  };
}

/** A reader at a crawl takes 3 KB a second: with more to do the server still fills what the kernel takes at once, some megabytes for each. Bytes. */
const MOST_PER_SECOND = 10_000;

/** Resolves when there is only a crawl left. */
async function untilSated({ pid }: LarderProcess, readers: number): Promise<void> {
  for (let i = 0; i < 60; i++) {
    const before = readBytes(pid);
    await sleep(1000);
    if (readBytes(pid) - before < readers * MOST_PER_SECOND) return;
  }
  throw new Error('the readers take too much');
}

/** Clients that read a large zip from disk at a crawl, beside a normal load. */
export async function slowReaders(
  lab: Lab,
  { readers, seconds }: { readonly readers: number; readonly seconds: number },
) {
  const upstream = await lab.upstream(24 * 1024 * 1024);
  const larder = await lab.larder(upstream.url);
  const sippers = await lab.crowd();
  const normalFor = await normalLoad(lab, larder, upstream);
  const target = '/x.test/big/@v/v1.0.0.zip';
  await (await fetch(larder.base + target)).arrayBuffer();
  const before = await normalFor(seconds);
  const opened = await sippers.run({ do: 'readers', port: larder.port, network: 40, count: readers, target });
  await untilSated(larder, readers);
  const during = await normalFor(seconds);
  const sendings = (await gauges(larder)).get('admission_running{kind="sendings"}');
  const oneMore = await fetch(larder.base + target);
  const whole = (await oneMore.arrayBuffer()).byteLength === Number(oneMore.headers.get('content-length'));
  return {
    opened: opened.ok,
    sendings,
    oneMoreIsWhole: whole,
    normal: compare(before, during),
    peakMib: memoryMib(larder.pid, 'VmHWM'),
  };
}

/** One address asks for modules that do not exist, as fast as it can, beside a normal load and a build of what was never asked for. */
export async function flood(
  lab: Lab,
  { connections, seconds }: { readonly connections: number; readonly seconds: number },
) {
  const upstream = await lab.upstream();
  await upstream.delay(5);
  const larder = await lab.larder(upstream.url);
  const [attacker, build] = [await lab.crowd(), await lab.crowd()];
  const normalFor = await normalLoad(lab, larder, upstream);
  const { port } = larder;
  const building = (first: number): Promise<Outcome> =>
    build.run({
      do: 'load',
      port,
      network: 51,
      addresses: 'one',
      connections: 8,
      seconds,
      target: '/x.test/b#/@v/v1.0.0.mod',
      first,
      everyMs: 100,
    });
  const [before, buildBefore] = await Promise.all([normalFor(seconds), building(0)]);
  const asked = await upstream.counts();
  const storm = {
    do: 'load',
    port,
    network: 50,
    addresses: 'one',
    connections,
    target: '/absent.test/m#/@v/list',
    seconds: seconds + 1,
  } as const;
  const flooding = attacker.run({ ...storm, pauseMs: 10 });
  await sleep(1000);
  const [during, buildDuring] = await Promise.all([normalFor(seconds), building(1_000_000)]);
  const { statuses, wallMs } = await flooding;
  const misses = (await upstream.counts()).total - asked.total - buildDuring.ok;
  return {
    statuses,
    misses,
    floodSeconds: wallMs / 1000,
    normal: compare(before, during),
    buildFailed: failuresOf(buildBefore) + failuresOf(buildDuring),
    buildP99Before: buildBefore.p99Ms,
    buildP99During: buildDuring.p99Ms,
    builtBefore: buildBefore.ok,
    builtDuring: buildDuring.ok,
  };
}

/** A process that may have `descriptors` open, and more clients than that: who asked first is answered, and it goes on when they have left. */
export async function fewDescriptors(
  lab: Lab,
  { descriptors, clients }: { readonly descriptors: number; readonly clients: number },
) {
  const upstream = await lab.upstream(100_000);
  const larder = await lab.larder(upstream.url, { within: ['prlimit', `--nofile=${descriptors}`] });
  const crowd = await lab.crowd();
  await warm(larder);
  const { port } = larder;
  const many = await crowd.run({
    do: 'load',
    port,
    network: 60,
    connections: clients,
    seconds: 4,
    target: HOT,
    everyMs: 20,
  });
  const open = (await gauges(larder)).get('admission_descriptor_ratio');
  const cold = await crowd.run({
    do: 'load',
    port,
    network: 61,
    connections: 20,
    seconds: 2,
    target: '/x.test/m#/@v/v1.0.0.zip',
  });
  return {
    ok: many.ok,
    turnedAway: failuresOf(many),
    descriptorShare: open,
    coldOk: cold.ok,
    coldFailed: failuresOf(cold),
    troubles: larder
      .log()
      .split('\n')
      .filter((line) => /EMFILE|ENFILE/.test(line)).length,
  };
}
