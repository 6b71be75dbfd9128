import type { Ask } from '../../std/ask.ts';
import { isAppError } from '../../std/errors.ts';
import { pseudoVersionBase, pseudoVersionRev, pseudoVersionTime } from '../pseudo.ts';
import { compare, major } from '../semver.ts';
import type { CodePlace } from './place.ts';
import { plain } from './refusal.ts';
import type { Repository } from './repository.ts';
import type { Revision } from './revision.ts';

/**
 * Why `version`, a pseudo-version, is not one of the commit that its revision means; undefined when it is (spec: "Validating a requested pseudo-version"). Whoever could
 * invent one freely could give a commit any precedence, and infinitely many names.
 */
export async function pseudoVersionFault(
  place: CodePlace,
  repository: Repository,
  revision: Revision,
  version: string,
  o: Ask,
): Promise<string | undefined> {
  const fault = revisionFault(revision, version) ?? timeFault(revision, version);
  if (fault !== undefined) return fault;
  const base = tryBase(version.replace(/\+incompatible$/, ''));
  if ('fault' in base) return base.fault;
  if (base.version === '') {
    const isV1 = place.pseudoMajor === '' && major(version) === 'v1';
    return isV1 ? 'major version without preceding tag must be v0, not v1' : undefined;
  }
  return (
    baseOnCommitFault(place, revision, base.version) ?? ancestorFault(place, repository, revision, base.version, o)
  );
}

function revisionFault(revision: Revision, version: string): string | undefined {
  const { short } = revision;
  const rev = pseudoVersionRev(version);
  if (rev === short) return undefined;
  if (rev.startsWith(short)) return `revision is longer than canonical (expected ${short})`;
  if (short.startsWith(rev)) return `revision is shorter than canonical (expected ${short})`;
  return `does not match short name of revision (expected ${short})`;
}

function timeFault(revision: Revision, version: string): string | undefined {
  try {
    if (pseudoVersionTime(version).getTime() === revision.commit.time.getTime()) return undefined;
  } catch (error) {
    if (isAppError(error, 'BAD_VERSION')) return 'malformed time';
    throw error;
  }
  const expected = revision.commit.time.toISOString().replace(/\..*$|[-:T]/g, '');
  return `does not match version-control timestamp (expected ${expected})`;
}

function tryBase(version: string): { readonly version: string } | { readonly fault: string } {
  try {
    return { version: pseudoVersionBase(version) };
  } catch (error) {
    if (isAppError(error, 'BAD_VERSION')) return { fault: error.message };
    throw error;
  }
}

/** A commit with the very tag needs no pseudo-version made from it. Tags without the module's folder count too, as they do for the go command. */
function baseOnCommitFault(place: CodePlace, revision: Revision, base: string): string | undefined {
  const tag = revision.tags.find((one) => withoutPrefix(place, one) === base);
  if (tag === undefined) return undefined;
  return `tag (${plain(tag)}) found on revision ${revision.short} is already canonical, so should not be replaced with a pseudo-version derived from that tag`;
}

function withoutPrefix(place: CodePlace, tag: string): string {
  return tag.startsWith(place.tagPrefix) ? tag.slice(place.tagPrefix.length) : tag;
}

/** Some tag that means the base, metadata or not, must be on an ancestor. It need not be the highest: nobody knows which were there when the version was made. */
async function ancestorFault(
  place: CodePlace,
  repository: Repository,
  revision: Revision,
  base: string,
  o: Ask,
): Promise<string | undefined> {
  const candidates = [...repository.refs.tags].filter(
    ([tag]) => tag.startsWith(place.tagPrefix + base) && compare(tag.slice(place.tagPrefix.length), base) === 0,
  );
  for (const [tag, hash] of candidates) {
    // Measured: the go command that reached the commit through a branch of the tag's name takes that branch for the tag.
    if (revision.ref === `refs/heads/${tag}`) return undefined;
    if (await repository.isAncestor(hash, revision.commit.hash, o)) return undefined;
  }
  const last = candidates.at(-1)?.[0];
  if (last === undefined) return `preceding tag (${base}) not found`;
  return `revision ${revision.short} is not a descendent of preceding tag (${plain(last)})`;
}
