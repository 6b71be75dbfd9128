import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { textOfBytes } from '../../src/gomod/go-text.ts';
import type { Commit, Repository, RepositoryRefs } from '../../src/gomod/coderepo/repository.ts';

/**
 * A repository out of a git bundle, for the rules that stand on the port: plain git commands on a clone, nothing fetched, every answer remembered. What the product
 * makes of a repository on a network is sources/vcs/.
 */
export interface BundleRepository extends Repository {
  /** For whatever else belongs to it; goes with it. */
  readonly folder: string;
  /** The bare clone. */
  readonly directory: string;
  close(): Promise<void>;
}

/** What a bundle does not say for itself. */
export interface BundleFacts {
  readonly url: string;
  /** Full name of the branch that HEAD shall point to; empty to leave it as the bundle says. */
  readonly head: string;
  /** Full names, and what they point to. A bundle leaves out a tag and a branch of one name. */
  readonly refs: ReadonlyMap<string, string>;
}

/** Opens the bundle at `path`. */
export async function openBundle(path: string, o: BundleFacts): Promise<BundleRepository> {
  const folder = await mkdtemp(join(tmpdir(), 'larder-bundle-'));
  const directory = join(folder, 'repository.git');
  await git(folder, ['clone', '-q', '--mirror', path, directory]);
  for (const [ref, hash] of o.refs) await git(directory, ['update-ref', ref, hash]);
  if (o.head !== '') await git(directory, ['symbolic-ref', 'HEAD', o.head]);
  const refs = await readRefs(directory);
  const commits = await readCommits(directory);
  const close = (): Promise<void> => rm(folder, { recursive: true, force: true });
  return { folder, directory, url: o.url, refs, ...answers(directory, commits), close };
}

const run = promisify(execFile);

async function git(cwd: string, args: readonly string[]): Promise<Buffer> {
  const env = { PATH: process.env['PATH'], HOME: cwd, LC_ALL: 'C', GIT_CONFIG_NOSYSTEM: '1' };
  return (await run('git', args, { cwd, env, encoding: 'buffer', maxBuffer: 1 << 28 })).stdout;
}

/** What git says, or undefined when it fails. */
async function tryGit(cwd: string, args: readonly string[]): Promise<Buffer | undefined> {
  return git(cwd, args).catch(() => undefined);
}

async function linesOf(cwd: string, args: readonly string[]): Promise<string[]> {
  const text = textOfBytes(await git(cwd, args));
  return text.split('\n').filter((line) => line !== '');
}

/** As ls-remote advertises them: what a tag is peeled to stands for it. */
async function readRefs(directory: string): Promise<RepositoryRefs> {
  const branches = new Map<string, string>();
  const tags = new Map<string, string>();
  let head: string | undefined;
  for (const line of await linesOf(directory, ['ls-remote', '-q', '.'])) {
    const [hash = '', ref = ''] = line.split('\t');
    const name = ref.replace(/\^\{\}$/, '');
    if (name === 'HEAD') head = hash;
    else if (name.startsWith('refs/heads/')) branches.set(name.slice('refs/heads/'.length), hash);
    else if (name.startsWith('refs/tags/')) tags.set(name.slice('refs/tags/'.length), hash);
  }
  return head === undefined ? { branches, tags } : { head, branches, tags };
}

async function readCommits(directory: string): Promise<ReadonlyMap<string, Commit>> {
  const commits = new Map<string, Commit>();
  for (const line of await linesOf(directory, ['log', '--all', '--format=%H %T %ct'])) {
    const [hash = '', tree = '', seconds = ''] = line.split(' ');
    commits.set(hash, { hash, tree, time: new Date(Number(seconds) * 1000) });
  }
  return commits;
}

type Answers = Pick<Repository, 'commit' | 'expand' | 'ancestorTags' | 'isAncestor' | 'file'>;

function answers(directory: string, commits: ReadonlyMap<string, Commit>): Answers {
  const known = new Map<string, Promise<Buffer | undefined>>();
  const once = (args: readonly string[]): Promise<Buffer | undefined> => {
    const key = args.join('\0');
    const answer = known.get(key) ?? tryGit(directory, args);
    known.set(key, answer);
    return answer;
  };
  return {
    commit: async (hash) => commits.get(hash),
    expand: async (prefix) => [...commits.keys()].filter((hash) => hash.startsWith(prefix)).slice(0, 2),
    async ancestorTags(hash) {
      const listed = await once(['for-each-ref', '--format=%(refname:lstrip=2)', `--merged=${hash}`, 'refs/tags']);
      return listed === undefined ? [] : textOfBytes(listed).split('\n').slice(0, -1);
    },
    isAncestor: async (older, newer) => (await once(['merge-base', '--is-ancestor', older, newer])) !== undefined,
    file: (commit, path) => once(['cat-file', 'blob', `${commit}:${path}`]),
  };
}
