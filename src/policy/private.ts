import { matchesAnyPrefix, parsePrefixPatterns, type PrefixPattern } from '../gomod/goenv.ts';
import type { ModulePath } from '../gomod/module.ts';
import { TOOLCHAIN_MODULE } from '../gomod/version.ts';

/** Comma-separated globs of path prefixes, as the operator wrote them. */
export interface PrivacyRules {
  readonly private: string;
  /** As GONOPROXY. */
  readonly noProxy: string;
  /** As GONOSUMDB. */
  readonly noSumdb: string;
}

/** The glob, or the two, that make a module private. */
export type PrivateBy =
  | { readonly key: 'private'; readonly pattern: string }
  | { readonly key: 'noProxy, noSumdb'; readonly pattern: string };

/** Whose names may go where: THE place that decides it, from the path alone, before any cache or network. */
export interface Privacy {
  /** Why the module is private: it comes from its own repository and nobody else hears its name. Undefined when it is public. Never one for golang.org/toolchain, which no repository has. */
  readonly privateBy: (module: ModulePath) => PrivateBy | undefined;
  readonly isPrivate: (module: ModulePath) => boolean;
  /** Whether upstreams may be asked for it. */
  readonly mayTellProxy: (module: ModulePath) => boolean;
  /** Whether checksum databases of others may be asked about it. */
  readonly mayTellDatabase: (module: ModulePath) => boolean;
  /** The same two as lists in the form of GONOPROXY and GONOSUMDB, for parts that take those. What `private` matches is in both. */
  readonly noProxy: string;
  readonly noSumdb: string;
}

/**
 * A module is private when `private` matches it, or when `noProxy` and `noSumdb` both do: that is how the go command says it with two variables. Unlike there, case does not
 * count, because the large hosts give `github.com/ACME/secret` for `github.com/acme/secret`; and a path that leads to what a glob with a plain host names is private too,
 * because the go command asks for every leading part of what it looks for.
 */
export function createPrivacy(rules: PrivacyRules): Privacy {
  const [noProxy, noSumdb] = [rules.noProxy, rules.noSumdb].map((globs) => matcherOf(globs, 'exactly')) as [
    Matcher,
    Matcher,
  ];
  const [own, proxied, proven] = [rules.private, rules.noProxy, rules.noSumdb].map((globs) =>
    matcherOf(globs, 'widely'),
  ) as [Matcher, Matcher, Matcher];
  const privateBy = (module: ModulePath): PrivateBy | undefined => {
    if (module === TOOLCHAIN_MODULE) return undefined;
    const pattern = own(module);
    if (pattern !== undefined) return { key: 'private', pattern };
    const [proxy, sumdb] = [proxied(module), proven(module)];
    if (proxy === undefined || sumdb === undefined) return undefined;
    return { key: 'noProxy, noSumdb', pattern: proxy === sumdb ? proxy : `${proxy}, ${sumdb}` };
  };
  return {
    privateBy,
    isPrivate: (module) => privateBy(module) !== undefined,
    mayTellProxy: (module) => noProxy(module) === undefined && privateBy(module) === undefined,
    mayTellDatabase: (module) =>
      module === TOOLCHAIN_MODULE || (noSumdb(module) === undefined && privateBy(module) === undefined),
    noProxy: joined(rules.private, rules.noProxy),
    noSumdb: joined(rules.private, rules.noSumdb),
  };
}

type Matcher = (module: ModulePath) => string | undefined;

/** The first glob of the list that matches. */
function matcherOf(globs: string, how: 'exactly' | 'widely'): Matcher {
  const isWide = how === 'widely';
  const spelled = (text: string): string => (isWide ? text.toLowerCase() : text);
  const all = globs.split(',').map((pattern) => {
    const parsed = parsePrefixPatterns(spelled(pattern));
    return { pattern, parsed, leading: isWide && parsed.length > 0 ? leadingTo(spelled(pattern)) : [] };
  });
  return (module) => {
    const path = spelled(module);
    const { length } = path.split('/');
    const found = all.find(
      ({ parsed, leading }) => matchesAnyPrefix(parsed, path) || matchesAnyPrefix(leading[length - 1] ?? [], path),
    );
    return found?.pattern;
  };
}

/** What matches the first one, two, ... elements of what `glob` matches; nothing where its host is a pattern, which would make strangers private. */
function leadingTo(glob: string): readonly (readonly PrefixPattern[])[] {
  const elements = glob.replace(/\/$/, '').split('/');
  if (/[*?[\\]/.test(elements[0] ?? '')) return [];
  return elements.slice(1).map((_, index) => parsePrefixPatterns(elements.slice(0, index + 1).join('/')));
}

function joined(...lists: readonly string[]): string {
  return [...new Set(lists.flatMap((list) => list.split(',')))].filter((glob) => glob !== '').join(',');
}
