import type { Ask } from '../../std/ask.ts';
import { AppError } from '../../std/errors.ts';
import { matchPathMajor, type Version } from '../module.ts';
import { isPseudoVersion } from '../pseudo.ts';
import type { Origin } from '../rev-info.ts';
import { canonical, major, sortVersions } from '../semver.ts';
import { placeOrigin, tagsOrigin } from './origin.ts';
import type { CodePlace } from './place.ts';
import { hasGoMod } from './read-go-mod.ts';
import type { Repository, RepositoryRefs } from './repository.ts';

/** The most versions that a list may have. */
const MAX_VERSIONS = 100_000;

/** What a repository lists of a module. */
export interface ListedVersions {
  /** Lowest first, no repeats. */
  readonly versions: readonly Version[];
  /** With the sum of the tags that the list was made from. */
  readonly origin: Origin;
}

/** How to list. */
export interface ListAsk extends Ask {
  /** What the versions must begin with; others are then as if they were not there. */
  readonly prefix?: string;
}

/**
 * The tagged versions of the module (spec: "Versions (list)" and "+incompatible"): by the names of the tags alone, so that one may be listed that cannot be had. Reads
 * files only where versions of a higher major could count as +incompatible: else the refs are enough. TOO_LARGE past 100,000.
 */
export async function listVersions(place: CodePlace, repository: Repository, o: ListAsk): Promise<ListedVersions> {
  const prefix = o.prefix ?? '';
  const { compatible, higher } = taggedVersions(place, repository.refs, prefix);
  const incompatible = higher.length === 0 ? [] : await incompatibleVersions(repository, compatible, higher, o);
  const versions = [...compatible, ...incompatible] as Version[];
  if (versions.length > MAX_VERSIONS) {
    throw new AppError('TOO_LARGE', `list versions of ${place.module}: more than ${MAX_VERSIONS}`);
  }
  return { versions, origin: { ...placeOrigin(place), ...tagsOrigin(repository.refs, place.tagPrefix + prefix) } };
}

/** Versions by name of tag, lowest first. */
export interface TaggedVersions {
  /** Those that fit the path. */
  readonly compatible: readonly string[];
  /** Those of a higher major than a path without suffix may have, as far as they could be +incompatible; without that mark. */
  readonly higher: readonly string[];
}

/** What the names of the tags say. `gopkg.in/...-unstable` has no tags: they are those of the path without that ending. */
export function taggedVersions(place: CodePlace, refs: RepositoryRefs, prefix = ''): TaggedVersions {
  const compatible: string[] = [];
  const higher: string[] = [];
  const mayBeIncompatible = place.codeDir === '' && place.pathMajor === '';
  if (place.pathMajor.endsWith('-unstable')) return { compatible, higher };
  for (const tag of refs.tags.keys()) {
    const v = tag.startsWith(place.tagPrefix) ? tag.slice(place.tagPrefix.length) : '';
    if (v === '' || !v.startsWith(prefix) || canonical(v) !== v || isPseudoVersion(v)) continue;
    if (matchPathMajor(v, place.pathMajor)) compatible.push(v);
    else if (mayBeIncompatible) higher.push(v);
  }
  return { compatible: sortVersions(compatible), higher: sortVersions(higher) };
}

/** All of a major or none of it: its highest version decides. None at all when the highest compatible version has a go.mod: its author has chosen modules. */
async function incompatibleVersions(
  repository: Repository,
  compatible: readonly string[],
  higher: readonly string[],
  o: Ask,
): Promise<string[]> {
  const newest = compatible.at(-1);
  if (newest !== undefined && (await hasRootGoMod(repository, newest, o))) return [];
  const highestOfMajor = new Map(higher.map((v) => [major(v), v]));
  const listed = new Set<string>();
  for (const [of, highest] of highestOfMajor) if (!(await hasRootGoMod(repository, highest, o))) listed.add(of);
  return higher.filter((v) => listed.has(major(v))).map((v) => `${v}+incompatible`);
}

/** Whether there is a go.mod at the top of the repository at a tag. A tag on what is no commit has none. */
async function hasRootGoMod(repository: Repository, tag: string, o: Ask): Promise<boolean> {
  const commit = await repository.commit(repository.refs.tags.get(tag) ?? '', o);
  return commit !== undefined && (await hasGoMod(repository, commit.hash, 'go.mod', o));
}
