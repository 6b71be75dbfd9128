import { isPseudoVersion } from '../pseudo.ts';
import { canonical } from '../semver.ts';
import type { CodePlace } from './place.ts';

/** What a tag says about a module. */
export interface TagVersion {
  /** Complete, without build metadata. */
  readonly version: string;
  /** Whether the tag is the version, not the version with metadata added. */
  readonly isCanonical: boolean;
}

/**
 * The version that `tag` gives a module; undefined when it gives none: no such folder, no complete version. A tag that looks like a pseudo-version gives none at the top
 * of a repository; in a folder the go command looks at the whole tag, which then never does.
 */
export function versionOfTag(place: CodePlace, tag: string): TagVersion | undefined {
  if (!tag.startsWith(place.tagPrefix) || isPseudoVersion(tag)) return undefined;
  const rest = tag.slice(place.tagPrefix.length);
  const version = canonical(rest);
  if (version === '' || !rest.startsWith(version)) return undefined;
  return { version, isCanonical: version === rest };
}
