import type { ModulePath } from '../gomod/module.ts';
import type { AppError } from '../std/errors.ts';
import type { RoutePlan } from './plan.ts';

/** What the gate says to one question. */
export type Decision = { readonly allowed: true; readonly plan: RoutePlan } | { readonly allowed: false; readonly error: AppError };

/** The only entry to policy: may this be asked, and of whom. Pure and synchronous; asked before any cache is looked at. */
export interface Gate {
  decide(module: ModulePath): Decision;
}
