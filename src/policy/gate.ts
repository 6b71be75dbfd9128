import type { ModulePath } from '../gomod/module.ts';
import { impossiblePathReason } from '../gomod/vcs-paths.ts';
import { AppError } from '../std/errors.ts';
import type { RoutePlan } from './plan.ts';

/** What the gate says to one question. */
type Decision =
  | { readonly allowed: true; readonly plan: RoutePlan }
  | { readonly allowed: false; readonly error: AppError };

/** The only entry to policy: may this be asked, and of whom. Pure and synchronous; asked before any cache is looked at. */
export interface Gate {
  decide(module: ModulePath): Decision;
}

/**
 * A gate that lets every possible module through to the plan that `planFor` gives. Paths that no module can have (the go command asks
 * for each parent of a package path: `github.com`, `github.com/user`) are NOT_FOUND here, before anything is read or asked.
 */
export function createGate(planFor: (module: ModulePath) => RoutePlan): Gate {
  return { decide: (module) => decide(module, planFor) };
}

function decide(module: ModulePath, planFor: (module: ModulePath) => RoutePlan): Decision {
  const reason = impossiblePathReason(module);
  if (reason === undefined) return { allowed: true, plan: planFor(module) };
  return { allowed: false, error: new AppError('NOT_FOUND', `find module ${module}: ${reason}`) };
}
