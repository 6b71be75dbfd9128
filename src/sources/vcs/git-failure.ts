import { shown } from '../../gomod/shown.ts';
import type { Exit } from '../../io/subprocess.ts';
import { AppError, type ErrorCode, isAppError } from '../../std/errors.ts';
import type { GitRemote } from './git-network.ts';

/** What is wrong with a mirror's own files: it is thrown away and made again. Never leaves this folder. */
export class DamagedMirror extends Error {
  readonly exit: Exit;

  constructor(exit: Exit) {
    super(`git exit ${exit.exitCode}: ${shown(lastLine(exit.stderr))}`);
    this.name = 'DamagedMirror';
    this.exit = exit;
  }

  /** Whether it is not the files after all: git was killed, and is to be asked again. */
  get wasKilled(): boolean {
    return wasKilled(this.exit);
  }
}

/** Whether a signal that we did not send ended git or a program of its. */
function wasKilled({ exitCode, stderr }: Exit): boolean {
  return exitCode > 128 || /^error: \S+ died of signal/m.test(stderr);
}

/** How a command that talked with a remote ended. */
export interface RemoteExit extends Exit {
  /** What to set so that the remote lets us in, where that is known. */
  readonly advice?: string;
}

interface Sign {
  readonly text: RegExp;
  readonly code: ErrorCode;
  readonly words: string;
}

const TOO_MUCH: Sign = {
  text: /attempting to allocate \d+ over limit|out of memory|data too large to fit into virtual memory/i,
  code: 'TOO_LARGE',
  words: 'it needs more memory than git is given',
};

/** What remotes, and git and ssh about them, say; the first that fits counts. Only what is certain about the remote is here: the rest may be a damaged mirror. */
const SIGNS: readonly Sign[] = [
  TOO_MUCH,
  {
    text: /no space left on device|disk quota exceeded|read-only file system/i,
    code: 'STORE_UNAVAILABLE',
    words: 'the volume of the mirrors cannot be written',
  },
  {
    text: /host key verification failed|no .* host key is known for|remote host identification has changed/i,
    code: 'AUTH_REQUIRED',
    words: 'the host key is not one of the known ones: set knownHosts',
  },
  {
    text: /permission denied|authentication failed|could not read (?:username|password)|terminal prompts disabled|returned error: 40[13]\b|access denied|too many authentication failures/i,
    code: 'AUTH_REQUIRED',
    words: 'not let in',
  },
  {
    // Over ssh somebody has always let us in: large hosts say this of what our key may not see, too.
    text: /^(?:remote:|ERROR:|fatal: remote error:) .*(?:not found|could not be found|does not exist)/,
    code: 'AUTH_REQUIRED',
    words: 'it shows no such repository to this key or these credentials',
  },
  {
    text: /repository .* not found|repository not found|does not appear to be a git repository|returned error: 4(?:04|10)\b|project .* could not be found/i,
    code: 'NOT_FOUND',
    words: 'repository not found',
  },
  {
    text: /transport '.*' not allowed/i,
    code: 'POLICY_DENIED',
    words: 'this way of reaching a repository is not allowed',
  },
  {
    text: /could not resolve|connection (?:refused|reset|timed out|closed)|network is unreachable|no route to host|operation timed out|couldn't connect|failed to connect|returned error: (?:429|5\d\d)\b|empty reply from server/i,
    code: 'UPSTREAM_UNAVAILABLE',
    words: 'not reachable',
  },
  {
    text: /rpc failed|early eof|unexpected disconnect|hung up unexpectedly|transfer closed|the remote end hung up|expected flush after/i,
    code: 'UPSTREAM_UNAVAILABLE',
    words: 'the connection broke off',
  },
  { text: /^fatal: remote error: /, code: 'UPSTREAM_UNAVAILABLE', words: 'the remote failed' },
  { text: /^fatal: protocol error: /, code: 'UPSTREAM_BAD_RESPONSE', words: 'that is no git server' },
  { text: /could not read from remote repository/i, code: 'UPSTREAM_UNAVAILABLE', words: 'not reachable' },
];

/** `exit` of a command that talked with `remote`. */
export function toldBy<T extends Exit>({ advice }: Pick<GitRemote, 'advice'>, exit: T): T & RemoteExit {
  return advice === undefined ? exit : { ...exit, advice };
}

/** What a remote did to a command that failed; undefined when that may just as well be our own files. `attempted` names the repository. */
export function remoteFailure(attempted: string, exit: RemoteExit): AppError | undefined {
  if (wasKilled(exit)) return new AppError('OVERLOADED', `${attempted}: git was killed, perhaps for want of memory`);
  return firstSign(SIGNS, attempted, exit);
}

/** The same for files that git has whole, and that are too much for it all the same; undefined for everything else. */
export function memoryFailure(attempted: string, exit: Exit): AppError | undefined {
  return firstSign([TOO_MUCH], attempted, exit);
}

function firstSign(signs: readonly Sign[], attempted: string, exit: RemoteExit): AppError | undefined {
  for (const { text, code, words } of signs) {
    const line = exit.stderr.split('\n').find((one) => text.test(one));
    if (line === undefined) continue;
    const advice = code === 'AUTH_REQUIRED' && exit.advice !== undefined ? `; ${exit.advice}` : '';
    return new AppError(code, `${attempted}: ${words}: ${shown(withoutFolder(line))}${advice}`);
  }
  return undefined;
}

/** What kept a run of git from its end (a limit, or that there is no git), as a failure of what was `attempted`; every other error as it is. */
export function runFailure(attempted: string, error: unknown): unknown {
  if (!isAppError(error) || !/^run \S+: /.test(error.message)) return error;
  const isLimit = error.code === 'UPSTREAM_TIMEOUT' || error.code === 'TOO_LARGE';
  const what = isLimit ? error.message.replace(/^run \S+: /, '') : error.message;
  return new AppError(error.code, `${attempted}: ${what}`, { cause: error, detail: error.detail });
}

/** Where a mirror lies is no affair of those who ask for modules. */
function withoutFolder(line: string): string {
  return line.replace(/\/[^\s'":]*(?:[0-9a-f]{64}|\.passing-[0-9a-f]{16})/g, 'the mirror');
}

/** What is left: git does not like what it was sent. */
export function badRepository(attempted: string, exit: Exit): AppError {
  return new AppError(
    'UPSTREAM_BAD_RESPONSE',
    `${attempted}: git refuses what it was sent: ${shown(lastLine(exit.stderr))}`,
  );
}

/** The line that says what happened, as far as one can tell; attacker-controlled. */
function lastLine(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line !== '');
  const telling = lines.findLast((line) => /^(?:fatal|error|remote: fatal|remote: error)/i.test(line));
  return withoutFolder(telling ?? lines.at(-1) ?? 'without a word');
}
