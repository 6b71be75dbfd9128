import { createHash } from 'node:crypto';
import type { Commit, Repository } from '../../src/gomod/coderepo/repository.ts';

/** One commit of a repository in memory. */
export interface MemoryCommit {
  /** Others name it so in `from`; its hash is made of it. */
  readonly name: string;
  /** Its parents; the commit before it in the list unless given. */
  readonly from?: readonly string[];
  /** What changes against its first parent, by path; `null` takes a file away. */
  readonly files?: Readonly<Record<string, string | null>>;
  /** Seconds since 1970; an hour after the commit before it unless given. */
  readonly at?: number;
  readonly tags?: readonly string[];
  readonly branches?: readonly string[];
  readonly hash?: string;
}

export interface MemoryRepository extends Repository {
  hashOf(name: string): string;
  /** Paths of the files that were asked for, as they came. */
  readonly reads: readonly string[];
}

/** What a repository has besides commits. */
export interface MemoryFacts {
  /** The commit that HEAD points to; the last unless given, null for none. */
  readonly head?: string | null;
  /** Tags on what is no commit: name to hash. */
  readonly oddTags?: Readonly<Record<string, string>>;
}

interface Known extends Commit {
  readonly files: ReadonlyMap<string, string>;
  /** Hashes of itself and all its ancestors. */
  readonly history: ReadonlySet<string>;
}

/** When the first commit is made: 14 November 2023, 22:13:20 UTC. */
const BEGIN = 1_700_000_000;

/** The repository with these commits, branches and tags. Commits that no branch and no tag reaches are there all the same: the port's other side looks after that. */
export function memoryRepository(commits: readonly MemoryCommit[], facts: MemoryFacts = {}): MemoryRepository {
  const known = new Map<string, Known>();
  const hashes = new Map<string, string>();
  let before: MemoryCommit | undefined;
  let seconds = BEGIN;
  for (const commit of commits) {
    seconds = commit.at ?? seconds;
    const hash = commit.hash ?? createHash('sha1').update(commit.name).digest('hex');
    const parents = commit.from ?? (before === undefined ? [] : [before.name]);
    const from = parents.map((name) => known.get(hashes.get(name) ?? '')).filter((one) => one !== undefined);
    hashes.set(commit.name, hash);
    known.set(hash, knownCommit(hash, seconds, commit, from));
    before = commit;
    seconds += 3600;
  }
  const hashOf = (name: string): string => hashes.get(name) ?? '';
  const head = facts.head === null ? undefined : hashOf(facts.head ?? before?.name ?? '');
  const named = (key: 'tags' | 'branches') =>
    commits.flatMap((commit) => (commit[key] ?? []).map((name) => [name, hashOf(commit.name)] as const));
  const tags = new Map([...named('tags'), ...Object.entries(facts.oddTags ?? {})]);
  const refs = { ...(head && { head }), branches: new Map(named('branches')), tags };
  const reads: string[] = [];
  return {
    url: 'https://git.test/repo',
    refs,
    hashOf,
    reads,
    commit: async (hash) => known.get(hash),
    expand: async (prefix) => [...known.keys()].filter((hash) => hash.startsWith(prefix)).slice(0, 2),
    ancestorTags: async (hash) =>
      [...refs.tags].filter(([, target]) => known.get(hash)?.history.has(target)).map(([name]) => name),
    isAncestor: async (older, newer) => known.get(newer)?.history.has(older) ?? false,
    async file(commit, path) {
      reads.push(path);
      const text = known.get(commit)?.files.get(path);
      return text === undefined ? undefined : Buffer.from(text);
    },
  };
}

function knownCommit(hash: string, seconds: number, commit: MemoryCommit, from: readonly Known[]): Known {
  const files = new Map(from[0]?.files);
  for (const [path, text] of Object.entries(commit.files ?? {})) {
    if (text === null) files.delete(path);
    else files.set(path, text);
  }
  const history = new Set([hash, ...from.flatMap((parent) => [...parent.history])]);
  return { hash, tree: `tree of ${commit.name}`, time: new Date(seconds * 1000), files, history };
}
