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
  const never = neverReason(path);
  if (never !== undefined) return { kind: 'impossible', reason: never };
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

/** Paths that the go command itself never looks for. */
function neverReason(path: string): string | undefined {
  if (/^https?:/.test(path)) return 'a scheme is not allowed in an import path';
  if (path === 'example.net' || path.startsWith('example.net/')) return 'no modules on example.net';
  return path === 'rsc.io' ? 'rsc.io is not a module' : undefined;
}

/** Why no module can have `path`, decided without asking anyone; undefined when one may. The go command asks for every parent of a package path, so this is asked often. */
export function impossiblePathReason(path: ModulePath): string | undefined {
  const root = staticRoot(path);
  return root.kind === 'impossible' ? root.reason : undefined;
}

/** A repository that a path names by an element such as `repo.git`: on any host, over a protocol that is still to be found. */
export interface QualifiedRepository {
  readonly vcs: 'git' | 'hg' | 'svn' | 'fossil';
  /** The part of the path up to and including the qualifier. Not always its beginning: what stands before may be no host. */
  readonly root: string;
  /** The same without the qualifier, `host/path`: a URL without its scheme. */
  readonly repository: string;
}

const ELEMENT = /^~?[\w.-]+$/;
const QUALIFIED = /^~?[\w.-]+\.(git|hg|svn|fossil)$/;

/** The repository that `path` names by a qualifier; the last one counts. Undefined when it has none. Linear in the length of `path`. */
export function qualifiedRoot(path: string): QualifiedRepository | undefined {
  const elements = path.split('/');
  const last = elements.findLastIndex((element) => QUALIFIED.test(element));
  if (last < 1) return undefined;
  // Everything behind the host must be plain elements, also what follows the qualifier.
  const plain = elements.findLastIndex((element) => !ELEMENT.test(element)) + 1;
  for (let i = Math.max(plain - 1, 0); i < last; i++) {
    const host = hostAtEnd(elements[i] ?? '');
    if (host === undefined) continue;
    const root = [host, ...elements.slice(i + 1, last + 1)].join('/');
    const vcs = QUALIFIED.exec(root.slice(root.lastIndexOf('/') + 1))?.[1] as QualifiedRepository['vcs'];
    return { vcs, root, repository: root.slice(0, -vcs.length - 1) };
  }
  return undefined;
}

/** The longest end of `element` that is a host: it has a dot with something on either side. */
function hostAtEnd(element: string): string | undefined {
  const colon = element.lastIndexOf(':');
  const port = colon >= 0 && /^[0-9]+$/.test(element.slice(colon + 1)) ? element.slice(colon) : '';
  const name = element.slice(0, element.length - port.length);
  let start = name.length;
  while (start > 0 && /[a-z0-9.-]/.test(name[start - 1] ?? '')) start--;
  const host = name.slice(start);
  const dot = host.indexOf('.', 1);
  return dot > 0 && dot < host.length - 1 ? host + port : undefined;
}
