import type { Ask } from '../../std/ask.ts';
import { compareBytewise } from '../../std/bytes.ts';
import { plain } from './refusal.ts';
import type { Commit, Repository, RepositoryRefs } from './repository.ts';

/** A commit as the one who asked found it (spec: "Refs and Stat"). */
export interface Revision {
  readonly commit: Commit;
  /** The first 12 hex digits of its hash, with either kind of hash. */
  readonly short: string;
  /** Names of the tags on it, in byte order. */
  readonly tags: readonly string[];
  /** The full name of the branch or tag that it was found by; absent when it was HEAD or a hash that nothing else names. */
  readonly ref?: string;
  /** The tag that was asked for; undefined when it was no tag. */
  readonly askedTag?: string;
}

/** What a name means: a revision, or why there is none. */
export type Resolved = Revision | { readonly fault: string };

/** Fewer digits are never a hash. */
const MIN_HASH_DIGITS = 7;

/**
 * What `name` (attacker-controlled) means: a whole hash, a tag, a branch, HEAD, or the start of a hash, in this order. Where the go command's answer would hang on
 * what it happens to have fetched, the whole history decides: a start of a hash that two reachable commits have is ambiguous. Tags of what is no commit are unknown.
 */
export async function resolveRevision(repository: Repository, name: string, o: Ask): Promise<Resolved> {
  const { refs } = repository;
  if (isWholeHash(name)) {
    const commit = await repository.commit(name, o);
    if (commit !== undefined) return revisionOf(refs, commit, refNaming(refs, commit.hash));
  }
  const tagged = refs.tags.get(name);
  if (tagged !== undefined) return atHash(repository, tagged, name, { ref: `refs/tags/${name}`, askedTag: name }, o);
  const branch = refs.branches.get(name);
  if (branch !== undefined) return atHash(repository, branch, name, { ref: `refs/heads/${name}` }, o);
  if (name === 'HEAD' && refs.head !== undefined) return atHash(repository, refs.head, name, {}, o);
  if (HASH_START.test(name) && name.length >= MIN_HASH_DIGITS) return byStartOfHash(repository, name, o);
  return unknown(name);
}

const HASH_START = /^[0-9a-f]{1,64}$/;

function isWholeHash(name: string): boolean {
  return (name.length === 40 || name.length === 64) && HASH_START.test(name);
}

function unknown(name: string): Resolved {
  return { fault: `unknown revision ${plain(name)}` };
}

/** What was asked for by another name than a hash. */
interface AskedBy {
  readonly ref?: string;
  readonly askedTag?: string;
}

async function atHash(repository: Repository, hash: string, name: string, by: AskedBy, o: Ask): Promise<Resolved> {
  const commit = await repository.commit(hash, o);
  return commit === undefined ? unknown(name) : revisionOf(repository.refs, commit, by);
}

async function byStartOfHash(repository: Repository, start: string, o: Ask): Promise<Resolved> {
  const { refs } = repository;
  const [hash, other] = await repository.expand(start, o);
  if (other !== undefined) return { fault: `ambiguous revision ${start}` };
  const commit = hash === undefined ? undefined : await repository.commit(hash, o);
  return commit === undefined ? unknown(start) : revisionOf(refs, commit, refNaming(refs, commit.hash));
}

function revisionOf(refs: RepositoryRefs, commit: Commit, by: AskedBy): Revision {
  return { commit, short: commit.hash.slice(0, 12), tags: tagsOn(refs, commit.hash), ...by };
}

function tagsOn(refs: RepositoryRefs, hash: string): string[] {
  const names: string[] = [];
  for (const [name, target] of refs.tags) if (target === hash) names.push(name);
  return names.sort(compareBytewise);
}

/** The go command names the first ref, in byte order, that has a hash; HEAD comes before all others and is then left unsaid. */
function refNaming(refs: RepositoryRefs, hash: string): AskedBy {
  if (refs.head === hash) return {};
  const ref = firstWith(refs.branches, hash, 'refs/heads/') ?? firstWith(refs.tags, hash, 'refs/tags/');
  return ref === undefined ? {} : { ref };
}

function firstWith(names: ReadonlyMap<string, string>, hash: string, folder: string): string | undefined {
  let first: string | undefined;
  for (const [name, target] of names) {
    if (target === hash && (first === undefined || compareBytewise(name, first) < 0)) first = name;
  }
  return first === undefined ? undefined : folder + first;
}
