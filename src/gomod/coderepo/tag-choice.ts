import type { Ask } from '../../std/ask.ts';
import { compare, isValid } from '../semver.ts';
import type { Accepted, Judgement } from './judgement.ts';
import { type TagVersion, versionOfTag } from './tag-version.ts';

/** What the tags on a revision make of it: a version; or a tag that can only be the base of a pseudo-version; or nothing. */
export type TagChoice = { readonly accepted: Accepted } | { readonly base: string } | undefined;

/**
 * The version that the tags on the revision give it: the one that was asked for by its tag, else the one that is equivalent to what was asked, else the highest that is not
 * retracted. Throws NOT_FOUND when that one cannot be had.
 */
export async function chooseTag(judgement: Judgement, o: Ask): Promise<TagChoice> {
  const { asked, place, revision } = judgement;
  const named = revision.askedTag === undefined ? undefined : versionOfTag(place, revision.askedTag);
  if (named?.isCanonical === true) {
    const judged = await judgement.judge(named.version, o);
    if (!('refusal' in judged)) return { accepted: judged };
  }
  const versions = revision.tags.map((tag) => versionOfTag(place, tag)).filter((one) => one !== undefined);
  const equivalent = isValid(asked) ? versions.filter(({ version }) => compare(version, asked) === 0) : [];
  const exact = equivalent.find(({ isCanonical }) => isCanonical);
  if (exact !== undefined) return { accepted: await accept(judgement, exact.version, o) };
  const highest = await highestUsable(judgement, versions, o);
  if (highest !== undefined) return { accepted: await accept(judgement, highest, o) };
  const [inexact] = equivalent;
  return inexact === undefined ? undefined : { base: inexact.version };
}

async function highestUsable(
  judgement: Judgement,
  versions: readonly TagVersion[],
  o: Ask,
): Promise<string | undefined> {
  let highest = '';
  for (const { version, isCanonical } of versions) {
    if (!isCanonical || compare(highest, version) >= 0 || (await judgement.isRetracted(version, o))) continue;
    if (await judgement.fits(version, o)) highest = version;
  }
  return highest || undefined;
}

/** As `Judgement.judge`, but throws NOT_FOUND when it refuses. */
export async function accept(judgement: Judgement, version: string, o: Ask): Promise<Accepted> {
  const judged = await judgement.judge(version, o);
  if ('refusal' in judged) throw judged.refusal;
  return judged;
}

/**
 * The version that a pseudo-version of the revision follows: of the tags in its whole history the highest that is not retracted and could be had here; empty for none.
 * A tag that is the version only with metadata added counts.
 */
export async function pseudoBase(judgement: Judgement, o: Ask): Promise<string> {
  const { place, repository, revision } = judgement;
  // Without a tag that could count there is nothing to find in the history.
  if (![...repository.refs.tags.keys()].some((tag) => versionOfTag(place, tag) !== undefined)) return '';
  let highest = '';
  let base = '';
  for (const tag of await repository.ancestorTags(revision.commit.hash, o)) {
    const named = versionOfTag(place, tag);
    const text = tag.slice(place.tagPrefix.length);
    if (named === undefined || compare(text, highest) <= 0 || !(await judgement.fits(named.version, o))) continue;
    if (await judgement.isRetracted(named.version, o)) continue;
    highest = text;
    base = named.version;
  }
  return base;
}
