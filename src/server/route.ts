import { type ProxyRequest, parseRequestPath } from '../gomod/protocol.ts';
import { type AppError, toAppError } from '../std/errors.ts';

/** What a request target means here. */
export type Route =
  /** A question of the GOPROXY protocol; `storedOnly` when it came under `/cached-only`. */
  | { readonly to: 'proxy'; readonly request: ProxyRequest; readonly storedOnly: boolean }
  | { readonly to: 'livez' | 'startupz' | 'readyz' | 'healthz' | 'deep-health' | 'metrics' | 'status' | 'about' }
  | { readonly to: 'nowhere'; readonly error: AppError };

const CACHED_ONLY = '/cached-only';

const ownPages: ReadonlyMap<string, Route> = new Map([
  ['/', { to: 'about' }],
  ['/livez', { to: 'livez' }],
  ['/startupz', { to: 'startupz' }],
  ['/readyz', { to: 'readyz' }],
  ['/healthz', { to: 'healthz' }],
  ['/healthz/deep', { to: 'deep-health' }],
  ['/metrics', { to: 'metrics' }],
  ['/status', { to: 'status' }],
]);

/** The target without its query string: no question here has parameters, and a base URL may carry some. */
export function withoutQuery(rawTarget: string): string {
  const mark = rawTarget.indexOf('?');
  return mark < 0 ? rawTarget : rawTarget.slice(0, mark);
}

/**
 * Where `path` (a raw target in origin form, without query, attacker-controlled) leads. Own pages are matched exactly and as
 * they are on the wire: no module path starts so, for its first element needs a dot.
 */
export function routeOf(path: string): Route {
  const page = ownPages.get(path);
  if (page !== undefined) return page;
  const storedOnly = path.startsWith(`${CACHED_ONLY}/`);
  try {
    return { to: 'proxy', request: parseRequestPath(storedOnly ? path.slice(CACHED_ONLY.length) : path), storedOnly };
  } catch (error) {
    return { to: 'nowhere', error: toAppError(error, 'route request') };
  }
}
