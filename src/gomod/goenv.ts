/** Values of Go's environment variables that say where modules come from: GOPROXY lists, and the glob lists of GOPRIVATE and its kin. */
import { AppError } from '../std/errors.ts';
import { trimSpace } from './go-text.ts';
import { matchesPattern, type PathPattern, parsePattern } from './path-match.ts';
import { shown } from './shown.ts';
import { proxyUrlFault, withoutUserinfo } from './url-syntax.ts';

/** One entry of a GOPROXY list, in Go's reading of it. */
export type ProxyEntry = ProxyUrl | ProxyWord;

/** A proxy: an `https`, `http` or `file` URL. */
export interface ProxyUrl {
  readonly kind: 'proxy';
  /** As written, with `https://` put in front where it was left out. May hold userinfo: a secret. */
  readonly url: string;
  /** What follows the entry: after `,` only "not here" goes on to the next one, after `|` every failure does. */
  readonly separator: ',' | '|';
}

/** `direct` = the module's own repository; `off` = nothing further is asked; `noproxy` = modules that match GONOPROXY, from their own repository. */
export interface ProxyWord {
  readonly kind: 'direct' | 'off' | 'noproxy';
  readonly separator: ',';
}

/**
 * The entries of a GOPROXY value; `direct` and `off` end the list. With a `gonoproxy` (a glob list) an implicit `noproxy` entry comes first,
 * unless the value is exactly `direct`. Throws CONFIG_INVALID naming the entry when one is no proxy URL, or when there is none at all.
 */
export function parseProxyList(goproxy: string, gonoproxy = ''): ProxyEntry[] {
  const entries: ProxyEntry[] = [];
  for (const [entry, separator] of proxyListTexts(goproxy)) {
    if (entry === 'off' || entry === 'direct') {
      entries.push({ kind: entry, separator: ',' });
      break;
    }
    entries.push({ kind: 'proxy', url: checkedProxyUrl(withScheme(entry)), separator });
  }
  if (entries.length === 0)
    throw new AppError('CONFIG_INVALID', `parse GOPROXY ${shown(goproxy)}: contains no entries`);
  const asksDirectlyFirst = gonoproxy !== '' && goproxy !== 'direct';
  return asksDirectlyFirst ? [{ kind: 'noproxy', separator: ',' }, ...entries] : entries;
}

/** The texts between the separators of a GOPROXY value that are not empty, trimmed, each with the separator right after it. */
export function* proxyListTexts(list: string): Generator<[entry: string, separator: ',' | '|']> {
  for (let start = 0; start <= list.length; ) {
    let end = start;
    while (end < list.length && list[end] !== ',' && list[end] !== '|') end++;
    const entry = trimSpace(list.slice(start, end));
    if (entry !== '') yield [entry, list[end] === '|' ? '|' : ','];
    start = end + 1;
  }
}

/** Bare words are kept for keywords, and what has `:/` or is an absolute path must be a whole URL; the rest is a host to be asked over https. */
function withScheme(entry: string): string {
  return /[.:/]/.test(entry) && !entry.includes(':/') && !entry.startsWith('/') ? `https://${entry}` : entry;
}

function checkedProxyUrl(url: string): string {
  const fault = proxyUrlFault(url);
  if (fault !== undefined)
    throw new AppError('CONFIG_INVALID', `parse GOPROXY entry ${shown(withoutUserinfo(url))}: ${fault}`);
  return url;
}

/** One glob of a list, to be matched against as many leading path elements as it has itself. */
export interface PrefixPattern {
  readonly elements: number;
  readonly steps: PathPattern;
}

/** The globs of a comma-separated list such as GOPRIVATE. Empty and malformed ones match nothing and are left out; spaces count. */
export function parsePrefixPatterns(globs: string): PrefixPattern[] {
  return globs.split(',').flatMap((text) => {
    const glob = text.endsWith('/') ? text.slice(0, -1) : text;
    const steps = glob === '' ? undefined : parsePattern(glob);
    return steps === undefined ? [] : [{ elements: glob.split('/').length, steps }];
  });
}

/** Whether one of `patterns` matches a leading part of `target`, a module path. */
export function matchesAnyPrefix(patterns: readonly PrefixPattern[], target: string): boolean {
  return patterns.some(({ elements, steps }) => {
    const prefix = leadingElements(target, elements);
    return prefix !== undefined && matchesPattern(steps, prefix);
  });
}

/** The same for a list that is not kept: `matchPrefixPatterns('*.corp.example,github.com/org', path)`. */
export function matchPrefixPatterns(globs: string, target: string): boolean {
  return matchesAnyPrefix(parsePrefixPatterns(globs), target);
}

/** The first `count` elements of `path`, or undefined when it has fewer. */
function leadingElements(path: string, count: number): string | undefined {
  let end = -1;
  for (let i = 0; i < count; i++) {
    if (i > 0 && end === path.length) return undefined;
    const slash = path.indexOf('/', end + 1);
    end = slash < 0 ? path.length : slash;
  }
  return path.slice(0, end);
}
