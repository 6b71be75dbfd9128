import { AppError } from '../../std/errors.ts';

/** More than any git host uses. */
export const MAX_HOPS = 5;
/** What git puts behind the URL of a repository in its first question; the second form where that URL has a query. */
const TAIL = /\/info\/refs[?&]service=git-upload-pack$/;

/** The first question about the repository at `base`, put together as git does. */
export function advertisementUrl(base: string): URL {
  return new URL(`${folderOf(base)}info/refs${base.includes('?') ? '&' : '?'}service=git-upload-pack`);
}

function folderOf(base: string): string {
  return base.endsWith('/') ? base : `${base}/`;
}

/** Where its objects are asked for. */
export function resultUrl(base: string): URL {
  return new URL(`${folderOf(base)}git-upload-pack`);
}

/** The repository that the first question was answered for, in the end; throws UPSTREAM_BAD_RESPONSE when that is no repository. */
export function baseOf(url: URL, attempt: string): string {
  if (TAIL.test(url.href)) return url.href.replace(TAIL, '');
  throw new AppError(
    'UPSTREAM_BAD_RESPONSE',
    `${attempt}: redirected to ${url.origin}, to a place that is no repository; it may be a page for logging in`,
  );
}

/** The next hop of a redirect. Never from https to http, and over http only within one origin. Throws UPSTREAM_BAD_RESPONSE. */
export function nextHop(location: string, from: URL, attempt: string): URL {
  const to = URL.parse(location, from.href);
  if (to === null || !/^https?:$/.test(to.protocol))
    throw new AppError('UPSTREAM_BAD_RESPONSE', `${attempt}: redirected to something that is not http or https`);
  if (to.protocol === 'http:' && to.origin !== from.origin)
    throw new AppError('UPSTREAM_BAD_RESPONSE', `${attempt}: redirect to plain http at another place refused`);
  to.username = to.password = to.hash = '';
  return to;
}
