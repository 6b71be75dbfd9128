import { matchesAnyPrefix, type ProxyEntry, parsePrefixPatterns } from '../gomod/goenv.ts';
import type { ModulePath } from '../gomod/module.ts';

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

/** Which part of the store the answers live in. `public` is the tree under DATA/download. */
export type Scope = 'public';

export interface RoutePlan {
  readonly scope: Scope;
  readonly steps: readonly PlanStep[];
}

/** What plans are made of. */
export interface PlanRules {
  /** A parsed GOPROXY list, with its implicit `noproxy` entry where GONOPROXY is set. */
  readonly entries: readonly ProxyEntry[];
  /** The name of the source an entry stands for. Never asked for `off`. */
  readonly nameOf: (entry: ProxyEntry) => string;
  /** GONOPROXY: the globs of modules that no proxy may be asked for. */
  readonly noProxy?: string;
}

/**
 * Returns what decides where each module may be asked for. A module that GONOPROXY matches goes to its own repository alone and its
 * name to no proxy, also when the list says `off`; for all others the implicit entry does not exist.
 */
export function createPlanner({ entries, nameOf, noProxy = '' }: PlanRules): (module: ModulePath) => RoutePlan {
  const nameOfStep = (entry: ProxyEntry): string => (entry.kind === 'off' ? OFF_STEP : nameOf(entry));
  const planOf = (chosen: readonly ProxyEntry[]): RoutePlan => ({
    scope: 'public',
    steps: chosen.map((entry) => ({ source: nameOfStep(entry), separator: entry.separator })),
  });
  const privately = planOf(entries.filter((entry) => entry.kind === 'noproxy'));
  const ordinary = planOf(entries.filter((entry) => entry.kind !== 'noproxy'));
  const patterns = parsePrefixPatterns(noProxy);
  return (module) => (privately.steps.length > 0 && matchesAnyPrefix(patterns, module) ? privately : ordinary);
}
