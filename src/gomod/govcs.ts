/** GOVCS: which version control systems may be used for which modules (spec: "go-import meta parsing"). */
import { AppError } from '../std/errors.ts';
import { matchesAnyPrefix, parsePrefixPatterns, type PrefixPattern } from './goenv.ts';
import { trimSpace } from './go-text.ts';
import { shown } from './shown.ts';

/** One entry, such as `github.com:git|hg`. */
export interface GovcsRule {
  /** As it was written. */
  readonly text: string;
  readonly applies: 'public' | 'private' | readonly PrefixPattern[];
  /** Names of systems; `all` = every one, and a name that is none (`off`) allows nothing. */
  readonly allowed: readonly string[];
}

/** What holds where no entry of GOVCS says anything: private modules may use all, public ones git and Mercurial. */
export const DEFAULT_GOVCS: readonly GovcsRule[] = parseGovcs('private:all,public:git|hg');

/** The entries of a GOVCS value, in order; none for an empty one. Throws CONFIG_INVALID saying which entry is malformed or can never be reached. */
export function parseGovcs(value: string): readonly GovcsRule[] {
  const text = trimSpace(value);
  if (text === '') return [];
  const seen = new Map<string, string>();
  return text.split(',').map((item) => {
    const { pattern, rule } = parseEntry(trimSpace(item));
    const earlier = seen.get(pattern);
    if (earlier !== undefined) throw malformed(`${shown(rule.text)} can never be reached after ${shown(earlier)}`);
    seen.set(pattern, rule.text);
    return rule;
  });
}

function parseEntry(text: string): { readonly pattern: string; readonly rule: GovcsRule } {
  if (text === '') throw malformed('empty entry');
  const colon = text.indexOf(':');
  if (colon < 0) throw malformed(`missing colon in ${shown(text)}`);
  const pattern = trimSpace(text.slice(0, colon));
  if (pattern === '') throw malformed(`empty pattern in ${shown(text)}`);
  if (/^\.{1,2}(\/|$)/.test(pattern)) throw malformed(`relative pattern ${shown(pattern)}`);
  const applies = pattern === 'public' || pattern === 'private' ? pattern : parsePrefixPatterns(pattern);
  return { pattern, rule: { text, applies, allowed: namesOf(trimSpace(text.slice(colon + 1)), text) } };
}

function namesOf(list: string, entry: string): readonly string[] {
  if (list === '') throw malformed(`no system is named in ${shown(entry)}`);
  const names = list.split('|').map(trimSpace);
  if (names.includes('')) throw malformed(`empty name in ${shown(entry)}`);
  return names;
}

function malformed(what: string): AppError {
  return new AppError('CONFIG_INVALID', `parse GOVCS: ${what}`);
}

/** What is asked of the rules. `root`: of the repository, not the module; whether that is private is the caller's to know. */
export interface GovcsQuestion {
  readonly root: string;
  readonly isPrivate: boolean;
  readonly vcs: string;
}

export interface GovcsDecision {
  readonly isAllowed: boolean;
  /** The entry that decided; empty when none did: then nothing is allowed. */
  readonly rule: string;
}

/** Whether the first of `rules` that fits `root` allows the system. */
export function decideGovcs(rules: readonly GovcsRule[], { root, isPrivate, vcs }: GovcsQuestion): GovcsDecision {
  const rule = rules.find(({ applies }) =>
    typeof applies === 'string' ? (applies === 'private') === isPrivate : matchesAnyPrefix(applies, root),
  );
  if (rule === undefined) return { isAllowed: false, rule: '' };
  return { isAllowed: rule.allowed.includes(vcs) || rule.allowed.includes('all'), rule: rule.text };
}
