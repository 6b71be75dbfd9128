import { subdirectoryFault } from '../../gomod/meta-import.ts';
import { cleanedInside } from '../../gomod/path-prefix.ts';
import { repositoryFault } from '../../gomod/repository-url.ts';
import { shown } from '../../gomod/shown.ts';
import { withoutUserinfo } from '../../gomod/url-syntax.ts';
import { AppError } from '../../std/errors.ts';

/** What somebody says about where modules are kept. Attacker-controlled. */
interface Claim {
  /** `mod`, or a version control system. */
  readonly vcs: string;
  readonly repository: string;
  readonly subdirectory: string;
}

export interface RepositoryAddress {
  /** As it was claimed, but without a secret: of userinfo the user of ssh alone is left. */
  readonly url: string;
  /** Clean, never climbs out; empty for the top. */
  readonly subdirectory: string;
}

const PROTECTED: ReadonlySet<string> = new Set(['https', 'ssh', 'git+ssh']);
const UNPROTECTED: ReadonlySet<string> = new Set(['http', 'git']);

/**
 * Where the repository (or, for `mod`, the module proxy) of `claim` is, when this server may contact such a URL. Throws NOT_FOUND for what the go command or git cannot use
 * either, and POLICY_DENIED for an unprotected protocol unless `isInsecure`.
 */
export function repositoryAddress({ vcs, repository, subdirectory }: Claim, isInsecure: boolean): RepositoryAddress {
  const clean = subdirectoryFault(subdirectory) === undefined ? cleanedInside(subdirectory) : undefined;
  if (clean === undefined)
    throw refusal(
      `invalid subdirectory ${shown(subdirectory)}: ${subdirectoryFault(subdirectory) ?? 'outside the repository'}`,
    );
  const fault = repositoryFault(repository) ?? addressFault(repository);
  if (fault !== undefined) throw refusal(`invalid repo root ${shown(withoutUserinfo(repository))}: ${fault}`);
  const scheme = repository.slice(0, repository.indexOf(':')).toLowerCase();
  const isWeb = scheme === 'https' || scheme === 'http';
  if (!(PROTECTED.has(scheme) || UNPROTECTED.has(scheme)) || (vcs === 'mod' && !isWeb))
    throw refusal(`invalid repo root ${shown(withoutUserinfo(repository))}: this server does not use ${shown(scheme)}`);
  if (UNPROTECTED.has(scheme) && !isInsecure)
    throw new AppError(
      'POLICY_DENIED',
      `${scheme} is not protected: it is used for modules that git.insecure names, no others`,
    );
  return { url: withoutSecret(repository, isWeb), subdirectory: clean };
}

/** Names and addresses as they stand in DNS and in URLs: nothing that a command could take for an option or a part of its own language. */
const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\.?|\[[0-9A-Fa-f:.]+\])$/;
const USER = /^(?:[A-Za-z0-9_][A-Za-z0-9._~%+-]*)?$/;

/** What the reference leaves to git, decided before git sees it. */
function addressFault(text: string): string | undefined {
  // A browser's parser, which the connection goes by, would take what follows further slashes for the host.
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/]/.test(text)) return 'no :// and host after the scheme';
  if (/[\\?#]/.test(text)) return 'a backslash, query or fragment is not allowed';
  const url = URL.parse(text);
  if (url === null || !HOST.test(url.hostname)) return 'not a host name';
  return url.protocol.endsWith('ssh:') && !USER.test(url.username) ? 'not a user name' : undefined;
}

function withoutSecret(text: string, isWeb: boolean): string {
  const [, scheme = '', userinfo = '', rest = ''] = /^([^/]*\/\/)(?:([^/]*)@)?(.*)$/.exec(text) ?? [];
  const user = isWeb ? '' : (userinfo.split(':')[0] ?? '');
  return user === '' ? scheme + rest : `${scheme}${user}@${rest}`;
}

function refusal(what: string): AppError {
  return new AppError('NOT_FOUND', what);
}
