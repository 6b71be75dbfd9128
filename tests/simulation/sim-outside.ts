/** What a node has of the world outside: its pools, the switch that shuts it, and the ladder, put together as app/ does it. */
import { askedWhileOpen, probeWhileOpen } from '../../src/app/offline.ts';
import { placesOf } from '../../src/app/ladder.ts';
import { Outside } from '../../src/io/egress/outside.ts';
import { Ladder } from '../../src/ladder/ladder.ts';
import type { LadderObserver, LadderStep } from '../../src/ladder/observer.ts';
import type { Source } from '../../src/sources/source.ts';
import type { Clock } from '../../src/std/clock.ts';
import type { Pool } from '../../src/upstream/asking.ts';
import { createPool, type EnginePool } from '../../src/upstream/engine.ts';
import type { UpstreamEvent } from '../../src/upstream/observer.ts';
import { probed } from '../../src/upstream/probing.ts';
import type { CanaryStage, MemberSettings } from '../../src/upstream/settings.ts';
import { unpooled } from '../../src/upstream/unpooled.ts';
import { LadderOracle } from './ladder-oracle.ts';
import { BUNDLE, type Plans } from './plans.ts';

/** Bugs that are put in on purpose. */
export interface OutsideSabotage {
  readonly pool?: (pool: Pool) => Pool;
  /** Names of what may be asked while nothing outside may be touched. */
  readonly here?: (here: ReadonlySet<string>) => ReadonlySet<string>;
  readonly ladderObserver?: (observer: LadderObserver) => LadderObserver;
  /** The time by which the ladder goes. */
  readonly ladderClock?: (clock: Clock) => Clock;
}

interface OutsideParts {
  readonly sources: readonly Source[];
  readonly plans: Plans;
  readonly clock: Clock;
  /** As `clock`; what comes to nothing but itself takes no turn of the event loop. */
  readonly quietClock: (wasQuiet: () => boolean) => Clock;
  readonly random: () => number;
  readonly isProbed: boolean;
  readonly hasLadder: boolean;
  /** Whether it is ever shut: only then are the pools guarded, which is dear. */
  readonly isEverOffline: boolean;
  readonly isOffline: boolean;
  readonly sabotage: OutsideSabotage;
  readonly onEjected: (member: string) => void;
  readonly onStep: (step: LadderStep) => void;
  /** Told what is wrong with the ladder of a route. */
  readonly onWrong: (what: string) => void;
}

/** Canaries of a world come through in its time, or do not. */
const STAGES: readonly CanaryStage[] = [
  { percent: 40, leastMs: 1000, leastAnswers: 1 },
  { percent: 90, leastMs: 2000, leastAnswers: 2 },
];

export class SimOutside {
  /** By the names of plans. */
  readonly asked: ReadonlyMap<string, Pool>;
  readonly #outside = new Outside();
  readonly #engines: ReadonlyMap<string, EnginePool>;
  readonly #parts: OutsideParts;
  #ladder: Ladder | undefined;
  /** Counts all that a look of the ladder may set off. */
  #stirs = 0;

  constructor(parts: OutsideParts) {
    this.#parts = parts;
    const { sources, plans, sabotage, isProbed, isOffline } = parts;
    this.#engines = new Map(plans.pools.map(({ name }) => [name, this.#engine(name)]));
    const single = sources.filter(({ name }) => !plans.pools.some(({ members }) => members.includes(name)));
    const pools = [...this.#engines.values(), ...single.map(unpooled)].map(sabotage.pool ?? same);
    const here = (sabotage.here ?? same)(new Set([BUNDLE]));
    if (isOffline) this.#outside.shut();
    const asked = new Map(pools.map((pool) => [pool.name, pool]));
    this.asked = parts.isEverOffline ? askedWhileOpen(asked, here, this.#outside) : asked;
    const start = (): void => this.#engines.forEach((engine) => engine.start());
    if (isProbed) probeWhileOpen({ asked, engines: this.#engines, start }, this.#outside);
    if (parts.hasLadder) this.#openLadder(asked);
  }

  get isShut(): boolean {
    return this.#outside.isShut;
  }

  set(to: 'open' | 'shut'): void {
    if (to === 'shut') this.#outside.shut();
    else this.#outside.open();
  }

  close(): void {
    this.#ladder?.close();
    for (const engine of this.#engines.values()) engine.close();
  }

  #engine(pool: string): EnginePool {
    const { sources, plans, clock, random } = this.#parts;
    const { members = [], canary } = plans.pools.find(({ name }) => name === pool) ?? {};
    const settings = sources.filter(({ name }) => members.includes(name)).map((one) => this.#member(one, canary));
    const observer = {
      onUpstreamEvent: (event: UpstreamEvent) => this.#onEvent(event),
      onMemberOutcome: () => undefined,
    };
    return createPool({ name: pool, members: settings, limits: { canaryStages: STAGES } }, { clock, random, observer });
  }

  #member(source: Source, canary: string | undefined): MemberSettings {
    const isCanary = source.name === canary;
    const usual = { weight: 1, regionFactor: 1, maxInFlight: 64, isCanary };
    return this.#parts.isProbed ? { ...probed(source), ...usual } : { source, ...usual };
  }

  #onEvent(event: UpstreamEvent): void {
    this.#stirs++;
    if (event.kind === 'state' && event.to === 'open') this.#parts.onEjected(event.member);
  }

  #openLadder(asked: ReadonlyMap<string, Pool>): void {
    const { plans, clock, isOffline, sabotage, onStep, onWrong } = this.#parts;
    const watched = new Map(
      [...plans.routes].map(([name, plan]) => [
        name,
        new LadderOracle(plan, this.#standingOf, clock.monotonic(), isOffline),
      ]),
    );
    const wrong = (route: string, what: string | undefined): void => {
      if (what !== undefined) onWrong(`the ladder of ${route}: ${what}`);
    };
    const observer: LadderObserver = {
      onLadderStep: (step) => {
        this.#stirs++;
        onStep(step);
        wrong(step.route, watched.get(step.route)?.wrongIn(step));
      },
    };
    const pools = { asked, engines: this.#engines };
    const ladder = new Ladder({
      routes: new Map([...plans.routes].map(([name, plan]) => [name, placesOf(plan, new Set(), pools)])),
      isOffline,
      clock: (sabotage.ladderClock ?? same)(
        this.#lookingClock(() => {
          for (const [route, oracle] of watched) {
            oracle.looked(clock.monotonic());
            wrong(route, oracle.wrongAt(ladder.levelOf(route)));
          }
        }),
      ),
      observer: (sabotage.ladderObserver ?? same)(observer),
    });
    this.#ladder = ladder;
    this.#outside.onChange((isShut) => {
      ladder.setOffline(isShut ? 'on' : 'off');
      for (const [route, oracle] of watched) {
        oracle.switched(isShut ? 'on' : 'off');
        wrong(route, oracle.wrongAt(ladder.levelOf(route)));
      }
    });
    ladder.start();
  }

  readonly #standingOf = (source: string) => this.#engines.get(source)?.standing();

  /** A clock whose timers are the ladder's looks: `after` each, `then`. */
  #lookingClock(then: () => void): Clock {
    let stirs = 0;
    const clock = this.#parts.quietClock(() => this.#stirs === stirs);
    return {
      ...clock,
      after: (ms, run) =>
        clock.after(ms, () => {
          stirs = this.#stirs;
          run();
          then();
        }),
    };
  }
}

function same<T>(one: T): T {
  return one;
}
