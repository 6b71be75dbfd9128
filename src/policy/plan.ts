import type { ModulePath } from '../gomod/module.ts';
import type { Privacy } from './private.ts';
import type { UpstreamEntry } from './upstream-list.ts';

/**
 * Where a module may be asked for, in order. A plan names sources; the resolver knows which object has the name.
 */

/** What a failure of one step means: after `,` only "not here" goes on to the next step, after `|` every failure does. */
type Separator = ',' | '|';

/** The name of the step that `off` in a list becomes: asking it always gives "not here". No source may have this name. */
export const OFF_STEP = 'off';

export interface PlanStep {
  /** Name of a source, or OFF_STEP. */
  readonly source: string;
  /** The separator that follows the entry in the GOPROXY list. */
  readonly separator: Separator;
}

/**
 * Which part of the store, of the registers and of the memory the answers live in. `public` is the tree under DATA/download; what is `private` is never seen there.
 */
export type Scope = 'public' | 'private';

/** The part of the store that the module lives in. */
export function scopeOf({ isPrivate }: Pick<Privacy, 'isPrivate'>, module: ModulePath): Scope {
  return isPrivate(module) ? 'private' : 'public';
}

/** The level of the ladder that bundles are of: folders of this machine, so that asking one tells nobody. */
const BUNDLES = 3;

/** One source that is asked when the whole list failed in another way than by "not here", and what level of the ladder its answer is of. */
export interface Rung {
  readonly level: 2 | 3 | 4;
  /** Name of a source. */
  readonly source: string;
}

/** The name of the route of whatever no other route matches, and of all that is private. */
export const DEFAULT_ROUTE = 'default';

export interface RoutePlan {
  readonly scope: Scope;
  /** Name of the route: what is fetched for one, what was not there and what changes is never told to another; verified files are of all. */
  readonly route: string;
  readonly steps: readonly PlanStep[];
  /** Asked in this order after the steps. */
  readonly rungs: readonly Rung[];
}

/** What plans are made of. */
export interface PlanRules {
  /** A parsed chain. */
  readonly entries: readonly UpstreamEntry[];
  /** The name of the source, or of the pool, that an entry stands for. Never asked for `off`. */
  readonly nameOf: (entry: UpstreamEntry) => string;
  /** The name of the source that fetches from a module's own repository; it is there also when the list has no `direct`. */
  readonly repositories: string;
  readonly privacy: Pick<Privacy, 'isPrivate' | 'mayTellProxy'>;
  /** Whether the operator names the repository of the module: then it is asked for nowhere else. */
  readonly isAliased?: (module: ModulePath) => boolean;
  /** Default DEFAULT_ROUTE. */
  readonly route?: string;
  /** What is asked after the list. Default nothing. */
  readonly rungs?: readonly Rung[];
}

/**
 * Returns what decides where each module may be asked for. A private module goes to its own repository alone, and so does one that GONOPROXY matches or that has an
 * alias, which is public all the same; this holds also when the list says `off`. While that is out, bundles may have it, and nobody else is asked. All others walk the list.
 */
export function createPlanner(rules: PlanRules): (module: ModulePath) => RoutePlan {
  const { entries, nameOf, repositories, privacy, isAliased = () => false } = rules;
  const { route = DEFAULT_ROUTE, rungs = [] } = rules;
  const itself: readonly PlanStep[] = [{ source: repositories, separator: ',' }];
  const listed = stepsOf(entries, nameOf);
  const ofDefault = { route: DEFAULT_ROUTE, rungs: rungs.filter(({ level }) => level === BUNDLES) };
  const privately: RoutePlan = { ...ofDefault, scope: 'private', steps: itself };
  const directly: RoutePlan = { ...ofDefault, scope: 'public', steps: itself };
  const ordinary: RoutePlan = { scope: 'public', route, steps: listed, rungs };
  return (module) => {
    if (privacy.isPrivate(module)) return privately;
    return privacy.mayTellProxy(module) && !isAliased(module) ? ordinary : directly;
  };
}

/** The steps that the entries of a chain are. `nameOf` is never asked for `off`. */
export function stepsOf(
  entries: readonly UpstreamEntry[],
  nameOf: (entry: UpstreamEntry) => string,
): readonly PlanStep[] {
  return entries.map((entry) => ({
    source: entry.kind === 'off' ? OFF_STEP : nameOf(entry),
    separator: entry.separator,
  }));
}
