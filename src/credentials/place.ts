/** Where a credential may go: one origin, and the paths at and below one path of it. Plain data and pure rules. */

/** Exactly what a URL is compared with. */
export interface Place {
  readonly scheme: 'https' | 'http' | 'ssh';
  /** Lower case, without brackets removed and without a port. */
  readonly host: string;
  /** Always there: 443, 80 or 22 where none is written. */
  readonly port: number;
  /** Begins with `/` and does not end with one, unless it is `/`. */
  readonly path: string;
}

const PORTS = { 'https:': 443, 'http:': 80, 'ssh:': 22 } as const;

/** The place that `url` names by its scheme, host, port and path; undefined for other schemes and for a URL without a host. */
export function placeOf(url: URL): Place | undefined {
  const { protocol } = url;
  if (protocol !== 'https:' && protocol !== 'http:' && protocol !== 'ssh:') return undefined;
  if (url.hostname === '') return undefined;
  const scheme = protocol.slice(0, -1) as Place['scheme'];
  const port = url.port === '' ? PORTS[protocol] : Number(url.port);
  // URLs of schemes that browsers do not know keep their capitals.
  return { scheme, host: url.hostname.toLowerCase(), port, path: withoutSlash(url.pathname) };
}

/** Why `text` cannot name a place, or undefined when it does. An operator's; no part of it is repeated, for it may hold a password. */
export function placeFault(text: string): string | undefined {
  const url = /^[a-z]+:\/\//i.test(text) ? URL.parse(text) : null;
  const place = url === null ? undefined : placeOf(url);
  if (url === null || place === undefined)
    return 'must be an https:// or ssh:// URL with a host (http:// sends in the open)';
  if (url.username !== '' || url.password !== '' || /^[^/]*\/\/[^/]*@/.test(text))
    return 'must have no user name or password in it: they have keys of their own';
  if (/[?#]/.test(text)) return 'must have no query and no fragment';
  if (/[\\*\s]/.test(text)) return 'must be one URL: no blanks, backslashes or patterns';
  return pathFault(text, place);
}

/** Dots that were resolved, doubled and hidden slashes would mean another place than the one that is read. */
function pathFault(text: string, { path }: Place): string | undefined {
  const written = withoutSlash(/^[^/]*\/\/[^/]*(.*)$/s.exec(text)?.[1] ?? '');
  const isPlain = !path.includes('//') && !hidesSlash(path) && !hidesControl(path);
  if (written === path && isPlain) return undefined;
  return 'must have a plain path: percent-encoded, without `..`, `.`, doubled or encoded slashes and control characters';
}

/**
 * The part of the path of `to` that `from` stands for when `to` is at or below it, else undefined. It ends at an element; what names a
 * repository covers it with the ending `.git` as well.
 */
export function coveredPath(from: Place, to: Place): string | undefined {
  if (from.scheme !== to.scheme || from.host !== to.host || from.port !== to.port) return undefined;
  if (from.path === '/') return '/';
  // The other side may read `/team/x%2f..%2f..%2fother` as `/other`.
  if (hidesSlash(to.path)) return undefined;
  return [from.path, `${from.path}.git`].find((path) => to.path === path || to.path.startsWith(`${path}/`));
}

/** `https://git.corp.example:8443/team`, as a row would name it. */
export function placeText({ scheme, host, port, path }: Place): string {
  return `${scheme}://${host}${port === PORTS[`${scheme}:`] ? '' : `:${port}`}${path === '/' ? '' : path}`;
}

/** Whether `text` has a control character behind a percent sign: who decodes it may see two lines. */
export function hidesControl(text: string): boolean {
  return /%(?:[01][0-9a-f]|7f)/i.test(text);
}

function hidesSlash(path: string): boolean {
  return /%(?:2f|5c)/i.test(path);
}

function withoutSlash(path: string): string {
  return path.replace(/\/$/, '') || '/';
}
