import type { ErrorCode } from '../std/errors.ts';

/** How one kind of failure is told to a client. */
export interface StatusRow {
  readonly status: number;
  /** Cache-Control of the reply. */
  readonly cacheControl: string;
  /** Retry-After in seconds, where asking again soon makes sense; a range = somewhere in it, otherwise for each request. */
  readonly retryAfterSeconds?: number | readonly [number, number];
  /** Whether a go command goes on to the next entry of its GOPROXY list after `,`. True for 404 and 410 alone. */
  readonly fallsThrough: boolean;
  /** The words the reply starts with. */
  readonly words: string;
}

const noStore = 'no-store';

function notHere(status: 404 | 410, maxAgeSeconds: number, words: string): StatusRow {
  return { status, cacheControl: `public, max-age=${maxAgeSeconds}`, fallsThrough: true, words };
}

function failure(status: number, words: string, retryAfterSeconds?: StatusRow['retryAfterSeconds']): StatusRow {
  const row = { status, cacheControl: noStore, fallsThrough: false, words };
  return retryAfterSeconds === undefined ? row : { ...row, retryAfterSeconds };
}

/**
 * THE table: every error code, as HTTP. The status is a security control. With `,` a go command goes on to its next source,
 * often `direct`, on 404 and 410 only; so only a name that cannot exist, or that every source answered for, may be one of
 * these. What could not be told is 502 to 504, what must not be had is 403.
 */
const table: Readonly<Record<ErrorCode, StatusRow>> = {
  // A malformed name exists nowhere, and 400 would end the client's list. It never becomes well-formed either.
  BAD_MODULE_PATH: notHere(404, 60, 'not found'),
  BAD_VERSION: notHere(404, 60, 'not found'),
  // Short: a tag that was pushed just now must be seen within seconds.
  NOT_FOUND: notHere(404, 5, 'not found'),
  GONE: notHere(410, 5, 'gone'),
  POLICY_DENIED: failure(403, 'denied by policy'),
  // A source wanted credentials that we do not have. 401 would send the developer looking for a password of ours.
  AUTH_REQUIRED: failure(502, 'a source wants credentials'),
  CHECKSUM_MISMATCH: failure(502, 'checksum mismatch'),
  SUMDB_INCONSISTENT: failure(502, 'checksum database inconsistent'),
  // Nobody could say what the bytes must be: 503 and never 404, which would send the client where nobody checks.
  SUMDB_UNAVAILABLE: failure(503, 'checksum database unavailable', 5),
  ZIP_INVALID: failure(502, 'invalid module zip'),
  TOO_LARGE: failure(502, 'too large'),
  UPSTREAM_UNAVAILABLE: failure(502, 'upstream unavailable', 5),
  UPSTREAM_TIMEOUT: failure(504, 'upstream timed out', 5),
  UPSTREAM_BAD_RESPONSE: failure(502, 'bad answer from upstream', 5),
  STORE_UNAVAILABLE: failure(503, 'store unavailable', 5),
  STORE_CORRUPT: failure(503, 'stored copy is damaged', 5),
  CONFLICT: failure(503, 'changed meanwhile', 1),
  // Nobody outside was asked, by the operator's will: it may well be there.
  OFFLINE: failure(503, 'offline', 60),
  OVERLOADED: failure(503, 'overloaded', [1, 5]),
  // Only for whoever is known by a credential: everybody else waits, and is told 503.
  QUOTA_EXCEEDED: failure(429, 'quota exceeded', 5),
  ABORTED: failure(503, 'stopped', 1),
  // Credentials that cannot be read, or no git: until the operator puts it right it cannot be told what is there.
  CONFIG_INVALID: failure(503, 'misconfigured'),
  INTERNAL: failure(500, 'internal error'),
};

/**
 * For a question that no checksum database understands, as databases answer it. Nothing falls through from there: a client that was told that its database
 * is relayed stays with the relay. A malformed name of a module file, on the other hand, is "not here".
 */
export const MALFORMED_QUESTION = 400;

/** The row of `code`. Total: there is one for each code. */
export function statusOf(code: ErrorCode): StatusRow {
  return table[code];
}
