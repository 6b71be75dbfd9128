import { placeFault } from './place.ts';

/** How a token is sent. */
export type TokenForm = (typeof TOKEN_FORMS)[number];

export const TOKEN_FORMS = ['basic', 'bearer', 'github', 'gitlab', 'gitea'] as const;

/** What lets us in at one place, as the operator wrote it. Secret: `password` and `token` may be the secrets themselves. */
export interface CredentialRow {
  /** `https://git.corp.example/team`: this origin, at and below this path. `ssh://` for keys. `http://` sends in the open, and is meant when written. */
  readonly url: string;
  readonly username?: string | undefined;
  /** The secret, or where it is: `env:NAME`, `file:/absolute/path`. */
  readonly password?: string | undefined;
  readonly token?: string | undefined;
  /** Default: what the host is known for, else `basic`. */
  readonly form?: TokenForm | undefined;
  /** Absolute path of a file in the form of netrc. */
  readonly netrc?: string | undefined;
  /** A git credential helper and its arguments; `get` or `erase` is added. */
  readonly helper?: readonly string[] | undefined;
  /** A command in the manner of GOAUTH and its arguments. */
  readonly command?: readonly string[] | undefined;
  /** Absolute paths. */
  readonly sshKey?: string | undefined;
  readonly knownHosts?: string | undefined;
}

/** What is wrong with a row: under which of its keys, and why. The words repeat no value. */
export interface CredentialRowFault {
  readonly key: keyof CredentialRow;
  readonly fault: string;
}

/** Each of them lets us in by itself; a row has one. */
const WAYS = ['password', 'token', 'netrc', 'helper', 'command'] as const;
const SSH_WAYS = ['sshKey', 'knownHosts'] as const;
const PATHS = ['netrc', 'sshKey', 'knownHosts'] as const;
const WORDS = 64;

/** Why `row` cannot be used, or undefined when it can. Does no IO: files and variables need not be there. */
export function credentialRowFault(row: CredentialRow): CredentialRowFault | undefined {
  const fault = placeFault(row.url);
  if (fault !== undefined) return { key: 'url', fault };
  return (/^ssh:/i.test(row.url) ? sshFault(row) : httpFault(row)) ?? valueFault(row);
}

function sshFault(row: CredentialRow): CredentialRowFault | undefined {
  const misplaced = [...WAYS, 'form' as const].find((key) => row[key] !== undefined);
  if (misplaced !== undefined)
    return { key: misplaced, fault: 'cannot be used over ssh, which takes sshKey and knownHosts' };
  if (SSH_WAYS.every((key) => row[key] === undefined)) return { key: 'url', fault: 'needs sshKey, knownHosts or both' };
  return undefined;
}

function httpFault(row: CredentialRow): CredentialRowFault | undefined {
  const misplaced = SSH_WAYS.find((key) => row[key] !== undefined);
  if (misplaced !== undefined) return { key: misplaced, fault: 'is for ssh:// URLs' };
  const [way, second] = WAYS.filter((key) => row[key] !== undefined);
  if (way === undefined) return { key: 'url', fault: `needs one of ${WAYS.join(', ')}` };
  if (second !== undefined) return { key: second, fault: `cannot stand beside ${way}: a row has one way in` };
  return companionFault(row, way);
}

function companionFault(row: CredentialRow, way: (typeof WAYS)[number]): CredentialRowFault | undefined {
  if (way === 'password' && row.username === undefined) return { key: 'password', fault: 'needs a username beside it' };
  if (row.username !== undefined && (way === 'netrc' || way === 'command'))
    return { key: 'username', fault: `cannot stand beside ${way}, which names the user itself` };
  if (row.username !== undefined && row.form === 'bearer')
    return { key: 'username', fault: 'cannot stand beside the form bearer, which has none' };
  if (way === 'command' && /^http:/i.test(row.url)) return { key: 'command', fault: 'works for https:// URLs alone' };
  if (row.form !== undefined && way !== 'token')
    return { key: 'form', fault: 'says how a token is sent, and stands beside token' };
  return undefined;
}

function valueFault(row: CredentialRow): CredentialRowFault | undefined {
  for (const key of PATHS) {
    const path = row[key];
    if (path !== undefined && !isAbsolutePath(path)) return { key, fault: 'must be an absolute path' };
  }
  if (row.form !== undefined && !TOKEN_FORMS.includes(row.form))
    return { key: 'form', fault: `must be one of ${TOKEN_FORMS.join(', ')}` };
  if (row.username !== undefined && !isUserName(row.username))
    return { key: 'username', fault: 'must be printable, without a colon, and not begin with a dash' };
  return secretFault(row) ?? argvFault(row);
}

function secretFault(row: CredentialRow): CredentialRowFault | undefined {
  for (const key of ['password', 'token'] as const) {
    const fault = referenceFault(row[key]);
    if (fault !== undefined) return { key, fault };
  }
  return undefined;
}

function referenceFault(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (hasControl(text) || text === '') return 'must be one line and not empty';
  if (text.startsWith('env:') && !/^env:[A-Za-z_][A-Za-z0-9_]*$/.test(text)) return 'must name a variable after env:';
  if (text.startsWith('file:') && !isAbsolutePath(text.slice('file:'.length)))
    return 'must have an absolute path after file:';
  return undefined;
}

function argvFault(row: CredentialRow): CredentialRowFault | undefined {
  for (const key of ['helper', 'command'] as const) {
    const argv = row[key];
    if (argv !== undefined && !isArgv(argv))
      return { key, fault: `must be a program, by name or absolute path, and at most ${WORDS} words for it` };
  }
  return undefined;
}

/** A program that is named by a relative path would depend on where we were started. */
function isArgv(argv: readonly string[]): boolean {
  const [program = ''] = argv;
  const isPlain = argv.length <= WORDS && argv.every((word) => word.length <= 4096 && !word.includes('\0'));
  return isPlain && program !== '' && !program.startsWith('-') && (!program.includes('/') || isAbsolutePath(program));
}

function isUserName(text: string): boolean {
  return text !== '' && text.length <= 256 && !text.startsWith('-') && !text.includes(':') && !hasControl(text);
}

function isAbsolutePath(text: string): boolean {
  return text.startsWith('/') && text.length <= 4096 && !hasControl(text);
}

function hasControl(text: string): boolean {
  return /\p{Cc}/u.test(text);
}
