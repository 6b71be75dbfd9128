/**
 * What a fake upstream answers under a special first path element, so that one server plays every proxy of the conformance data:
 * `http://HOST/mod/zip404/rsc.io/quote/@v/v1.5.2.zip`.
 */
import type { IncomingHttpHeaders } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Closes the connection after this many bytes of the body. */
  readonly cutAfter?: number;
}

type Ask = (target: string) => Answer;
type Special = (target: string, ask: Ask, headers: IncomingHttpHeaders) => Answer;

const TEXT = { 'content-type': 'text/plain; charset=utf-8' };
const HTML = { 'content-type': 'text/html; charset=utf-8' };

export function notFound(): Answer {
  return text(404, '404 page not found\n');
}

function text(status: number, body: string, headers: Readonly<Record<string, string>> = TEXT): Answer {
  return { status, headers, body: Buffer.from(body) };
}

/** A list as no careful proxy writes it: times, padding, carriage returns, blank lines, a pseudo-version and rubbish. */
const TIME_LIST =
  'v1.0.0 2018-02-14T00:44:00Z\n\n\tv1.2.0  \r\nv0.0.0-20180628003336-dd9747d19b04\nnot-a-version\n<br>\nv1.5.2 yesterday\n';
const PAGE = '<!DOCTYPE html>\n<html><body><h1>Please sign in</h1></body></html>\n';

const SPECIAL: Readonly<Record<string, Special>> = {
  invalid: () => text(200, 'invalid', TEXT),
  emptylist: (target, ask) => (target.endsWith('/@v/list') ? text(200, '') : ask(target)),
  latest500: (target, ask) => (target.endsWith('/@latest') ? text(500, 'no latest today\n') : ask(target)),
  timelist: (target, ask) => (target.endsWith('/@v/list') ? text(200, TIME_LIST) : ask(target)),
  htmllist: (target, ask) => (target.endsWith('/@v/list') ? text(200, PAGE, HTML) : ask(target)),
  plain404: () => text(404, 'policy says no: ask it@example.com\nsecond line\n'),
  html403: () => text(403, PAGE, HTML),
  html404: () => text(404, PAGE, HTML),
  auth: (target, ask, headers) =>
    headers.authorization === USER_PASS
      ? ask(target)
      : { ...text(401, ''), headers: { 'www-authenticate': 'Basic realm="fake"' } },
  badmod: (target, ask) => (target.endsWith('.mod') ? altered(ask(target), '// tampered\n') : ask(target)),
  badzip: (target, ask) => (target.endsWith('.zip') ? altered(ask(target), 'more') : ask(target)),
  notzip: (target, ask) => (target.endsWith('.zip') ? text(200, 'this is no zip') : ask(target)),
  htmlzip: (target, ask) => (target.endsWith('.zip') ? text(200, PAGE, HTML) : ask(target)),
  trunczip: (target, ask) => (target.endsWith('.zip') ? halved(ask(target)) : ask(target)),
  zip404: (target, ask) => (target.endsWith('.zip') ? notFound() : ask(target)),
  zip500: (target, ask) => (target.endsWith('.zip') ? text(500, '') : ask(target)),
  wronginfo: (target, ask) =>
    target.endsWith('.info') ? text(200, '{"Version":"v1.0.0","Time":"2018-02-14T00:44:00Z"}') : ask(target),
};

/** `user:pass` as Basic credentials. */
const USER_PASS = `Basic ${Buffer.from('user:pass').toString('base64')}`;

/** Also: `/NNN/` gives that status with an empty body, `/redirect/N/` redirects N times, `/sumdb-NNN/` gives that status for the checksum database only. */
export function answerPrefixed(target: string, headers: IncomingHttpHeaders, ask: Ask): Answer {
  const slash = target.indexOf('/');
  const first = target.slice(0, Math.max(slash, 0));
  const rest = target.slice(slash + 1);
  const status = /^(sumdb-)?([2-5][0-9][0-9])$/.exec(first);
  if (status !== null)
    return status[1] === undefined || rest.startsWith('sumdb/') ? text(Number(status[2]), '', {}) : ask(rest);
  if (first === 'redirect') return redirect(rest);
  const special = Object.hasOwn(SPECIAL, first) ? SPECIAL[first] : undefined;
  return special === undefined ? ask(target) : special(rest, ask, headers);
}

function redirect(rest: string): Answer {
  const slash = rest.indexOf('/');
  const left = Number(rest.slice(0, slash)) - 1;
  const onward = encodeURI(rest.slice(slash + 1));
  return text(302, '', { location: left >= 1 ? `/mod/redirect/${left}/${onward}` : `/mod/${onward}` });
}

function halved(answer: Answer): Answer {
  return answer.status === 200 ? { ...answer, cutAfter: answer.body.length >> 1 } : answer;
}

function altered(answer: Answer, more: string): Answer {
  return answer.status === 200 ? { ...answer, body: Buffer.concat([answer.body, Buffer.from(more)]) } : answer;
}

const BY_NAME: Readonly<Record<string, string>> = {
  '200': '',
  proxy: '',
  'bad json (200, body invalid)': '/invalid',
  'wrong version in .info': '/wronginfo',
  'truncated zip': '/trunczip',
  'not a zip': '/notzip',
  'zip 404': '/zip404',
  'zip 500': '/zip500',
  'html 404': '/html404',
  '301 without Location': '/301',
};

/** The GOPROXY entry for a place that goproxy/fallback_matrix.json names (`404`, `redirect x5`, `refused`, `off`, ...), played by the fake upstream at `base`. */
export function entryNamed(name: string, base: string): string {
  if (name === 'direct' || name === 'off') return name;
  if (name === 'refused') return 'http://127.0.0.1:9';
  const redirects = /^redirect x(\d+)$/.exec(name)?.[1];
  if (redirects !== undefined) return `${base}/redirect/${redirects}`;
  const path = BY_NAME[name] ?? (/^\d{3}$/.test(name) ? `/${name}` : undefined);
  if (path === undefined) throw new Error(`no such place: ${name}`);
  return base + path;
}
