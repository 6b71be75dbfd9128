import type { PlanStep } from '../policy/plan.ts';
import { OFF_STEP } from '../policy/plan.ts';
import type { Source } from '../sources/source.ts';
import { type Ask, throwIfAborted, waitFor } from '../std/ask.ts';
import type { Clock } from '../std/clock.ts';
import { AppError, toAppError } from '../std/errors.ts';
import { within, withDeadline } from './deadline.ts';
import { type ResolverLimits, ZIP_FIRST_BYTE_MS } from './limits.ts';
import type { FetchOutcome, ResolverObserver } from './observer.ts';
import { afterFailure, currentStep, failureOf, mirrorsFrom, offError, startWalk } from './walk.ts';

/** One question as it is put to each source. */
export interface Consultation<T> {
  readonly kind: FetchOutcome['kind'];
  /** Escaped module path, and version where there is one. */
  readonly subject: string;
  /** `fetch .mod of x@v1.0.0`: for messages. */
  readonly attempted: string;
  /** Asks, and checks what came. A failure of the check counts as the source's. Cleans up after itself when it fails or its signal has fired. */
  ask(source: Source, o: Attempt): Promise<Got<T>>;
}

/** One source's turn. */
export interface Attempt extends Ask {
  /**
   * To be told when the source has done what its time was for: when the body of a zip has begun, whose own pace decides from then on, and when a go.mod is
   * here, whose proof is not the source's to hasten.
   */
  readonly begun: () => void;
}

export interface Got<T> {
  readonly value: T;
  readonly sizeBytes: number;
}

/** An answer and who gave it. */
export interface Answered<T> {
  readonly value: T;
  readonly source: string;
}

interface ConsultantParts {
  readonly sources: ReadonlyMap<string, Source>;
  readonly observer: ResolverObserver;
  readonly clock: Clock;
  readonly limits: Pick<ResolverLimits, 'mirrorWaitMs' | 'metadataDeadlineMs' | 'zipDeadlineMs'>;
}

/** A question on its way through the plan. */
interface Round<T> {
  readonly question: Consultation<T>;
  /** When the last answer must have come, by the monotonic clock. */
  readonly until: number;
}

/** Puts questions to the sources of a plan in the order of walk.ts, and tells the observer of each. */
export class Consultant {
  readonly #parts: ConsultantParts;

  constructor(parts: ConsultantParts) {
    this.#parts = parts;
  }

  /** The first good answer. Rejects with what the walk failed with, or with the signal's reason. */
  async first<T>(steps: readonly PlanStep[], question: Consultation<T>, o: Ask): Promise<Answered<T>> {
    const round = this.#begin(question);
    let walk = startWalk();
    for (;;) {
      const step = currentStep(steps, walk);
      if (step === undefined) throw failureOf(walk, question.attempted);
      try {
        const value = await this.#askInTime(step, round, steps.slice(walk.at + 1), o);
        return { value, source: step.source };
      } catch (error) {
        throwIfAborted(o.signal);
        walk = afterFailure(steps, walk, toAppError(error, question.attempted));
      }
    }
  }

  /**
   * The answers of the first `|` group in which somebody answers, in the order of the plan: its members are asked side by side, and
   * once one has answered the others have a moment more. Other groups are not asked. Rejects as `first` does.
   */
  async allMirrors<T>(steps: readonly PlanStep[], question: Consultation<T>, o: Ask): Promise<readonly Answered<T>[]> {
    const round = this.#begin(question);
    let walk = startWalk();
    for (;;) {
      const group = mirrorsFrom(steps, walk.at);
      if (group.length === 0) throw failureOf(walk, question.attempted);
      const [alone] = group;
      const isAlone = alone !== undefined && group.length === 1;
      const later = steps.slice(walk.at + group.length);
      const outcomes = isAlone
        ? [await this.#outcomeOf(alone, round, later, o)]
        : await this.#askGroup(group, round, later, o);
      throwIfAborted(o.signal);
      const answers = outcomes.filter((one) => 'value' in one);
      if (answers.length > 0) return answers;
      for (const one of outcomes) if ('error' in one) walk = afterFailure(steps, walk, one.error);
    }
  }

  /** Every outcome when nobody answered; else the answers that came in time. */
  async #askGroup<T>(
    group: readonly PlanStep[],
    round: Round<T>,
    later: readonly PlanStep[],
    o: Ask,
  ): Promise<readonly (Answered<T> | { readonly error: AppError })[]> {
    const rest = new AbortController();
    const signal = AbortSignal.any([o.signal, rest.signal]);
    const settled: (Answered<T> | { readonly error: AppError })[] = [];
    const asked = group.map(async (step, i) => {
      settled[i] = await this.#outcomeOf(step, round, later, { signal });
      if ('error' in settled[i]) throw settled[i].error;
    });
    const all = Promise.allSettled(asked);
    await Promise.any(asked).then(
      () => within(this.#parts.clock, this.#parts.limits.mirrorWaitMs, o.signal, all),
      () => undefined,
    );
    rest.abort(new AppError('ABORTED', `${round.question.attempted}: another mirror has answered`));
    return settled.filter((one) => one !== undefined);
  }

  async #outcomeOf<T>(
    step: PlanStep,
    round: Round<T>,
    later: readonly PlanStep[],
    o: Ask,
  ): Promise<Answered<T> | { readonly error: AppError }> {
    try {
      return { value: await this.#askInTime(step, round, later, o), source: step.source };
    } catch (error) {
      return { error: toAppError(error, round.question.attempted) };
    }
  }

  #begin<T>(question: Consultation<T>): Round<T> {
    const { clock, limits } = this.#parts;
    const ms = question.kind === 'zip' ? limits.zipDeadlineMs : limits.metadataDeadlineMs;
    return { question, until: clock.monotonic() + ms };
  }

  /**
   * Asks `step`. Where a failure of it leads to one of the `later` steps it gets its share of the time that is left, so that a source that
   * hangs costs the question no more than that; a zip must then only begin in that time.
   */
  async #askInTime<T>(step: PlanStep, { question, until }: Round<T>, later: readonly PlanStep[], o: Ask): Promise<T> {
    const { clock } = this.#parts;
    const turns = step.separator === ',' ? 0 : later.filter(({ source }) => source !== OFF_STEP).length;
    const isZip = question.kind === 'zip';
    if (isZip && turns === 0) return this.#askStep(step, question, { ...o, begun: ignore });
    const shareMs = Math.max(0, Math.floor((until - clock.monotonic()) / (turns + 1)));
    const ms = isZip ? Math.min(shareMs, ZIP_FIRST_BYTE_MS) : shareMs;
    const attempted = `${question.attempted} from ${step.source}`;
    return withDeadline({ clock, ms, signal: o.signal, attempted }, (signal, lift) =>
      this.#askStep(step, question, { signal, begun: lift }),
    );
  }

  async #askStep<T>(step: PlanStep, question: Consultation<T>, o: Attempt): Promise<T> {
    if (step.source === OFF_STEP) throw offError();
    const source = this.#parts.sources.get(step.source);
    if (source === undefined)
      throw new AppError('INTERNAL', `${question.attempted}: the plan names an unknown source ${step.source}`);
    const started = this.#parts.clock.monotonic();
    const told = { source: step.source, kind: question.kind, subject: question.subject };
    const durationMs = (): number => this.#parts.clock.monotonic() - started;
    try {
      const got = await waitFor(question.ask(source, o), o.signal);
      this.#parts.observer.onFetch({ ...told, durationMs: durationMs(), sizeBytes: got.sizeBytes });
      return got.value;
    } catch (error) {
      const { code, message } = toAppError(error, question.attempted);
      this.#parts.observer.onFetch({ ...told, durationMs: durationMs(), sizeBytes: 0, code, message });
      throw error;
    }
  }
}

function ignore(): void {}
