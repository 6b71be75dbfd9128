/** URLs that have to do with repositories: where a path is asked about, and which URLs may be a repository's. */
import { bytesOfText } from './go-text.ts';
import { schemeOfUrl } from './url-syntax.ts';

/** The page that says where the module or prefix `path` is kept: `https://example.com/x?go-get=1`. Undefined when `path` does not begin with a host name. */
export function discoveryUrl(path: string, scheme: 'https' | 'http' = 'https'): string | undefined {
  const slash = path.indexOf('/');
  const host = slash < 0 ? path : path.slice(0, slash);
  if (!host.includes('.')) return undefined;
  return `${scheme}://${host}${slash < 0 ? '/' : escapedPath(path.slice(slash))}?go-get=1`;
}

/** What Go's URLs leave as it is in a path. */
const PATH_CHARACTER = /[A-Za-z0-9\-_.~$&+,/:;=@]/;

function escapedPath(path: string): string {
  let escaped = '';
  for (const byte of bytesOfText(path)) {
    const character = String.fromCharCode(byte);
    const isKept = byte < 0x80 && PATH_CHARACTER.test(character);
    escaped += isKept ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return escaped;
}

/** Why `url` cannot be a repository's for the go command, or undefined: it must parse, have a scheme, and not be a file's. What more is asked of a git repository, the source that contacts it says. Attacker-controlled. */
export function repositoryFault(url: string): string | undefined {
  const read = schemeOfUrl(url);
  if ('fault' in read) return read.fault;
  if (read.scheme === '') return 'no scheme';
  return read.scheme === 'file' ? 'file scheme disallowed' : undefined;
}

const SECURE_SCHEMES: ReadonlySet<string> = new Set(['https', 'ssh', 'git+ssh', 'svn+ssh']);

/** Whether `scheme` (lower case) may be used for repositories of kind `vcs` where nothing insecure is allowed. `gitAllowProtocol`: git's own variable GIT_ALLOW_PROTOCOL, a list with `:` between; given and not empty it decides for git alone. */
export function isSecureScheme(scheme: string, vcs: string, gitAllowProtocol = ''): boolean {
  if (vcs === 'git' && gitAllowProtocol !== '') return gitAllowProtocol.split(':').includes(scheme);
  return SECURE_SCHEMES.has(scheme);
}

/** The same for a whole URL; what is none is not secure. */
export function isSecureUrl(url: string, vcs: string, gitAllowProtocol = ''): boolean {
  const read = schemeOfUrl(url);
  return 'scheme' in read && isSecureScheme(read.scheme, vcs, gitAllowProtocol);
}
