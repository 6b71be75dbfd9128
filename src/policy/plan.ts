import type { ProxyEntry } from '../gomod/goenv.ts';
import type { ModulePath } from '../gomod/module.ts';
import type { Privacy } from './private.ts';

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

export interface RoutePlan {
  readonly scope: Scope;
  readonly steps: readonly PlanStep[];
}

/** What plans are made of. */
export interface PlanRules {
  /** A parsed GOPROXY list. */
  readonly entries: readonly ProxyEntry[];
  /** The name of the source an entry stands for. Never asked for `off`. */
  readonly nameOf: (entry: ProxyEntry) => string;
  /** The name of the source that fetches from a module's own repository; it is there also when the list has no `direct`. */
  readonly repositories: string;
  readonly privacy: Pick<Privacy, 'isPrivate' | 'mayTellProxy'>;
  /** Whether the operator names the repository of the module: then it is asked for nowhere else. */
  readonly isAliased?: (module: ModulePath) => boolean;
}

/**
 * Returns what decides where each module may be asked for. A private module goes to its own repository alone, and so does one that GONOPROXY matches or that has an
 * alias, which is public all the same; this holds also when the list says `off`. All others walk the list.
 */
export function createPlanner(rules: PlanRules): (module: ModulePath) => RoutePlan {
  const { entries, nameOf, repositories, privacy, isAliased = () => false } = rules;
  const nameOfStep = (entry: ProxyEntry): string => (entry.kind === 'off' ? OFF_STEP : nameOf(entry));
  const itself: readonly PlanStep[] = [{ source: repositories, separator: ',' }];
  const listed = entries.map((entry): PlanStep => ({ source: nameOfStep(entry), separator: entry.separator }));
  const privately: RoutePlan = { scope: 'private', steps: itself };
  const directly: RoutePlan = { scope: 'public', steps: itself };
  const ordinary: RoutePlan = { scope: 'public', steps: listed };
  return (module) => {
    if (privacy.isPrivate(module)) return privately;
    return privacy.mayTellProxy(module) && !isAliased(module) ? ordinary : directly;
  };
}
