import type { Attempt, PoolQuestion, QuestionKind } from '../../src/upstream/asking.ts';
import { createPool, type EnginePool } from '../../src/upstream/engine.ts';
import type { MemberOutcome, UpstreamEvent, UpstreamObserver } from '../../src/upstream/observer.ts';
import type { EngineLimits, MemberSettings } from '../../src/upstream/settings.ts';
import type { MemberStanding } from '../../src/upstream/standing.ts';
import type { Source } from '../../src/sources/source.ts';
import { waitFor } from '../../src/std/ask.ts';
import type { Clock } from '../../src/std/clock.ts';
import { AppError, type ErrorCode, type ErrorDetail } from '../../src/std/errors.ts';
import { ManualClock } from './manual-clock.ts';
import { seededRandom } from './seeded-random.ts';
import { ScriptedSource } from './scripted-source.ts';

/** How a played upstream takes a question: after `ms` it answers with its own name, or fails with `code`. `ms` undefined = never. */
export interface Manner {
  readonly ms?: number;
  readonly code?: ErrorCode;
  readonly detail?: ErrorDetail;
  /** When it begins to deliver, ms; for zips. */
  readonly begunMs?: number;
}

/** Never answers. */
export const HANG: Manner = {};
/** Refuses connections. */
export const REFUSE: Manner = { ms: 1, code: 'UPSTREAM_UNAVAILABLE' };

/** Upstreams played by a table, behind a real pool. */
export class PoolRig {
  readonly clock: Clock;
  readonly pool: EnginePool;
  readonly events: UpstreamEvent[] = [];
  readonly outcomes: MemberOutcome[] = [];
  /** Every question put to anybody, probes excluded, as `a`, in order. */
  readonly asked: string[] = [];
  /** When each probe was put, by member. */
  readonly probes = new Map<string, number[]>();
  /** Questions being played now; must be none when all are answered. */
  playing = 0;
  readonly #manners = new Map<string, Manner>();

  constructor(names: string, { clock, limits = {}, members = {}, seed = 1 }: PoolRigOptions) {
    this.clock = clock;
    const observer: UpstreamObserver = {
      onUpstreamEvent: (event) => void this.events.push(event),
      onMemberOutcome: (outcome) => void this.outcomes.push(outcome),
    };
    this.pool = createPool(
      {
        name: 'mirrors',
        limits,
        members: names.split(' ').map((name) => ({
          source: new ScriptedSource(name),
          weight: 1,
          regionFactor: 1,
          maxInFlight: 100,
          isCanary: false,
          probe: (source, o) => this.#probe(source, o.signal),
          ...members[name],
        })),
      },
      { clock, random: seededRandom(seed), observer },
    );
    for (const name of names.split(' ')) this.play(name, { ms: 40 });
  }

  /** From now on `name` takes questions and probes so; questions about `key` only, where one is given. */
  play(name: string, manner: Manner, key?: string): this {
    this.#manners.set(key === undefined ? name : `${name} ${key}`, manner);
    return this;
  }

  question(kind: QuestionKind = 'info', key = 'example.com/m'): PoolQuestion<string> {
    return { kind, key, attempted: `fetch .${kind} of ${key}`, ask: (source, o) => this.#play(source, key, o) };
  }

  ask(kind?: QuestionKind, key?: string, signal: AbortSignal = new AbortController().signal): Promise<string> {
    return this.pool.first(this.question(kind, key), { signal }).then(({ member }) => member);
  }

  state(name: string): MemberStanding {
    const standing = this.pool.standing().members.find((one) => one.name === name);
    if (standing === undefined) throw new Error(`no member ${name}`);
    return standing;
  }

  /** Changes of state so far, as `a up>open`. */
  get changes(): string[] {
    return this.events.filter((one) => one.kind === 'state').map(({ member, from, to }) => `${member} ${from}>${to}`);
  }

  async #probe(source: Source, signal: AbortSignal): Promise<void> {
    const times = this.probes.get(source.name) ?? [];
    this.probes.set(source.name, [...times, this.clock.monotonic()]);
    await this.#act(source.name, signal);
  }

  async #play(source: Source, key: string, o: Attempt): Promise<string> {
    this.asked.push(source.name);
    this.playing++;
    try {
      const { begunMs = 0 } = this.#mannerOf(source.name, key);
      if (begunMs > 0) {
        await this.#sleep(begunMs, o.signal);
        o.begun();
      }
      return await this.#act(source.name, o.signal, begunMs, this.#mannerOf(source.name, key));
    } finally {
      this.playing--;
    }
  }

  async #act(name: string, signal: AbortSignal, passedMs = 0, manner = this.#mannerOf(name)): Promise<string> {
    const { ms, code, detail } = manner;
    if (ms === undefined) await waitFor(new Promise<never>(() => undefined), signal);
    else await this.#sleep(ms - passedMs, signal);
    if (code !== undefined) throw new AppError(code, `ask ${name}: played`, detail ? { detail } : {});
    return name;
  }

  #mannerOf(name: string, key = ''): Manner {
    return this.#manners.get(`${name} ${key}`) ?? this.#manners.get(name) ?? HANG;
  }

  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.clock.after(ms, resolve);
    try {
      await waitFor(promise, signal);
    } finally {
      cancel();
    }
  }
}

export interface PoolRigOptions {
  readonly clock: Clock;
  readonly limits?: Partial<EngineLimits>;
  /** What differs, by name. */
  readonly members?: Readonly<Record<string, Partial<MemberSettings>>>;
  readonly seed?: number;
}

/** A rig with a clock that a test moves. */
export function manualRig(
  names: string,
  o: Omit<PoolRigOptions, 'clock'> = {},
): PoolRig & { readonly clock: ManualClock } {
  return new PoolRig(names, { ...o, clock: new ManualClock() }) as PoolRig & { readonly clock: ManualClock };
}
