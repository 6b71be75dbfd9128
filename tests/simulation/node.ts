/** One Larder of a world: the real resolver, flights, artifact store and checks, over things that the world decides about. */
import type { LeaseBoard, Leases } from '../../src/coordination/lease.ts';
import { TimedLeases } from '../../src/coordination/timed-leases.ts';
import { ArtifactStore } from '../../src/artifacts/artifact-store.ts';
import type { ArtifactId } from '../../src/gomod/module.ts';
import { openSpooled } from '../../src/io/spooled-reader.ts';
import type { LadderStep } from '../../src/ladder/observer.ts';
import type { Artifacts } from '../../src/resolver/needs.ts';
import { createResolver, type RunningResolver } from '../../src/resolver/resolver.ts';
import type { Source } from '../../src/sources/source.ts';
import type { Clock } from '../../src/std/clock.ts';
import type { Spooled } from '../../src/std/spooled.ts';
import type { BlobStore } from '../../src/storage/store.ts';
import type { Verified } from '../../src/verify/verified.ts';
import type { Verifier } from '../../src/verify/verifier.ts';
import type { Dice } from './dice.ts';
import type { Plans } from './plans.ts';
import type { VirtualClock } from '../fakes/virtual-clock.ts';
import { SimOutside, type OutsideSabotage } from './sim-outside.ts';
import { memorySpool } from '../fakes/memory-spool.ts';
import { type SimDisk, SimRegister, SimStore } from './sim-store.ts';
import { verifierBy, type Voucher } from './vouching.ts';

/** Bugs that are put in on purpose, to see that they are found. Each wraps what the node is made of. */
export interface Sabotage extends OutsideSabotage {
  readonly source?: (source: Source) => Source;
  readonly store?: (store: BlobStore) => BlobStore;
  readonly verifier?: (verifier: Verifier) => Verifier;
  readonly clock?: (clock: Clock) => Clock;
  readonly resolver?: (resolver: RunningResolver) => RunningResolver;
}

export interface NodeParts {
  readonly clock: VirtualClock;
  readonly dice: Dice;
  readonly disk: SimDisk;
  /** Where the nodes tell each other what they fetch; undefined for one that is alone. */
  readonly board: LeaseBoard | undefined;
  /** The sources of the plans. */
  readonly sources: readonly Source[];
  readonly plans: Plans;
  readonly voucher: Voucher;
  readonly isProbed: boolean;
  readonly hasLadder: boolean;
  /** Whether anybody ever says that nothing outside may be touched. */
  readonly isEverOffline: boolean;
  /** Whether it begins with nothing outside to be touched. */
  readonly isOffline: boolean;
  /** Zips over this size are given out while they come in. */
  readonly streamAboveBytes: number;
  readonly sabotage: Sabotage;
  readonly onCommitted: (id: ArtifactId) => void;
  /** What was given to the store, and is there now. */
  readonly onStored: (verified: Verified) => void;
  readonly onEjected: (member: string) => void;
  readonly onLadderStep: (step: LadderStep) => void;
  readonly onLadderWrong: (what: string) => void;
}

/** How long a silent holder of a lease is believed to live, ms. */
const LEASE_MS = 10_000;

/** A Larder that can be killed, and then nothing that it began goes on; and stopped for a while, in which nothing reaches it. */
export class SimNode {
  readonly resolver: RunningResolver;
  /** Bodies that were received and not discarded. */
  readonly spooled = new Set<Spooled>();
  readonly #outside: SimOutside;
  readonly #leases: Leases | undefined;
  #isDead = false;
  /** What waits until it goes on; undefined while it runs. */
  #kept: (() => void)[] | undefined;

  constructor(parts: NodeParts) {
    const { disk, dice, sabotage } = parts;
    const clock = (sabotage.clock ?? same)(this.#mortalClock(parts.clock));
    const store = (sabotage.store ?? same)(this.#mortal(new SimStore(disk)));
    const sources = parts.sources.map((source) => (sabotage.source ?? same)(this.#mortal(source)));
    this.#outside = new SimOutside({
      ...parts,
      sources,
      clock,
      quietClock: (wasQuiet) => this.#quietClock(parts.clock, wasQuiet),
      random: dice.roll,
      onStep: parts.onLadderStep,
      onWrong: parts.onLadderWrong,
    });
    const { board } = parts;
    this.#leases = board && new TimedLeases(this.#mortal(board), { clock, ttlMs: LEASE_MS });
    const resolver = createResolver({
      leases: this.#leases,
      artifacts: toldOf(artifactsOf(store, clock, parts.onCommitted), parts.onStored),
      registers: this.#mortal(new SimRegister(disk)),
      sources: this.#outside.asked,
      routes: parts.plans.routes.size > 1 ? 'several' : 'one',
      verifier: (sabotage.verifier ?? same)(verifierBy(parts.voucher)),
      spools: { spool: () => memorySpool(this.spooled) },
      openSpooled,
      clock,
      random: dice.roll,
      observer: { onFetch: () => undefined },
      limits: { streamAboveBytes: parts.streamAboveBytes, mutableEntries: 100 },
    });
    this.resolver = (sabotage.resolver ?? same)(resolver);
  }

  /** As kill -9. */
  kill(): void {
    this.#isDead = true;
  }

  /** As SIGSTOP: its timers run out and its questions are answered, but it does not hear of it. */
  pause(): void {
    this.#kept ??= [];
  }

  /** As SIGCONT. */
  goOn(): void {
    const kept = this.#kept ?? [];
    this.#kept = undefined;
    for (const one of kept) this.#hear(one);
  }

  /** Whether it may touch nothing outside. */
  get isShut(): boolean {
    return this.#outside.isShut;
  }

  /** By word of its operator, which it hears when it runs. */
  switchOffline(to: 'on' | 'off'): void {
    this.#hear(() => this.#outside.set(to === 'on' ? 'shut' : 'open'));
  }

  /** The end in good order. */
  async close(): Promise<void> {
    this.#outside.close();
    await this.resolver.close();
    await this.#leases?.close();
  }

  #hear(news: () => void): void {
    if (this.#isDead) return;
    if (this.#kept !== undefined) this.#kept.push(news);
    else news();
  }

  /** `inner`, of which the dead hear nothing any more: not even that something failed. */
  #mortal<T extends object>(inner: T): T {
    return new Proxy(inner, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          const come: unknown = this.#isDead ? new Promise(() => undefined) : Reflect.apply(value, target, args);
          return come instanceof Promise ? this.#whenHeard(come) : come;
        };
      },
    });
  }

  #whenHeard<T>(come: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      come.then(
        (value) => this.#hear(() => resolve(value)),
        (error: unknown) => this.#hear(() => reject(error)),
      );
    });
  }

  #mortalClock(clock: VirtualClock): Clock {
    return {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      sleep: (ms, o) => this.#whenHeard(clock.sleep(ms, o)),
      after: (ms, run) => this.#afterAndHear(run, (then) => clock.after(ms, then)),
    };
  }

  #quietClock(clock: VirtualClock, wasQuiet: () => boolean): Clock {
    return {
      ...this.#mortalClock(clock),
      after: (ms, run) => this.#afterAndHear(run, (then) => clock.afterQuietly(ms, then, wasQuiet)),
    };
  }

  /** A timer that runs out while the node stands still can be cancelled until the node hears of it. */
  #afterAndHear(run: () => void, set: (then: () => void) => () => void): () => void {
    let isOff = false;
    const cancel = set(() => this.#hear(() => !isOff && run()));
    return () => {
      isOff = true;
      cancel();
    };
  }
}

function same<T>(one: T): T {
  return one;
}

function artifactsOf(store: BlobStore, clock: Clock, onCommitted: (id: ArtifactId) => void): ArtifactStore {
  return new ArtifactStore({
    store,
    spool: memorySpool(),
    clock,
    observer: { onDamage: () => undefined, onCommitted: ({ id }) => onCommitted(id) },
  });
}

/** `artifacts`, telling what each commit was given. */
function toldOf(artifacts: ArtifactStore, onStored: (verified: Verified) => void): Artifacts {
  return {
    inMemory: (...args) => artifacts.inMemory(...args),
    find: (...args) => artifacts.find(...args),
    versions: (...args) => artifacts.versions(...args),
    keepRefused: (...args) => artifacts.keepRefused(...args),
    commit: async (scope, verified, o) => {
      const stored = await artifacts.commit(scope, verified, o);
      onStored(verified);
      return stored;
    },
  };
}
