import { AppError, type ErrorCode } from '../../std/errors.ts';

interface Sign {
  readonly text: RegExp;
  readonly code: ErrorCode;
  readonly words: string;
  /** The words do not say what to do. */
  readonly needsAdvice?: true;
}

/** What ssh itself says, most telling first. */
const SIGNS: readonly Sign[] = [
  {
    text: /Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED|No \S+ host key is known for/,
    code: 'AUTH_REQUIRED',
    words: 'its host key is not the one in the file of knownHosts, so it may be another machine',
  },
  {
    text: /bad permissions|UNPROTECTED PRIVATE KEY FILE/,
    code: 'AUTH_REQUIRED',
    words: 'ssh does not use the file of sshKey, because others may read it: make it 0600',
  },
  {
    text: /Load key .*: (?!bad permissions)|no such identity/,
    code: 'AUTH_REQUIRED',
    words: 'the file of sshKey cannot be used as a private key without passphrase',
  },
  {
    text: /Permission denied|Too many authentication failures|No supported authentication methods/,
    code: 'AUTH_REQUIRED',
    words: 'it does not let this key in',
    needsAdvice: true,
  },
  { text: /Connection refused/, code: 'UPSTREAM_UNAVAILABLE', words: 'connection refused' },
  { text: /timed out|Timeout/, code: 'UPSTREAM_UNAVAILABLE', words: 'no answer in time' },
  { text: /No route to host|Network is unreachable/, code: 'UPSTREAM_UNAVAILABLE', words: 'no route to the host' },
  { text: /connect to host .* port/, code: 'UPSTREAM_UNAVAILABLE', words: 'no connection' },
  {
    text: /Connection (?:closed|reset)|kex_exchange_identification|Broken pipe|banner line|Unable to negotiate/,
    code: 'UPSTREAM_UNAVAILABLE',
    words: 'the connection broke off',
  },
];

/** Why ssh did not get through to `origin` (`ssh://host:port`), by its own log; undefined when it did, or does not say. Quotes nothing of the log: parts of it are the host's. */
export function sshFailure(log: string, o: { attempt: string; origin: string; advice: string }): AppError | undefined {
  const sign = SIGNS.find(({ text }) => text.test(log));
  if (sign === undefined) return undefined;
  const advice = sign.needsAdvice ? `; ${o.advice}` : '';
  return new AppError(sign.code, `${o.attempt}: ${o.origin}: ${sign.words}${advice}`);
}
