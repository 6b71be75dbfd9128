import { DEFAULT_ROUTE, type RoutePlan } from '../policy/plan.ts';

/** Names where what is fetched, what is not there and what changes is known for plans of one scope and route. No scope has a space in its name. */
export function spaceOf({ scope, route }: Pick<RoutePlan, 'scope' | 'route'>): string {
  return route === DEFAULT_ROUTE ? scope : `${scope} ${route}`;
}
