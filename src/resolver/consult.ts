import type { PlanStep } from '../policy/plan.ts';
import { OFF_STEP } from '../policy/plan.ts';
import type { Source } from '../sources/source.ts';
import { type Ask, throwIfAborted, waitFor } from '../std/ask.ts';
import type { Clock } from '../std/clock.ts';
import { AppError, toAppError } from '../std/errors.ts';
import { within } from './deadline.ts';
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
  ask(source: Source, o: Ask): Promise<Got<T>>;
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
  readonly mirrorWaitMs: number;
}

/** Puts questions to the sources of a plan in the order of walk.ts, and tells the observer of each. */
export class Consultant {
  readonly #parts: ConsultantParts;

  constructor(parts: ConsultantParts) {
    this.#parts = parts;
  }

  /** The first good answer. Rejects with what the walk failed with, or with the signal's reason. */
  async first<T>(steps: readonly PlanStep[], question: Consultation<T>, o: Ask): Promise<Answered<T>> {
    let walk = startWalk();
    for (;;) {
      const step = currentStep(steps, walk);
      if (step === undefined) throw failureOf(walk, question.attempted);
      try {
        return { value: await this.#askStep(step, question, o), source: step.source };
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
    let walk = startWalk();
    for (;;) {
      const group = mirrorsFrom(steps, walk.at);
      if (group.length === 0) throw failureOf(walk, question.attempted);
      const [alone] = group;
      const isAlone = alone !== undefined && group.length === 1;
      const outcomes = isAlone ? [await this.#outcomeOf(alone, question, o)] : await this.#askGroup(group, question, o);
      throwIfAborted(o.signal);
      const answers = outcomes.filter((one) => 'value' in one);
      if (answers.length > 0) return answers;
      for (const one of outcomes) if ('error' in one) walk = afterFailure(steps, walk, one.error);
    }
  }

  /** Every outcome when nobody answered; else the answers that came in time. */
  async #askGroup<T>(
    group: readonly PlanStep[],
    question: Consultation<T>,
    o: Ask,
  ): Promise<readonly (Answered<T> | { readonly error: AppError })[]> {
    const rest = new AbortController();
    const signal = AbortSignal.any([o.signal, rest.signal]);
    const settled: (Answered<T> | { readonly error: AppError })[] = [];
    const asked = group.map(async (step, i) => {
      settled[i] = await this.#outcomeOf(step, question, { signal });
      if ('error' in settled[i]) throw settled[i].error;
    });
    const all = Promise.allSettled(asked);
    await Promise.any(asked).then(
      () => within(this.#parts.clock, this.#parts.mirrorWaitMs, o.signal, all),
      () => undefined,
    );
    rest.abort(new AppError('ABORTED', `${question.attempted}: another mirror has answered`));
    return settled.filter((one) => one !== undefined);
  }

  async #outcomeOf<T>(
    step: PlanStep,
    question: Consultation<T>,
    o: Ask,
  ): Promise<Answered<T> | { readonly error: AppError }> {
    try {
      return { value: await this.#askStep(step, question, o), source: step.source };
    } catch (error) {
      return { error: toAppError(error, question.attempted) };
    }
  }

  async #askStep<T>(step: PlanStep, question: Consultation<T>, o: Ask): Promise<T> {
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
