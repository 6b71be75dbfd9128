import type { PlanStep } from '../policy/plan.ts';
import { AppError, isAppError } from '../std/errors.ts';
import { graver, gravityOf, isWordOfSome } from '../std/graver.ts';

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
  /** The failure of the step before. */
  readonly last?: AppError;
  /** Whether somebody said no. */
  readonly isRefused?: boolean;
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
  return {
    at: goesOn ? walk.at + 1 : steps.length,
    gravest: graver(walk.gravest, error),
    last: error,
    isRefused: walk.isRefused === true || isRefusal(error),
  };
}

/** What a walk that is over without success failed with. NOT_FOUND for a plan without steps: nobody is there to be asked. */
export function failureOf(walk: Walk, attempted: string): AppError {
  return walk.gravest ?? new AppError('NOT_FOUND', `${attempted}: no source is configured for it`);
}

/**
 * Whether the walk, which is over, came to nothing because sources were out of reach or sent what cannot be used: then the rungs of the ladder are asked. Who said "not
 * here", or no, has answered, whoever was asked before or after; and what is no source's fault no other source mends.
 */
export function mayClimb(walk: Walk): boolean {
  return walk.gravest !== undefined && isOutage(walk.gravest) && walk.isRefused !== true && mayRepeat(walk);
}

/** Whether the same walk may come to something else once sources that were out are back. */
export function mayRepeat({ last }: Walk): boolean {
  return last !== undefined && !isNoSourcesFault(last);
}

/** Whether a source could not be had, or gave bytes that are worthless. */
export function isOutage(error: AppError): boolean {
  return (
    isIntegrityFailure(error) ||
    isAppError(error, 'UPSTREAM_UNAVAILABLE', 'UPSTREAM_TIMEOUT', 'UPSTREAM_BAD_RESPONSE', 'OFFLINE')
  );
}

/** Whether `error` is of the kind that is often over a moment later. */
export function mayPass(error: AppError): boolean {
  return isAppError(error, 'UPSTREAM_UNAVAILABLE', 'UPSTREAM_TIMEOUT');
}

/** Whether it says that nobody knows the name of the host, which is an answer. */
export function isUnknownHost(error: AppError): boolean {
  return error.detail['noSuchHost'] !== undefined;
}

/** What to report when the walk failed with `outage` and a rung with `error`: the outage, unless somebody sent wrong bytes. That a rung has not got it unsays no outage. */
export function afterRung(outage: AppError, error: AppError): AppError {
  return gravityOf(error) > gravityOf(outage) ? error : outage;
}

/** What asking the `off` step gives: not-exist, by the law. */
export function offError(): AppError {
  return new AppError('NOT_FOUND', 'module lookup disabled by GOPROXY=off');
}

/** Whether a source answered with authority that it does not have the thing. */
export function isNotHere(error: AppError): boolean {
  return error.code === 'NOT_FOUND' || error.code === 'GONE';
}

/** The same, and all said so who could have it: it ends what was known, and may be remembered for long. */
export function isNowhere(error: AppError): boolean {
  return isNotHere(error) && !isWordOfSome(error);
}

/** Whether a source answered with authority that it will not give the thing. */
function isRefusal(error: AppError): boolean {
  return isAppError(error, 'POLICY_DENIED', 'AUTH_REQUIRED');
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
