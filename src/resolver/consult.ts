import type { Level } from '../ladder/level.ts';
import { OFF_STEP, type PlanStep, type RoutePlan } from '../policy/plan.ts';
import { type Ask, throwIfAborted } from '../std/ask.ts';
import { AppError, toAppError } from '../std/errors.ts';
import { within } from './deadline.ts';
import type { ResolverLimits } from './limits.ts';
import { type Answered, type Consultation, put, type PutParts, putToAll, type StepTurn } from './put.ts';
import { allowedAgain, whenUsable } from './usable.ts';
import {
  afterFailure,
  afterRung,
  currentStep,
  failureOf,
  isOutage,
  isUnknownHost,
  mayClimb,
  mayPass,
  mayRepeat,
  mirrorsFrom,
  startWalk,
  type Walk,
} from './walk.ts';

interface ConsultantParts extends PutParts {
  readonly limits: Pick<ResolverLimits, 'mirrorWaitMs' | 'metadataDeadlineMs' | 'zipDeadlineMs' | 'patienceMs'>;
  /** In [0, 1). */
  readonly random: () => number;
}

/** Where a question may be put. */
type Walked = Pick<RoutePlan, 'steps' | 'rungs'>;

/** A question on its way through the plan. */
interface Round<T> {
  readonly plan: Walked;
  readonly question: Consultation<T>;
  /** Monotonic ms. */
  readonly begunAt: number;
  /** When the last answer must have come. */
  readonly until: number;
  /** Names of the steps that were asked. */
  readonly asked: Set<string>;
  /** Names of those that failed the walk under way, or the last one, in a way that may pass. */
  readonly failed: Set<string>;
  /** How often the plan was walked before. */
  walks: number;
}

/** What one walk, and the rungs after it, came to: answers, or the failure to report and the walk that is over. */
type Outcome<T> = Answers<T> | Failed;

interface Failed {
  readonly failure: AppError;
  readonly walk: Walk;
}

/** What one place of the walk came to: its answers, or the walk after its failures. */
type Stride = <T>(walk: Walk, round: Round<T>, o: Ask) => Promise<Answers<T> | { readonly next: Walk }>;

interface Answers<T> {
  readonly answers: readonly Answered<T>[];
}

/**
 * Puts questions to the sources of a plan in the order of walk.ts, and tells the observer of each. When sources are out, and only then, it asks the rungs of the plan after
 * them, and after those walks again once one of the sources that were out can be asked again. All within the time of the question and its patience.
 */
export class Consultant {
  readonly #parts: ConsultantParts;

  constructor(parts: ConsultantParts) {
    this.#parts = parts;
  }

  /** The first good answer. Rejects with what the walk failed with, or with the signal's reason. */
  async first<T>(plan: Walked, question: Consultation<T>, o: Ask): Promise<Answered<T>> {
    const [answer] = await this.#find(plan, question, this.#strideToFirst, o);
    if (answer === undefined) throw new AppError('INTERNAL', `${question.attempted}: no answer`);
    return answer;
  }

  /**
   * The answers of the first `|` group in which somebody answers, in the order of the plan: its steps and their members are asked side by side, and
   * once one has answered the others have a moment more. Other groups are not asked. Rejects as `first` does.
   */
  allMirrors<T>(plan: Walked, question: Consultation<T>, o: Ask): Promise<readonly Answered<T>[]> {
    return this.#find(plan, question, this.#strideOverGroup, o);
  }

  async #find<T>(plan: Walked, question: Consultation<T>, stride: Stride, o: Ask): Promise<readonly Answered<T>[]> {
    const round = this.#begin(plan, question);
    for (;;) {
      const outcome = await this.#walkAndClimb(round, stride, o);
      if ('answers' in outcome) return outcome.answers;
      const isWorthWaiting = question.isPatient && mayRepeat(outcome.walk);
      if (!isWorthWaiting || !(await this.#mayWalkAgain(round, o))) throw outcome.failure;
      round.walks++;
    }
  }

  async #walkAndClimb<T>(round: Round<T>, stride: Stride, o: Ask): Promise<Outcome<T>> {
    const outcome = await this.#walk(round, stride, o);
    if ('answers' in outcome || !mayClimb(outcome.walk)) return outcome;
    return await this.#climb(round, outcome, o);
  }

  async #walk<T>(round: Round<T>, stride: Stride, o: Ask): Promise<Outcome<T>> {
    let walk = startWalk();
    round.failed.clear();
    while (currentStep(round.plan.steps, walk) !== undefined) {
      const come = await stride(walk, round, o);
      throwIfAborted(o.signal);
      if ('answers' in come) return come;
      walk = come.next;
    }
    return { failure: failureOf(walk, round.question.attempted), walk };
  }

  /** Asks one step. */
  readonly #strideToFirst: Stride = async (walk, round, o) => {
    const { steps } = round.plan;
    const step = steps[walk.at] as PlanStep;
    try {
      const turn = this.#turn(step, walk, round, steps.slice(walk.at + 1));
      return { answers: [await put(turn, this.#parts, o)] };
    } catch (error) {
      const failure = toAppError(error, round.question.attempted);
      this.#noteFailure(round, step.source, failure);
      return { next: afterFailure(steps, walk, failure) };
    }
  };

  /** Asks a group of steps. */
  readonly #strideOverGroup: Stride = async (walk, round, o) => {
    const { steps } = round.plan;
    const group = mirrorsFrom(steps, walk.at);
    const later = steps.slice(walk.at + group.length);
    const turns = group.map((step) => this.#turn(step, walk, round, later));
    const outcomes = await this.#askGroup(turns, o);
    throwIfAborted(o.signal);
    for (const [i, one] of outcomes.entries())
      if ('error' in one) this.#noteFailure(round, group[i]?.source ?? '', one.error);
    const answers = outcomes.flatMap((one) => ('answers' in one ? one.answers : []));
    if (answers.length > 0) return { answers: withLevel(answers, outcomes[0]) };
    return { next: outcomes.reduce((at, one) => ('error' in one ? afterFailure(steps, at, one.error) : at), walk) };
  };

  /** Who is worth asking again: not who has a host that nobody knows, but for pools, whose members are counted. */
  #noteFailure<T>({ failed }: Round<T>, source: string, error: AppError): void {
    const isWatched = this.#parts.sources.get(source)?.isWatched === true;
    if (mayPass(error) && (isWatched || !isUnknownHost(error))) failed.add(source);
  }

  /** The outcome of each, in order. Once one has answered, who is silent for a moment more counts as out. */
  async #askGroup<T>(turns: readonly StepTurn<T>[], o: Ask): Promise<readonly GroupOutcome<T>[]> {
    const [alone] = turns;
    if (alone !== undefined && turns.length === 1) return [await this.#outcomeOf(alone, o)];
    const { clock, limits } = this.#parts;
    const rest = new AbortController();
    const signal = AbortSignal.any([o.signal, rest.signal]);
    const outcomes: GroupOutcome<T>[] = turns.map(({ source, question }) => ({
      error: new AppError('UPSTREAM_TIMEOUT', `${question.attempted} from ${source}: another mirror was sooner`),
    }));
    const asked = turns.map(async (turn, i) => {
      const outcome = await this.#outcomeOf(turn, { signal });
      outcomes[i] = outcome;
      if ('error' in outcome) throw outcome.error;
    });
    const all = Promise.allSettled(asked);
    await Promise.any(asked).then(
      () => within(clock, limits.mirrorWaitMs, o.signal, all),
      () => undefined,
    );
    rest.abort(new AppError('ABORTED', `${turns[0]?.question.attempted}: another mirror has answered`));
    return [...outcomes];
  }

  async #outcomeOf<T>(turn: StepTurn<T>, o: Ask): Promise<GroupOutcome<T>> {
    try {
      return { answers: await putToAll(turn, this.#parts, o) };
    } catch (error) {
      return { error: toAppError(error, turn.question.attempted) };
    }
  }

  /** The first rung that has it, but for those that were asked as steps. */
  async #climb<T>(round: Round<T>, outage: Failed, o: Ask): Promise<Outcome<T>> {
    const { plan, question, until, asked } = round;
    const rungs = plan.rungs.filter(({ source }) => !asked.has(source));
    let { failure } = outage;
    for (const [at, { source, level }] of rungs.entries()) {
      try {
        const others = rungs.length - at - 1;
        const turn = { source, level, question, isRepeat: round.walks > 0, until, others, hasRungs: false };
        return { answers: [await put(turn, this.#parts, o)] };
      } catch (error) {
        throwIfAborted(o.signal);
        failure = afterRung(failure, toAppError(error, question.attempted));
      }
    }
    return { ...outage, failure };
  }

  /** Waits as `#waited` says, and then for a retry of every pool that was asked: what is walked again for is no new question. */
  async #mayWalkAgain<T>(round: Round<T>, o: Ask): Promise<boolean> {
    const { sources, clock } = this.#parts;
    if (!(await this.#waited(round, o))) return false;
    throwIfAborted(o.signal);
    const pools = [...round.asked].flatMap((name) => sources.get(name) ?? []);
    const mayAsk = await allowedAgain(pools, clock, this.#leftMs(round), o);
    throwIfAborted(o.signal);
    return mayAsk;
  }

  /** How much of the question's patience is left. */
  #leftMs<T>({ begunAt, until }: Round<T>): number {
    const { clock, limits } = this.#parts;
    return Math.min(until, begunAt + limits.patienceMs) - clock.monotonic();
  }

  /**
   * Waits until it makes sense to walk once more: until one of the steps that are left alone can be asked again, and where not all are left alone no more than a moment that grows, longer for those of
   * which nobody keeps count. False when the question's patience does not last so long, or none failed in a way that may pass but folders of this machine.
   */
  async #waited<T>(round: Round<T>, o: Ask): Promise<boolean> {
    const { sources, local, clock } = this.#parts;
    const names = [...round.failed].filter((name) => local?.has(name) !== true);
    const pools = names.flatMap((name) => sources.get(name) ?? []);
    const leftMs = this.#leftMs(round);
    if (pools.length === 0 || leftMs <= 0) return false;
    const out = pools.filter((pool) => !pool.isUsable);
    const isWatched = pools.every((pool) => pool.isWatched);
    if (out.length === pools.length && isWatched) return await whenUsable(out, clock, leftMs, o);
    const pauseMs = this.#pauseMs(isWatched ? WATCHED_PAUSES : OTHER_PAUSES, round.walks);
    if (out.length > 0 && (await whenUsable(out, clock, Math.min(pauseMs, leftMs), o))) return true;
    if (pauseMs > leftMs) return false;
    if (out.length === 0) await clock.sleep(pauseMs, o);
    return true;
  }

  #pauseMs({ firstMs, longestMs }: Pauses, walks: number): number {
    return (0.5 + this.#parts.random() / 2) * Math.min(longestMs, firstMs * 2 ** walks);
  }

  #begin<T>(plan: Walked, question: Consultation<T>): Round<T> {
    const { clock, limits } = this.#parts;
    const ms = question.kind === 'zip' ? limits.zipDeadlineMs : limits.metadataDeadlineMs;
    const begunAt = clock.monotonic();
    return { plan, question, begunAt, until: begunAt + ms, asked: new Set(), failed: new Set(), walks: 0 };
  }

  /** A step's turn. After a source that was out its answer is of the level of the others. */
  #turn<T>(
    step: PlanStep,
    walk: Walk,
    { plan, question, until, asked, walks }: Round<T>,
    later: readonly PlanStep[],
  ): StepTurn<T> {
    asked.add(step.source);
    const others = step.separator === ',' ? 0 : later.filter(({ source }) => source !== OFF_STEP).length;
    const level: Level = walk.gravest !== undefined && isOutage(walk.gravest) ? OTHERS : 0;
    return {
      source: step.source,
      level,
      question,
      isRepeat: walks > 0,
      until,
      others,
      hasRungs: plan.rungs.length > 0,
    };
  }
}

const OTHERS: Level = 2;

/** Between two walks, at most; half of it at least. */
interface Pauses {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** While no upstream is known to be out. */
const WATCHED_PAUSES: Pauses = { firstMs: 500, longestMs: 2000 };
/** Where a source failed that is many places under one name: nobody will notice when it is asked too much. */
const OTHER_PAUSES: Pauses = { firstMs: 2000, longestMs: 16_000 };

type GroupOutcome<T> = Answers<T> | { readonly error: AppError };

/** A group whose first step was out has answered by its others. */
function withLevel<T>(answers: readonly Answered<T>[], first: GroupOutcome<T> | undefined): readonly Answered<T>[] {
  if (first === undefined || !('error' in first) || !isOutage(first.error)) return answers;
  return answers.map((one) => (one.level === 0 ? { ...one, level: OTHERS } : one));
}
