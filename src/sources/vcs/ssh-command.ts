import { isAbsolute } from 'node:path';
import type { SshIdentity } from '../../credentials/credentials.ts';
import { readHost } from '../../io/egress/addresses.ts';
import { AppError } from '../../std/errors.ts';

/** Where an ssh URL leads. */
export interface SshTarget {
  readonly user: string;
  /** As known_hosts and messages have it: a name, or an address without brackets. */
  readonly host: string;
  readonly port: number;
  /** What git is given. */
  readonly url: string;
}

/** What ssh is told beside the files of `identity`. */
export interface SshSettings {
  /** Checked address of the host. */
  readonly address: string;
  readonly target: SshTarget;
  readonly identity: SshIdentity & { readonly knownHostsFile: string };
  readonly connectTimeoutMs: number;
  /** After so long without a sign of life the connection is given up. */
  readonly idleMs: number;
}

const DEFAULT_PORT = 22;

/**
 * The parts of an `ssh://` URL, each in the plain form in which no shell, option parser or configuration file finds a meaning. Throws POLICY_DENIED for every other. Attacker-controlled.
 */
export function readSshUrl(url: URL, { user: fallback = 'git' }: SshIdentity): SshTarget {
  const host = readHost(url.hostname);
  const user = url.username || fallback;
  const isPlain = /^[A-Za-z0-9_][A-Za-z0-9._+-]{0,63}$/.test(user) && /^\/[^-][\x21-\x7e]*$/.test(url.pathname);
  if (host === undefined || !isPlain || url.password !== '' || url.search !== '' || url.hash !== '')
    throw new AppError(
      'POLICY_DENIED',
      `reach a repository over ssh: use ssh://USER@HOST[:PORT]/PATH with plain characters and nothing else`,
    );
  const name = 'address' in host ? host.address.text : host.name;
  const port = Number(url.port) || DEFAULT_PORT;
  const place = name.includes(':') ? `[${name}]` : name;
  return { user, host: name, port, url: `ssh://${user}@${place}:${port}${url.pathname}` };
}

/**
 * The configuration file for one connection. It says everything that matters, so that neither a user's nor the machine's file, nor a command line, is needed: hosts are believed
 * by the given file alone, one key is offered, nothing is forwarded or executed. Throws CONFIG_INVALID for a file name that this format cannot hold.
 */
export function sshConfiguration({ address, target, identity, connectTimeoutMs, idleMs }: SshSettings): string {
  const rows: readonly (readonly [string, string | number])[] = [
    ['Hostname', address.replaceAll('%', '%%')],
    ['HostKeyAlias', target.port === DEFAULT_PORT ? target.host : `[${target.host}]:${target.port}`],
    ['UserKnownHostsFile', quoted(identity.knownHostsFile)],
    // Without a row, ssh would offer the keys that lie in the home of the account.
    ['IdentityFile', identity.keyFile === undefined ? 'none' : quoted(identity.keyFile)],
    ['ConnectTimeout', Math.max(1, Math.ceil(connectTimeoutMs / 1000))],
    ['ServerAliveInterval', Math.max(1, Math.floor(idleMs / 2000))],
    ...FIXED,
  ];
  return `Host *\n${rows.map(([name, value]) => `  ${name} ${value}\n`).join('')}`;
}

const FIXED: readonly (readonly [string, string])[] = [
  ['ServerAliveCountMax', '2'],
  ['ConnectionAttempts', '1'],
  ['BatchMode', 'yes'],
  ['LogLevel', 'ERROR'],
  // Whom we believe.
  ['StrictHostKeyChecking', 'yes'],
  ['GlobalKnownHostsFile', '/dev/null'],
  ['VerifyHostKeyDNS', 'no'],
  ['UpdateHostKeys', 'no'],
  ['CheckHostIP', 'no'],
  ['CanonicalizeHostname', 'no'],
  // As whom we come.
  ['PreferredAuthentications', 'publickey'],
  ['PubkeyAuthentication', 'yes'],
  ['IdentitiesOnly', 'yes'],
  ['IdentityAgent', 'none'],
  ['AddKeysToAgent', 'no'],
  ['PasswordAuthentication', 'no'],
  ['KbdInteractiveAuthentication', 'no'],
  ['HostbasedAuthentication', 'no'],
  ['GSSAPIAuthentication', 'no'],
  // One plain connection to the checked address.
  ['ProxyCommand', 'none'],
  ['ProxyJump', 'none'],
  ['ControlMaster', 'no'],
  ['ControlPath', 'none'],
  ['PermitLocalCommand', 'no'],
  ['ClearAllForwardings', 'yes'],
  ['ForwardAgent', 'no'],
  ['ForwardX11', 'no'],
  ['Tunnel', 'no'],
  ['RequestTTY', 'no'],
  ['EscapeChar', 'none'],
];

/** ssh expands `%`, `$` and a leading `~` in file names, and has no way to write every character. */
function quoted(path: string): string {
  if (isAbsolute(path) && /^[^\p{C}"'\\$%~#]+$/u.test(path)) return `"${path}"`;
  throw new AppError(
    'CONFIG_INVALID',
    `credentials: the files of sshKey and knownHosts need absolute names without quotes, backslashes and any of $ % ~ #`,
  );
}

/** The value of GIT_SSH_COMMAND, which git gives to a shell: our own words, quoted. ssh writes what it has to say itself to `logFile`, apart from what the host says. */
export function sshCommand(program: string, configFile: string, logFile: string): string {
  return [program, '-F', configFile, '-E', logFile].map(shellWord).join(' ');
}

function shellWord(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
