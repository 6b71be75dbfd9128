/**
 * A quarter of an hour of a pool of three, at fifty questions per second, in which twenty faults befall its members: what failing over costs. Spec: "Failure-mode
 * matrix", U1 to U5, and the third goal. Time is simulated, and the same seed gives the same run.
 */
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../tests/fakes/seeded-random.ts';
import { ScriptedSource } from '../../tests/fakes/scripted-source.ts';
import { VirtualClock } from '../../tests/fakes/virtual-clock.ts';
import { AppError, type ErrorDetail } from '../std/errors.ts';
import { createPool, type EnginePool } from './engine.ts';
import type { MemberOutcome } from './observer.ts';

const NAMES = ['a', 'b', 'c'] as const;
const FAULTS = 20;
const RUN_MS = 15 * 60_000;
const PER_SECOND = 50;
/** What a question gets at most. */
const PATIENCE_MS = 30_000;

type FaultKind = 'hang' | 'slow' | 'errors' | 'refuse';
const KINDS: readonly FaultKind[] = ['hang', 'slow', 'errors', 'refuse'];

interface Fault {
  readonly kind: FaultKind;
  readonly from: number;
  readonly to: number;
  /** Chosen when it begins. */
  member?: string;
}

/** Twenty, each kind five times, some of them beginning before the one before is over. */
function planFaults(random: () => number): readonly Fault[] {
  return Array.from({ length: FAULTS }, (_, i) => {
    const from = 20_000 + i * 43_000 + random() * 10_000;
    return { kind: KINDS[i % 4] as FaultKind, from, to: from + 10_000 + random() * 35_000 };
  });
}

/**
 * Upstreams that take 40 ms in the middle, 91 ms in the 95th percentile, and are as bad as the faults say. A fault befalls the member that was asked last among those
 * that have none: the one that is relied on.
 */
class World {
  readonly clock = new VirtualClock();
  readonly #random: () => number;
  readonly #faults: readonly Fault[];
  readonly #lastAsked: string[] = [...NAMES];

  constructor(seed: number, faults: readonly Fault[]) {
    this.#random = seededRandom(seed);
    this.#faults = faults;
    for (const fault of faults) this.clock.after(fault.from, () => this.#befall(fault));
  }

  /** As `answer`, for a question. */
  ask(member: string, signal: AbortSignal): Promise<string> {
    this.#lastAsked.splice(this.#lastAsked.indexOf(member), 1);
    this.#lastAsked.unshift(member);
    return this.answer(member, signal);
  }

  #befall(fault: Fault): void {
    const member = this.#lastAsked.find((name) => this.#faultOf(name) === undefined);
    if (member !== undefined) fault.member = member;
  }

  async answer(member: string, signal: AbortSignal): Promise<string> {
    const kind = this.#faultOf(member);
    if (kind === 'refuse') return this.#fail(member, 1, {}, signal);
    if (kind === 'errors') return this.#fail(member, 5, { status: 500 }, signal);
    await this.clock.sleep(this.#latencyMs() * (kind === 'slow' ? 25 : 1), { signal });
    // Also what was under way when it began.
    if (this.#faultOf(member) === 'hang') await new Promise((_, reject) => signal.addEventListener('abort', reject));
    return member;
  }

  async #fail(member: string, ms: number, detail: ErrorDetail, signal: AbortSignal): Promise<never> {
    await this.clock.sleep(ms, { signal });
    throw new AppError('UPSTREAM_UNAVAILABLE', `ask ${member}: simulated`, { detail });
  }

  #faultOf(member: string): FaultKind | undefined {
    const now = this.clock.monotonic();
    return this.#faults.find((one) => one.member === member && one.from <= now && now < one.to)?.kind;
  }

  /** Log-normal. */
  #latencyMs(): number {
    const normal = Math.sqrt(-2 * Math.log(1 - this.#random())) * Math.cos(2 * Math.PI * this.#random());
    return 40 * Math.exp(0.5 * normal);
  }
}

interface Run {
  /** Of every question, ms, sorted. */
  readonly times: Float64Array;
  readonly failed: number;
  readonly outcomes: readonly MemberOutcome[];
  /** Questions that were never settled. */
  readonly lost: number;
}

/** How a question is put to the world. */
type Asker = (world: World, nth: number, signal: AbortSignal) => Promise<unknown>;

async function simulate(seed: number, faults: readonly Fault[]): Promise<Run> {
  const outcomes: MemberOutcome[] = [];
  let pool: EnginePool | undefined;
  const run = await play(new World(seed, faults), seed, (world, nth, signal) => {
    pool ??= poolOf(world, seed, outcomes);
    return pool.first(
      {
        kind: nth % 2 === 0 ? 'info' : 'mod',
        key: `example.com/m${nth}`,
        attempted: `fetch m${nth}`,
        ask: ({ name }, o) => world.ask(name, o.signal),
      },
      { signal },
    );
  });
  pool?.close();
  return { ...run, outcomes };
}

/** What there was before: one after another, in the order of the list, ten seconds each. */
function plainChain(seed: number, faults: readonly Fault[]): Promise<Run> {
  return play(new World(seed, faults), seed, async (world, _nth, signal) => {
    for (const name of NAMES) {
      const turn = new AbortController();
      const cancel = world.clock.after(10_000, () => turn.abort());
      try {
        return await world.ask(name, AbortSignal.any([signal, turn.signal]));
      } catch {
        // The next one.
      } finally {
        cancel();
      }
    }
    throw new AppError('UPSTREAM_UNAVAILABLE', 'nobody answered');
  });
}

function poolOf(world: World, seed: number, outcomes: MemberOutcome[]): EnginePool {
  const pool = createPool(
    {
      name: 'mirrors',
      members: NAMES.map((name) => ({
        source: new ScriptedSource(name),
        weight: 1,
        regionFactor: 1,
        maxInFlight: 128,
        isCanary: false,
        probe: async ({ name: asked }, { signal }) => void (await world.answer(asked, signal)),
      })),
    },
    {
      clock: world.clock,
      random: seededRandom(seed + 2),
      observer: { onUpstreamEvent: () => undefined, onMemberOutcome: (one) => void outcomes.push(one) },
    },
  );
  pool.start();
  return pool;
}

/** Puts questions at random times, fifty per second, and lets all of them end. */
async function play(world: World, seed: number, ask: Asker): Promise<Run> {
  const random = seededRandom(seed + 1);
  const times: number[] = [];
  let [failed, asked] = [0, 0];
  const arrive = (): void => {
    const startedAt = world.clock.monotonic();
    if (startedAt > RUN_MS) return;
    asked++;
    patiently(world, (signal) => ask(world, asked, signal)).then(
      () => void times.push(world.clock.monotonic() - startedAt),
      () => failed++,
    );
    world.clock.after((-Math.log(1 - random()) * 1000) / PER_SECOND, arrive);
  };
  arrive();
  await world.clock.runUntil(RUN_MS + PATIENCE_MS + 1000);
  return { times: Float64Array.from(times).sort(), failed, outcomes: [], lost: asked - times.length - failed };
}

async function patiently(world: World, ask: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const patience = new AbortController();
  const cancel = world.clock.after(PATIENCE_MS, () => patience.abort(new AppError('UPSTREAM_TIMEOUT', 'no patience')));
  try {
    await ask(patience.signal);
  } finally {
    cancel();
  }
}

function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

function figuresOf(seed: number, quiet: Run, run: Run) {
  const questions = run.times.length + run.failed;
  const counts = { first: 0, failover: 0, retry: 0, hedge: 0, trial: 0, probe: 0 };
  for (const { why } of run.outcomes) counts[why]++;
  const extra = counts.failover + counts.retry + counts.hedge + counts.trial;
  return {
    seed,
    questions,
    failed: run.failed,
    lost: run.lost,
    addedP99: percentile(run.times, 0.99) - percentile(quiet.times, 0.99),
    p999: percentile(run.times, 0.999),
    max: run.times.at(-1) ?? 0,
    extraPercent: (100 * extra) / questions,
    withProbesPercent: (100 * (extra + counts.probe)) / questions,
    ...counts,
  };
}

const SEEDS = (process.env['SEEDS'] ?? '1,2,3').split(',').map(Number);

describe('a quarter of an hour with twenty faults', () => {
  test.each(SEEDS)('costs little, seed %i', { timeout: 120_000 }, async (seed) => {
    const quiet = await simulate(seed, []);
    const figures = figuresOf(seed, quiet, await simulate(seed, planFaults(seededRandom(seed + 3))));
    console.log(figures);
    expect(figures.lost).toBe(0);
    expect(figures.failed).toBe(0);
    expect(figures.addedP99).toBeLessThanOrEqual(500);
    expect(figures.p999).toBeLessThanOrEqual(2500);
    expect(figures.max).toBeLessThanOrEqual(3200);
    expect(figures.withProbesPercent).toBeLessThanOrEqual(8);
  });

  test('costs a plain chain much more', { timeout: 120_000 }, async () => {
    const { times } = await plainChain(1, planFaults(seededRandom(4)));
    const [p99, p999] = [percentile(times, 0.99), percentile(times, 0.999)];
    console.log({ chain: { p99, p999, max: times.at(-1) } });
    expect(p99).toBeGreaterThan(5000);
  });
});
