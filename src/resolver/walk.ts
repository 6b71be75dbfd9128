import type { PlanStep } from '../policy/plan.ts';
import { AppError, isAppError } from '../std/errors.ts';

/**
 * The law of the GOPROXY list (spec: "GOPROXY list semantics"), as a state machine without effects. It is walked anew for every
 * question, so `.info` may come from the first source and `.zip` from the second.
 *
 * - success ends the walk;
 * - after `,` only "not here" (NOT_FOUND, GONE) goes on; after `|` every failure does;
 * - a failure of our own verifier (CHECKSUM_MISMATCH, ZIP_INVALID) goes on after either: the bytes are worthless whatever their
 *   source, and what the next source gives is verified on its own;
 * - a store of ours that cannot take the bytes ends the walk: the next source's would be as many; so does a checksum database that cannot tell what the bytes must
 *   be, or proves nothing: it would say the same of the next source's;
 * - what is reported in the end is the gravest failure met, so that an outage is never told as an absence.
 */
export interface Walk {
  /** The step whose turn it is; equals `steps.length` when the walk is over. */
  readonly at: number;
  /** The failure to report if nothing better comes. */
  readonly gravest?: AppError;
}

/** A walk that has asked nobody yet. */
export function startWalk(): Walk {
  return { at: 0 };
}

/** Whose turn it is; undefined when the walk is over. */
export function currentStep(steps: readonly PlanStep[], walk: Walk): PlanStep | undefined {
  return steps[walk.at];
}

/** The walk after the current step failed with `error`. */
export function afterFailure(steps: readonly PlanStep[], walk: Walk, error: AppError): Walk {
  const mayGoOn = steps[walk.at]?.separator === '|' || isNotHere(error) || isIntegrityFailure(error);
  const goesOn = mayGoOn && !isNoSourcesFault(error);
  return { at: goesOn ? walk.at + 1 : steps.length, gravest: graver(walk.gravest, error) };
}

/** What a walk that is over without success failed with. NOT_FOUND for a plan without steps: nobody is there to be asked. */
export function failureOf(walk: Walk, attempted: string): AppError {
  return walk.gravest ?? new AppError('NOT_FOUND', `${attempted}: no source is configured for it`);
}

/** What asking the `off` step gives: not-exist, by the law. */
export function offError(): AppError {
  return new AppError('NOT_FOUND', 'module lookup disabled by GOPROXY=off');
}

/** Whether a source answered with authority that it does not have the thing. */
export function isNotHere(error: AppError): boolean {
  return error.code === 'NOT_FOUND' || error.code === 'GONE';
}

/** Whether our own verifier refused the bytes. */
function isIntegrityFailure(error: AppError): boolean {
  return isAppError(error, 'CHECKSUM_MISMATCH', 'ZIP_INVALID');
}

/** Whether it is the fault of no source: our store failed, or whoever says what the bytes must be. */
function isNoSourcesFault(error: AppError): boolean {
  return isAppError(error, 'STORE_UNAVAILABLE', 'SUMDB_UNAVAILABLE', 'SUMDB_INCONSISTENT');
}

/**
 * The steps joined by `|` with step `at`, from it to the end of its group: `[at, end)`. Who writes `|` says that the entries stand
 * in for each other whatever happens, so they are mirrors of each other; a `,` neighbour is not, and must not learn a name that
 * the one before it knows.
 */
export function mirrorsFrom(steps: readonly PlanStep[], at: number): readonly PlanStep[] {
  let end = at;
  while (steps[end]?.separator === '|' && end + 1 < steps.length) end++;
  return steps.slice(at, end + 1);
}

/** The one to report: the higher rank, the later within a rank; a GONE is not forgotten because of a later NOT_FOUND. */
function graver(before: AppError | undefined, now: AppError): AppError {
  if (before === undefined || rank(now) > rank(before)) return now;
  if (rank(now) < rank(before)) return before;
  if (before.code === 'GONE' && now.code === 'NOT_FOUND') return new AppError('GONE', now.message, { cause: now });
  return now;
}

function rank(error: AppError): number {
  if (isIntegrityFailure(error)) return 2;
  return isNotHere(error) ? 0 : 1;
}
