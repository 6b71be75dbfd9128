/**
 * Where a module may be asked for, in order. A plan names sources; the resolver knows which object has the name.
 */

/** What a failure of one step means: after `,` only "not here" goes on to the next step, after `|` every failure does. */
export type Separator = ',' | '|';

/** The name of the step that `off` in a list becomes: asking it always gives "not here". No source may have this name. */
export const OFF_STEP = 'off';

export interface PlanStep {
  /** Name of a source, or OFF_STEP. */
  readonly source: string;
  /** The separator that follows the entry in the GOPROXY list. */
  readonly then: Separator;
}

/** Which part of the store the answers live in. `public` is the tree under DATA/download. */
export type Scope = 'public';

export interface RoutePlan {
  readonly scope: Scope;
  readonly steps: readonly PlanStep[];
}
