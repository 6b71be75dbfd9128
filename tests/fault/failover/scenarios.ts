/** What failing over costs, and how soon a change is seen: figures, without a judgement. */
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../../fakes/seeded-random.ts';
import { Clients, type Times, timesOf } from './clients.ts';
import { befall, heal, type Kind, planFaults } from './faults.ts';
import { Rig } from './rig.ts';

export interface FailoverOptions {
  readonly dist: string;
  readonly seed: number;
  readonly seconds: number;
  readonly faults: number;
  readonly perSecond?: number;
}

/** One server under load. */
export interface Side {
  readonly failed: number;
  readonly times: Times;
  /** Questions to upstreams beyond one for each request, percent of the requests; probes are among them. */
  readonly extraPercent: number;
  readonly questions: Readonly<Record<string, number>>;
}

export interface FailoverFigures {
  readonly seed: number;
  readonly faulty: Side;
  readonly control: Side;
  readonly addedP99: number;
  /** By kind, the slowest request that began while the fault lasted. */
  readonly worst: Readonly<Record<string, number>>;
  /** Longest time that this process did not look after its clients, ms. */
  readonly ownLagMs: number;
  readonly load: readonly number[];
}

/** Two servers with three upstreams each get the same requests at the same time; the upstreams of one of them have faults, always the one that is relied on. */
export async function failover({
  dist,
  seed,
  seconds,
  faults,
  perSecond = 50,
}: FailoverOptions): Promise<FailoverFigures> {
  const rigs = await Promise.all([0, 0].map(() => Rig.start({ dist, seed, rows: ['', '', ''] })));
  const [faulty] = rigs as [Rig];
  try {
    const clients = rigs.map(({ larder }) => new Clients({ base: larder.base, perSecond, seed }).start());
    await sleep(WARM_UP_MS);
    const before = await Promise.all(rigs.map((rig) => rig.questions()));
    for (const one of clients) one.seen.length = 0;
    const lag = watchLag();
    const spans = await play(faulty, planFaults(faults, seconds * 1000, seededRandom(seed)), seconds * 1000);
    const ownLagMs = lag();
    await Promise.all(clients.map((one) => one.stop()));
    const sides = await Promise.all(
      rigs.map(async (rig, i) => sideOf(clients[i] as Clients, before[i] ?? {}, await rig.questions())),
    );
    const [bad, good] = sides as [Side, Side];
    const worst: Record<string, number> = {};
    for (const { kind, from, to } of spans)
      for (const { at, tookMs } of clients[0]?.seen ?? [])
        if (at >= from && at <= to) worst[kind] = Math.max(worst[kind] ?? 0, tookMs);
    const addedP99 = bad.times.p99 - good.times.p99;
    return { seed, faulty: bad, control: good, addedP99, worst, ownLagMs, load: loadavg() };
  } finally {
    await Promise.all(rigs.map((rig) => rig.close()));
  }
}

/** Until the server knows how long its upstreams take. */
const WARM_UP_MS = 5000;

interface Span {
  readonly kind: Kind;
  readonly from: number;
  readonly to: number;
}

async function play(rig: Rig, plan: ReturnType<typeof planFaults>, ms: number): Promise<readonly Span[]> {
  const startedAt = performance.now();
  const spans: Span[] = [];
  for (const { kind, from, to } of plan) {
    await sleep(startedAt + from - performance.now());
    const member = rig.mostAsked();
    const begun = performance.now();
    await befall(member, kind);
    await sleep(startedAt + to - performance.now());
    await heal(member);
    spans.push({ kind, from: begun, to: performance.now() });
  }
  await sleep(startedAt + ms - performance.now());
  return spans;
}

function sideOf(
  { seen }: Clients,
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): Side {
  const questions = Object.fromEntries(Object.entries(after).map(([why, count]) => [why, count - (before[why] ?? 0)]));
  const asked = Object.values(questions).reduce((sum, count) => sum + count, 0);
  return {
    failed: seen.filter(({ status }) => status !== 200).length,
    times: timesOf(seen.map(({ tookMs }) => tookMs)),
    extraPercent: (100 * (asked - seen.length)) / seen.length,
    questions,
  };
}

/** Returns how to end it, and learn the longest lag. */
function watchLag(): () => number {
  let [last, most] = [performance.now(), 0];
  const timer = setInterval(() => {
    most = Math.max(most, performance.now() - last - 20);
    last = performance.now();
  }, 20);
  return () => {
    clearInterval(timer);
    return most;
  };
}
