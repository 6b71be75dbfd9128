import type { Ask } from '../../std/ask.ts';
import type { Version } from '../module.ts';
import { isPseudoVersion, pseudoVersion, pseudoVersionRev } from '../pseudo.ts';
import type { Origin, RevInfo } from '../rev-info.ts';
import { isValid } from '../semver.ts';
import { findDirectory } from './find-dir.ts';
import { type Accepted, Judgement, withoutMark } from './judgement.ts';
import { placeOrigin, pseudoTagPrefix, tagsOrigin } from './origin.ts';
import type { CodePlace } from './place.ts';
import { pseudoVersionFault } from './pseudo-check.ts';
import { invalidPseudo, invalidVersion, notHere } from './refusal.ts';
import type { Commit, Repository } from './repository.ts';
import { type Revision, resolveRevision } from './revision.ts';
import { accept, chooseTag, pseudoBase } from './tag-choice.ts';

/** A version of a module, with what it stands for. */
export interface FoundRevision {
  /** With Origin as the go command prints it: what is kept for ever is `withoutVolatileOrigin` of it. */
  readonly info: RevInfo;
  readonly commit: Commit;
  /** Where the module is at the commit; empty for the top of the repository. */
  readonly directory: string;
  /** Its go.mod, unmodified; undefined when it has none: then there is none at that place. */
  readonly goMod: Uint8Array | undefined;
  /** The tag that names the version; absent when it is a pseudo-version. */
  readonly tag?: string;
}

/**
 * What `asked` (attacker-controlled: a version, a tag, a branch, a revision; `latest` is the commit that HEAD points to) is as a version of the module (spec: "Stat of a
 * module revision"). A canonical version that fits the path is answered with itself or not at all; a pseudo-version only when it is one of its commit. NOT_FOUND, with
 * the go command's reason, for all that it refuses; else only what the repository rejects with.
 */
export async function findRevision(
  place: CodePlace,
  repository: Repository,
  asked: string,
  o: Ask,
): Promise<FoundRevision> {
  if (asked === 'latest') return findHead(place, repository, o);
  const resolved = await resolveRevision(repository, revisionNameOf(place, asked), o);
  if ('fault' in resolved) throw invalidVersion(place.module, asked, resolved.fault);
  return versionOf(place, repository, resolved, asked, o);
}

/** The commit that HEAD points to, as a version of the module. NOT_FOUND as `findRevision`, and when there are no commits. */
export async function findHead(place: CodePlace, repository: Repository, o: Ask): Promise<FoundRevision> {
  const { head } = repository.refs;
  if (head === undefined) throw notHere(place.module, 'no commits');
  // By its hash: a tag may be called HEAD, too.
  const resolved = await resolveRevision(repository, head, o);
  if ('fault' in resolved) throw notHere(place.module, resolved.fault);
  return versionOf(place, repository, { ...resolved, ref: 'HEAD' }, '', o);
}

/**
 * What `version`, which was made from `commit` once, is there: for a tag that may have moved since. NOT_FOUND, with the go command's reason, when the module is not at
 * that commit.
 */
export async function findAtCommit(
  place: CodePlace,
  repository: Repository,
  { version, commit, tag }: { readonly version: Version; readonly commit: Commit; readonly tag?: string | undefined },
  o: Ask,
): Promise<FoundRevision> {
  const at = { commit: commit.hash, version, revision: tag ?? commit.hash };
  const found = await findDirectory(place, repository, at, o);
  if ('fault' in found) throw invalidVersion(place.module, version, found.fault);
  const origin = { ...placeOrigin(place), Hash: commit.hash, ...(tag !== undefined && { Ref: `refs/tags/${tag}` }) };
  return { info: { version, time: timeOf(commit), origin }, commit, ...found, ...(tag !== undefined && { tag }) };
}

/** What the repository calls what was asked: the tag of a version, the revision of a pseudo-version, anything else as it is. */
function revisionNameOf(place: CodePlace, asked: string): string {
  if (!isValid(asked)) return asked;
  if (isPseudoVersion(asked)) return pseudoVersionRev(asked);
  return place.tagPrefix + withoutMark(asked);
}

/** `asked` is empty for HEAD. */
async function versionOf(
  place: CodePlace,
  repository: Repository,
  revision: Revision,
  asked: string,
  o: Ask,
): Promise<FoundRevision> {
  checkTime(place, revision, asked);
  const judgement = new Judgement({ place, repository, revision, asked });
  if (isPseudoVersion(asked)) return foundAs(judgement, await givenPseudo(judgement, asked, o));
  const choice = await chooseTag(judgement, o);
  if (choice === undefined || 'base' in choice) return foundAs(judgement, await madePseudo(judgement, choice?.base, o));
  const { version } = choice.accepted;
  // In a folder a tag may look like a pseudo-version.
  return foundAs(judgement, isPseudoVersion(version) ? await givenPseudo(judgement, version, o) : choice.accepted);
}

/** Neither a pseudo-version nor an answer could say a later time. */
function checkTime(place: CodePlace, revision: Revision, asked: string): void {
  const year = revision.commit.time.getUTCFullYear();
  if (!(year >= 0 && year <= 9999)) throw invalidVersion(place.module, asked, 'commit time is out of range');
}

async function givenPseudo(judgement: Judgement, version: string, o: Ask): Promise<Accepted> {
  const { place, repository, revision } = judgement;
  const accepted = await accept(judgement, version, o);
  const fault = await pseudoVersionFault(place, repository, revision, version, o);
  if (fault !== undefined) throw invalidPseudo(place.module, version, fault);
  return accepted;
}

async function madePseudo(judgement: Judgement, base: string | undefined, o: Ask): Promise<Accepted> {
  const { place, revision } = judgement;
  const older = base ?? (await pseudoBase(judgement, o));
  return accept(judgement, pseudoVersion(place.pseudoMajor, older, revision.commit.time, revision.short), o);
}

function foundAs(judgement: Judgement, accepted: Accepted): FoundRevision {
  const { place, revision } = judgement;
  const { directory, goMod } = accepted;
  const version = accepted.version as Version;
  const found = {
    info: { version, time: timeOf(revision.commit), origin: originOf(judgement, version) },
    commit: revision.commit,
    directory,
    goMod,
  };
  return isPseudoVersion(version) ? found : { ...found, tag: place.tagPrefix + withoutMark(version) };
}

/** As the go command writes it: UTC, whole seconds. */
function timeOf({ time }: Commit): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z');
}

/** New tags can change which pseudo-version a commit has, but not one that was asked for and follows nothing. */
function originOf(judgement: Judgement, version: string): Origin {
  const { place, repository, revision, asked } = judgement;
  const hangsOnTags = isPseudoVersion(version) && !(version === asked && version.startsWith('v0.0.0-'));
  return {
    ...placeOrigin(place),
    Hash: revision.commit.hash,
    ...(hangsOnTags ? tagsOrigin(repository.refs, pseudoTagPrefix(place)) : {}),
    ...(revision.ref === undefined ? {} : { Ref: revision.ref }),
  };
}
