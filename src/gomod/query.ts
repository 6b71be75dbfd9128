/**
 * Version queries, as they stand after `@` in `go get`: `latest`, `upgrade`, `patch`, `v1`, `v1.2`, `<v1.4.0`, ... and the choice from a list of versions.
 * Pure: what needs a go.mod or a repository comes in as an argument or goes out as an answer.
 */
import { AppError } from '../std/errors.ts';
import { matchPathMajor, splitPathVersion, type Version } from './module.ts';
import { isPseudoVersion, pseudoVersionTime } from './pseudo.ts';
import { compare, isShort, isValid, majorMinor, prerelease, sortVersions } from './semver.ts';
import { shown } from './shown.ts';
import { isIncompatible } from './version.ts';

/** A query that a list of versions can answer. */
export interface VersionQuery {
  /** Whether `v` is in the range that is asked for. */
  accepts(v: string): boolean;
  /** Whether the lowest version of the range is wanted (`>v`, `>=v`) and not the highest. */
  readonly prefersLower: boolean;
  /** Whether +incompatible versions count even if a compatible one has a go.mod: the query itself names one. */
  readonly prefersIncompatible: boolean;
  /** Whether `@latest` may answer when nothing in the list does. */
  readonly mayAskLatest: boolean;
  /** The version to stay at when there is no better one: for `upgrade` and `patch`. */
  readonly current?: string;
}

/** What a query turned out to be: one for a list, or a `name` (whole version, branch, tag, revision) that is to be looked up itself. */
export type ParsedQuery =
  | { readonly kind: 'choice'; readonly query: VersionQuery }
  | { readonly kind: 'name'; readonly name: string };

/**
 * Reads `text` as a query for versions of the module `path`. `current` is the version in use, for `upgrade` and `patch`; empty for none.
 * Throws BAD_VERSION for a range without a valid bound, for `<=` and `>` with a short one (`>v1.2` could mean two things), for `patch` without `current`,
 * and for a `current` that is no version.
 */
export function parseQuery(path: string, text: string, current = ''): ParsedQuery {
  if (current !== '' && !isValid(current)) throw bad(text, `current version ${shown(current)} is not valid`);
  const word = wordQuery(text, current);
  if (word !== undefined) return { kind: 'choice', query: word };
  const operator = /^[<>]=?/.exec(text)?.[0];
  if (operator !== undefined) return { kind: 'choice', query: rangeQuery(path, text, operator, current) };
  if (!isShort(text)) return { kind: 'name', name: text };
  return { kind: 'choice', query: prefixQuery(path, text, current) };
}

const LATEST: VersionQuery = {
  accepts: () => true,
  prefersLower: false,
  prefersIncompatible: false,
  mayAskLatest: true,
};

function wordQuery(text: string, current: string): VersionQuery | undefined {
  if (text === 'latest') return { ...LATEST, prefersIncompatible: isIncompatible(current) };
  if (text !== 'upgrade' && text !== 'patch') return undefined;
  if (current === '') {
    if (text === 'patch') throw bad(text, 'there is no current version to patch');
    return LATEST;
  }
  const prefix = text === 'patch' ? `${majorMinor(current)}.` : '';
  return {
    accepts: (v) => v.startsWith(prefix) && compare(v, current) >= 0,
    prefersLower: false,
    prefersIncompatible: isIncompatible(current),
    mayAskLatest: isPseudoVersion(current),
    current,
  };
}

function rangeQuery(path: string, text: string, operator: string, current: string): VersionQuery {
  const bound = text.slice(operator.length);
  if (!isValid(bound)) throw bad(text, `${shown(bound)} is not a semantic version`);
  const isAmbiguous = (operator === '<=' || operator === '>') && isShort(bound);
  if (isAmbiguous) throw bad(text, `${bound} could mean ${bound}.0 or all of ${bound}: write it out`);
  const inRange: Readonly<Record<string, (order: number) => boolean>> = {
    '<': (order) => order < 0,
    '<=': (order) => order <= 0,
    '>': (order) => order > 0,
    '>=': (order) => order >= 0,
  };
  return {
    accepts: (v) => inRange[operator]?.(compare(v, bound)) ?? false,
    prefersLower: operator.startsWith('>'),
    prefersIncompatible: isIncompatible(current) || !fits(path, bound),
    mayAskLatest: false,
  };
}

/** `v1.2` means v1.2.0 and above: not the pre-releases of v1.2.0. */
function prefixQuery(path: string, text: string, current: string): VersionQuery {
  return {
    accepts: (v) => v.startsWith(`${text}.`) && compare(v, text) >= 0,
    prefersLower: false,
    prefersIncompatible: isIncompatible(current) || !fits(path, text),
    mayAskLatest: false,
  };
}

function fits(path: string, v: string): boolean {
  const split = splitPathVersion(path);
  return split !== undefined && matchPathMajor(v, split.pathMajor);
}

function bad(text: string, reason: string): AppError {
  return new AppError('BAD_VERSION', `read version query ${shown(text)}: ${reason}`);
}

/** What a choice needs to know besides the list. */
export interface ChoiceRules {
  /** Whether a version may be chosen: not excluded, not retracted. All may when absent. */
  readonly isAllowed?: (v: Version) => boolean;
  /** Whether the version that `decidingVersion` names has a go.mod of its own (not a synthesised one). */
  readonly decidingHasGoMod: boolean;
}

/** What a list answers: a version; or `@latest` is to be asked (and its answer must be accepted and allowed too); or the current one stays, if allowed; or nothing fits. */
export type Choice =
  | { readonly kind: 'version'; readonly version: Version }
  | { readonly kind: 'ask-latest' }
  | { readonly kind: 'keep-current'; readonly version: string }
  | { readonly kind: 'none' };

/**
 * The version whose go.mod decides whether +incompatible versions count: the highest compatible one in range, if there are incompatible ones above it.
 * Undefined when nothing hangs on a go.mod: then `decidingHasGoMod` may be anything.
 */
export function decidingVersion(
  query: VersionQuery,
  versions: readonly Version[],
  isAllowed: (v: Version) => boolean = () => true,
): Version | undefined {
  if (query.prefersIncompatible) return undefined;
  const candidates = candidatesOf(query, versions, isAllowed);
  const firstIncompatible = candidates.findIndex(isIncompatible);
  return firstIncompatible > 0 ? candidates[firstIncompatible - 1] : undefined;
}

/** Chooses from `versions`, in any order: releases before pre-releases, then the highest, or the lowest where the query says so. */
export function chooseVersion(query: VersionQuery, versions: readonly Version[], rules: ChoiceRules): Choice {
  const isAllowed = rules.isAllowed ?? (() => true);
  const all = candidatesOf(query, versions, isAllowed);
  const isHidden = rules.decidingHasGoMod && decidingVersion(query, versions, isAllowed) !== undefined;
  const candidates = isHidden ? all.slice(0, all.findIndex(isIncompatible)) : all;
  const releases = candidates.filter((v) => prerelease(v) === '');
  const version = (releases.length > 0 ? releases : candidates).at(query.prefersLower ? 0 : -1);
  if (version !== undefined) return { kind: 'version', version };
  if (query.mayAskLatest) return { kind: 'ask-latest' };
  return query.current === undefined ? { kind: 'none' } : { kind: 'keep-current', version: query.current };
}

function candidatesOf(
  query: VersionQuery,
  versions: readonly Version[],
  isAllowed: (v: Version) => boolean,
): Version[] {
  return sortVersions(versions.filter((v) => query.accepts(v) && isAllowed(v)));
}

/**
 * Whether an `upgrade` or `patch` should stay at its current version because what was found is older in time: only a pseudo-version is compared so,
 * since a tag is its author's own word on precedence.
 */
export function wouldGoBackInTime(query: VersionQuery, foundTime: Date): boolean {
  if (query.current === undefined || !isPseudoVersion(query.current)) return false;
  try {
    return foundTime < pseudoVersionTime(query.current);
  } catch {
    return false;
  }
}

// ------------------------------------------------------------------ retraction

/** Versions from `low` to `high`, both included, that their author took back. */
export interface VersionInterval {
  readonly low: string;
  readonly high: string;
}

/** The version whose go.mod says which versions are retracted: the highest release, else the highest pre-release, never an +incompatible one. */
export function retractionSource(versions: readonly Version[]): Version | undefined {
  const sorted = sortVersions(versions.filter((v) => !isIncompatible(v)));
  return sorted.findLast((v) => prerelease(v) === '') ?? sorted.at(-1);
}

/** Whether one of `retractions` covers `v`. */
export function isRetracted(v: string, retractions: readonly VersionInterval[]): boolean {
  return retractions.some(({ low, high }) => compare(low, v) <= 0 && compare(v, high) <= 0);
}
