import type { Source } from '../sources/source.ts';
import { type Ask, throwIfAborted } from '../std/ask.ts';
import { AppError } from '../std/errors.ts';
import type { PoolAnswer, PoolQuestion } from './asking.ts';
import type { Canary, CanaryStep } from './canary.ts';
import { CanaryKeeper } from './canary-keeper.ts';
import { PoolCore } from './core.ts';
import type { EngineParts, EnginePool } from './engine.ts';
import { Gather } from './gather.ts';
import type { Member } from './member.ts';
import { Prober } from './prober.ts';
import { Race } from './race.ts';
import type { PoolSettings } from './settings.ts';
import type { PoolStanding } from './standing.ts';
import { Waiting } from './waiting.ts';

/** The driver: the only part of the engine that asks anybody. */
export class MemberPool implements EnginePool {
  readonly name: string;
  readonly #core: PoolCore;
  readonly #waiting: Waiting;
  readonly #probers: readonly Prober[];
  /** Of canaries whose stage outlives this process. */
  readonly #keepers = new Map<Member, CanaryKeeper>();
  /** Questions under way, to be ended with the pool. */
  readonly #running = new Set<{ stop(reason: AppError): void }>();
  #isClosed = false;

  constructor(settings: PoolSettings, parts: EngineParts) {
    this.name = settings.name;
    this.#core = new PoolCore(settings, {
      ...parts,
      onStir: () => this.#stirred(),
      onStep: (member, step) => this.#keepers.get(member)?.stepped(step),
    });
    this.#waiting = new Waiting(this.#core);
    this.#probers = this.#core.members.flatMap((member) => {
      const { probe } = member.settings;
      return probe === undefined ? [] : [new Prober(this.#core, member, probe)];
    });
    for (const member of this.#core.members) {
      const { canaryMemory } = member.settings;
      if (member.canary === undefined) continue;
      if (canaryMemory === undefined) this.startCanary(member.name);
      else this.#keepers.set(member, new CanaryKeeper(this.#core, member, member.canary, canaryMemory));
    }
  }

  async first<T>(question: PoolQuestion<T>, o: Ask): Promise<PoolAnswer<T>> {
    const now = this.#begin(question, o);
    return this.#run(new Race(this.#core, question, this.#core.candidates(now, question)), o);
  }

  async all<T>(question: PoolQuestion<T>, o: Ask): Promise<readonly PoolAnswer<T>[]> {
    const now = this.#begin(question, o);
    const candidates = this.#core.candidates(now, question);
    // Who has no turn soon is asked like those in reserve: when the others have nothing.
    const isSoon = (member: Member): boolean => member.throttle.turnInMs(now) <= this.#core.limits.listWaitMs;
    const usual = candidates
      .filter(({ isReserve, member }) => !isReserve && isSoon(member))
      .map(({ member }) => member);
    if (usual.length < 2) return [await this.#run(new Race(this.#core, question, candidates), o)];
    const inOrder = this.#core.members.filter((member) => usual.includes(member));
    const rest = candidates.filter(({ member }) => !usual.includes(member));
    return this.#run(new Gather(this.#core, question, { members: inOrder, rest }), o);
  }

  readonly isWatched = true;

  get isUsable(): boolean {
    const now = this.#core.clock.monotonic();
    return this.#core.isUsable(now);
  }

  async usable(o: Ask): Promise<void> {
    this.#throwIfClosed();
    return this.#waiting.join(o);
  }

  async again(o: Ask): Promise<void> {
    const { clock, retries, random, limits } = this.#core;
    throwIfAborted(o.signal);
    for (;;) {
      this.#throwIfClosed();
      if (retries.take(clock.monotonic())) return;
      await clock.sleep((0.5 + random() / 2) * limits.retryPauseMaxMs, o);
    }
  }

  standing(): PoolStanding {
    const now = this.#core.clock.monotonic();
    const members = this.#core.members.map((member) => member.standing(now));
    return { name: this.name, isUsable: this.#core.isUsable(now), members };
  }

  start(): void {
    if (this.#isClosed) return;
    for (const keeper of this.#keepers.values()) keeper.begin();
    for (const prober of this.#probers) prober.start();
  }

  stop(): void {
    for (const prober of this.#probers) prober.stop();
  }

  detour(member: string, source: Source | undefined, probes = source): void {
    this.#member(member).detour(source, probes);
  }

  pardon(member: string): void {
    this.#member(member).pardoned(this.#core.clock.monotonic());
    this.#stirred();
  }

  startCanary(member: string): void {
    this.#steer(member, (canary, now) => canary.start(now));
  }

  promoteCanary(member: string): void {
    this.#steer(member, (canary, now) => canary.promote(now));
  }

  rollBackCanary(member: string): void {
    this.#steer(member, (canary, now) => canary.rollBack(now, 'operator'));
  }

  close(): void {
    this.#isClosed = true;
    this.stop();
    for (const keeper of this.#keepers.values()) keeper.close();
    for (const one of this.#running) one.stop(closedError());
    this.#waiting.close(closedError());
  }

  #begin<T>(question: PoolQuestion<T>, { signal }: Ask): number {
    throwIfAborted(signal);
    this.#throwIfClosed();
    const now = this.#core.clock.monotonic();
    this.#core.onQuestion(now, question);
    return now;
  }

  async #run<R>(work: { run(o: Ask): Promise<R>; stop(reason: AppError): void }, o: Ask): Promise<R> {
    this.#running.add(work);
    try {
      return await work.run(o);
    } finally {
      this.#running.delete(work);
    }
  }

  #steer(name: string, step: (canary: Canary, now: number) => CanaryStep | undefined): void {
    const member = this.#member(name);
    if (member.canary === undefined) throw new AppError('CONFLICT', `${this.name}: ${name} is no canary`);
    const made = step(member.canary, this.#core.clock.monotonic());
    if (made !== undefined) this.#core.onCanary(member, made);
  }

  #member(name: string): Member {
    const member = this.#core.members.find((one) => one.name === name);
    if (member === undefined) throw new AppError('NOT_FOUND', `${this.name} has no upstream ${name}`);
    return member;
  }

  #throwIfClosed(): void {
    if (this.#isClosed) throw closedError();
  }

  #stirred(): void {
    for (const prober of this.#probers) prober.nudge();
    this.#waiting.look();
  }
}

function closedError(): AppError {
  return new AppError('ABORTED', 'the server is stopping');
}
