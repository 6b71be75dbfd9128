import { AppError, type ErrorCode } from '../../std/errors.ts';

/** What git sends and what a git server answers, in the two questions of smart HTTP that a fetch consists of. */
export const QUESTION = 'application/x-git-upload-pack-request';
export const ADVERTISEMENT = 'application/x-git-upload-pack-advertisement';
export const RESULT = 'application/x-git-upload-pack-result';

/** One answer of a git server, as far as it decides whether it is one. */
export interface GitAnswer {
  readonly status: number;
  /** Without parameters, lower case. */
  readonly contentType: string;
  /** `https://host:port` that answered. */
  readonly origin: string;
  /** It says 404 to strangers and to us alike, so its 404 may stand for "you may not". */
  readonly hides: boolean;
}

export interface GitAnswerAsk {
  readonly attempt: string;
  /** The content type that a git server gives. */
  readonly wanted: string;
  /** What the operator does about a 401. */
  readonly advice: string;
}

/**
 * Why an answer cannot be given to git; undefined when it can. 401 and 403 are AUTH_REQUIRED, 404 and 410 NOT_FOUND, what may pass by itself is UPSTREAM_UNAVAILABLE, and
 * what no git server says is UPSTREAM_BAD_RESPONSE. A 404 of a host that hides is AUTH_REQUIRED too: a client that is told "not here" goes on to ask others for the
 * private name.
 */
export function answerFault({ status, contentType, origin, hides }: GitAnswer, o: GitAnswerAsk): AppError | undefined {
  const say = (code: ErrorCode, words: string): AppError =>
    new AppError(code, `${o.attempt}: ${words}`, { detail: { status } });
  if (status === 200)
    return contentType === o.wanted ? undefined : say('UPSTREAM_BAD_RESPONSE', noGit(origin, contentType));
  if (status === 401 || status === 403)
    return say(
      'AUTH_REQUIRED',
      `${origin} answered ${status}, so it wants credentials or has no such repository: ${o.advice}`,
    );
  if (status === 404 && hides)
    return say(
      'AUTH_REQUIRED',
      `${origin} answered 404, so it has no such repository or does not show it to these credentials: ${o.advice}`,
    );
  if (status === 404 || status === 410) return say('NOT_FOUND', `repository not found (${origin} answered ${status})`);
  return say(isPassing(status) ? 'UPSTREAM_UNAVAILABLE' : 'UPSTREAM_BAD_RESPONSE', `${origin} answered ${status}`);
}

function isPassing(status: number): boolean {
  return status >= 500 || status === 407 || status === 408 || status === 425 || status === 429;
}

function noGit(origin: string, contentType: string): string {
  const what = contentType === 'text/html' ? 'a web page, perhaps for logging in,' : 'something';
  return `${origin} answered with ${what} that is no answer of a git server over smart HTTP`;
}
