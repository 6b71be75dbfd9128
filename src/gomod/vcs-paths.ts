/**
 * The code hosts whose repositories follow from the path alone, without asking anyone.
 * A path on such a host that does not have its form names no repository: no network can change that.
 */
import type { ModulePath } from './module.ts';

/** What the path alone says. `asked` = the host must be asked (`?go-get=1`). */
export type StaticRoot = KnownRepository | ImpossibleRepository | { readonly kind: 'asked' };

export interface KnownRepository {
  readonly kind: 'known';
  readonly vcs: 'git' | 'fossil';
  /** The leading part of the path that is the repository: `github.com/user/repo`. */
  readonly root: string;
  readonly repoUrl: string;
}

export interface ImpossibleRepository {
  readonly kind: 'impossible';
  /** One line; speaks of the path without repeating it. */
  readonly reason: string;
}

interface Host {
  /** Leading path elements that make the host responsible. */
  readonly prefix: string;
  readonly form: RegExp;
  /** The form in words. */
  readonly shape: string;
  readonly vcs: 'git' | 'fossil';
  /** Whether a repository name such as `x.git` is refused: `x` would name the same one. */
  readonly refusesVcsSuffix?: true;
}

/** Each form is anchored and its parts exclude `/`, so matching is linear. */
const HOSTS: readonly Host[] = [
  {
    prefix: 'github.com',
    form: /^(github\.com\/[\w.-]+\/[\w.-]+)(?:\/[\w.-]+)*$/,
    shape: 'github.com/USER/REPO',
    vcs: 'git',
    refusesVcsSuffix: true,
  },
  {
    prefix: 'bitbucket.org',
    form: /^(bitbucket\.org\/[\w.-]+\/[\w.-]+)(?:\/[\w.-]+)*$/,
    shape: 'bitbucket.org/USER/REPO',
    vcs: 'git',
    refusesVcsSuffix: true,
  },
  {
    prefix: 'hub.jazz.net/git',
    form: /^(hub\.jazz\.net\/git\/[a-z0-9]+\/[\w.-]+)(?:\/[\w.-]+)*$/,
    shape: 'hub.jazz.net/git/USER/REPO',
    vcs: 'git',
    refusesVcsSuffix: true,
  },
  {
    prefix: 'git.apache.org',
    form: /^(git\.apache\.org\/[a-z0-9_.-]+\.git)(?:\/[\w.-]+)*$/,
    shape: 'git.apache.org/REPO.git',
    vcs: 'git',
  },
  {
    prefix: 'git.openstack.org',
    form: /^(git\.openstack\.org\/[\w.-]+\/[\w.-]+)(?:\/[\w.-]+)*$/,
    shape: 'git.openstack.org/USER/REPO',
    vcs: 'git',
  },
  {
    prefix: 'chiselapp.com',
    form: /^(chiselapp\.com\/user\/[A-Za-z0-9]+\/repository\/[\w.-]+)$/,
    shape: 'chiselapp.com/user/USER/repository/REPO',
    vcs: 'fossil',
  },
];

const VCS_SUFFIX = /\.(?:git|hg|svn|fossil)$/;

/** What `path` (any import path) says about its repository. */
export function staticRoot(path: string): StaticRoot {
  const host = HOSTS.find(({ prefix }) => path === prefix || path.startsWith(`${prefix}/`));
  if (host === undefined) return { kind: 'asked' };
  const root = host.form.exec(path)?.[1];
  if (root === undefined)
    return { kind: 'impossible', reason: `no repository can have this path: it must be ${host.shape}` };
  if (host.refusesVcsSuffix === true && VCS_SUFFIX.test(root)) {
    return { kind: 'impossible', reason: `invalid version control suffix in ${host.prefix}/ path` };
  }
  return { kind: 'known', vcs: host.vcs, root, repoUrl: `https://${root}` };
}

/** Why no module can have `path`, decided without asking anyone; undefined when one may. The go command asks for every parent of a package path, so this is asked often. */
export function impossiblePathReason(path: ModulePath): string | undefined {
  const root = staticRoot(path);
  return root.kind === 'impossible' ? root.reason : undefined;
}
