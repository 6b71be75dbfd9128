import { shown } from './shown.ts';

/**
 * Proxy URLs as Go's URL parser takes them: stricter about characters than `new URL`, and without its repairs (`https:/x` keeps an empty host).
 * Exact for http, https and file URLs, so that a configured value is accepted here when the go command accepts it.
 */

/** Why `text` is no URL of a proxy, or undefined when it is one. Attacker-controlled or an operator's; linear in its length. */
export function proxyUrlFault(text: string): string | undefined {
  if (hasControlCharacter(text)) return 'contains a control character';
  const { before: url, after: fragment = '' } = cut(text, '#');
  const { before, after: query } = cut(url, '?');
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(before)?.[1]?.toLowerCase();
  if (scheme === undefined) return 'missing scheme';
  const rest = before.slice(scheme.length + 1);
  if (hasBadEscape(fragment)) return 'invalid escape in the fragment';
  if (scheme === 'file')
    return isPlainFile(rest, query, fragment) ? pathFault(rest) : 'a file URL may have nothing but a path';
  return scheme === 'http' || scheme === 'https'
    ? hierarchyFault(rest)
    : `scheme ${shown(scheme)} is not https, http or file`;
}

/** The scheme of `text` in lower case, or why it is no URL at all, as Go's parser has it: any scheme, also forms such as `mailto:x`. Attacker-controlled; linear in its length. */
export function schemeOfUrl(text: string): { readonly scheme: string } | { readonly fault: string } {
  const { before: url, after: fragment = '' } = cut(text, '#');
  if (hasControlCharacter(url)) return { fault: 'contains a control character' };
  if (hasBadEscape(fragment)) return { fault: 'invalid escape in the fragment' };
  if (url.startsWith(':')) return { fault: 'missing scheme' };
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(url)?.[1]?.toLowerCase();
  const rest = cut(scheme === undefined ? url : url.slice(scheme.length + 1), '?').before;
  const fault = scheme === undefined ? relativeFault(rest) : hierarchyFault(rest, /^https?$/.test(scheme));
  return fault === undefined ? { scheme: scheme ?? '' } : { fault };
}

/** What has no scheme is a path, or `//host/path`; `user@host:path` is neither. */
function relativeFault(rest: string): string | undefined {
  if (rest.startsWith('/')) return rest.startsWith('///') ? pathFault(rest) : hierarchyFault(rest, false);
  return cut(rest, '/').before.includes(':') ? 'the first path element contains a colon' : pathFault(rest);
}

/** `file:///path`, or nothing after `file:`; even `file:/path` is not taken. */
function isPlainFile(rest: string, query: string | undefined, fragment: string): boolean {
  return (rest.startsWith('///') || rest === '//' || rest === '') && query === undefined && fragment === '';
}

/** What follows the scheme; without a leading slash it is opaque and may be anything. `isWeb`: only http and https hosts may not hold colons. */
function hierarchyFault(rest: string, isWeb = true): string | undefined {
  if (!rest.startsWith('//')) return rest.startsWith('/') ? pathFault(rest) : undefined;
  const authority = cut(rest.slice(2), '/').before;
  return authorityFault(authority, isWeb) ?? pathFault(rest.slice(2 + authority.length));
}

function pathFault(path: string): string | undefined {
  return hasBadEscape(path) ? 'invalid escape in the path' : undefined;
}

function hasControlCharacter(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) < 0x20 || text.charCodeAt(i) === 0x7f) return true;
  return false;
}

/** `url` without what stands before the last `@`, to be shown: rather too much is left out than a part of a password shown. */
export function withoutUserinfo(url: string): string {
  const start = url.indexOf('//') + 2;
  const at = url.lastIndexOf('@');
  return start >= 2 && at >= start ? url.slice(0, start) + url.slice(at + 1) : url;
}

function cut(text: string, separator: string): { readonly before: string; readonly after?: string } {
  const at = text.indexOf(separator);
  return at < 0 ? { before: text } : { before: text.slice(0, at), after: text.slice(at + 1) };
}

const USERINFO = /^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/;
/** Every byte of a host that is not ASCII is allowed; `%` is looked at apart. */
const HOST = /^[A-Za-z0-9\-_.~!$&'()*+,;=:[\]<>"%\u0080-\uffff]*$/;
function authorityFault(authority: string, isWeb: boolean): string | undefined {
  const at = authority.lastIndexOf('@');
  const userinfo = authority.slice(0, Math.max(at, 0));
  if (!USERINFO.test(userinfo) || hasBadEscape(userinfo)) return 'invalid userinfo';
  const host = authority.slice(at + 1);
  if (!HOST.test(host)) return 'invalid character in host name';
  if (hasBadHostEscape(host)) return 'invalid escape in host name';
  return host.includes('[') ? bracketFault(host) : portFault(host, isWeb);
}

function portFault(host: string, isWeb: boolean): string | undefined {
  const colon = host.lastIndexOf(':');
  if (colon < 0) return undefined;
  if (isWeb && host.indexOf(':') < colon) return 'more than one colon in host name';
  return /^\d*$/.test(host.slice(colon + 1)) ? undefined : 'invalid port';
}

/** `[IPv6 address]`, perhaps with a zone after `%25` and a port. */
function bracketFault(host: string): string | undefined {
  const parts = /^\[([^\]%]*)(%25[^\]]+)?\]((?::\d*)?)$/.exec(host);
  return parts !== null && URL.canParse(`http://[${parts[1]}]/`) ? undefined : 'invalid host in brackets';
}

const ESCAPE = /%(?:[0-9A-Fa-f]{2})?/g;

/** Every `%` with the two digits after it, or alone where they are missing. */
function escapesOf(text: string): readonly string[] {
  return text.match(ESCAPE) ?? [];
}

/** Whether a `%` is not followed by two hexadecimal digits. */
function hasBadEscape(text: string): boolean {
  return escapesOf(text).some((escape) => escape === '%');
}

/** In a host only `%` itself and bytes beyond ASCII may be escaped. */
function hasBadHostEscape(host: string): boolean {
  return escapesOf(host).some((escape) => !/^%(?:25|[89A-Fa-f])/.test(escape));
}

/** A part of a URL with its escapes decoded. What is no escape of UTF-8 stays as it is: attackers write such ones. */
export function decodedEscapes(part: string): string {
  return part.replace(/(?:%[0-9A-Fa-f]{2})+/g, (escapes) => {
    try {
      return decodeURIComponent(escapes);
    } catch {
      return escapes;
    }
  });
}
