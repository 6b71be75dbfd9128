import type { ModulePath } from '../gomod/module.ts';
import { impossiblePathReason } from '../gomod/vcs-paths.ts';
import { AppError } from '../std/errors.ts';
import type { RoutePlan } from './plan.ts';
import { NO_REQUEST, type RouteRequest } from './routes.ts';

/** What the gate says to one question. */
type Decision =
  | { readonly allowed: true; readonly plan: RoutePlan }
  | { readonly allowed: false; readonly error: AppError };

/** The only entry to policy: may this be asked, and of whom. Pure and synchronous; asked before any cache is looked at. */
export interface Gate {
  /** `request` is what was asked with; that of a question of our own is NO_REQUEST. */
  decide(module: ModulePath, request?: RouteRequest): Decision;
  /** Names of the headers by which requests take routes, for `Vary`; undefined when none does. */
  readonly varyBy?: string | undefined;
}

/** Where a module may be asked for when it is asked for with this request. */
export type PlanFor = (module: ModulePath, request: RouteRequest) => RoutePlan;

/**
 * A gate that lets every possible module through to the plan that `planFor` gives. Paths that no module can have (the go command asks
 * for each parent of a package path: `github.com`, `github.com/user`) are NOT_FOUND here, before anything is read or asked.
 */
export function createGate(planFor: PlanFor, varyBy?: string): Gate {
  return { decide: (module, request = NO_REQUEST) => decide(module, request, planFor), varyBy };
}

function decide(module: ModulePath, request: RouteRequest, planFor: PlanFor): Decision {
  const reason = impossiblePathReason(module);
  if (reason === undefined) return { allowed: true, plan: planFor(module, request) };
  return { allowed: false, error: new AppError('NOT_FOUND', `find module ${module}: ${reason}`) };
}
