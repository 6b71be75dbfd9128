import type { AppError } from '../std/errors.ts';

/**
 * What a failure says about who was asked:
 *
 * - `absent` it does not have it;
 * - `failed` it did not do its work: no connection, no answer in time, 5xx, an answer that is cut or none at all;
 * - `throttled` it is asked too much;
 * - `tls` its certificate is refused; `integrity` it sent other bytes than the proven ones;
 * - `refused` it answered, but not this question to us (401, 403, other 4xx, too large): nothing about its health, and another may be asked;
 * - `ours` nobody's fault but our store's or the checksum database's: it would say the same of the next one's bytes.
 */
export type Verdict = 'absent' | 'failed' | 'throttled' | 'tls' | 'integrity' | 'refused' | 'ours';

/** What `error`, with which asking a member ended, says about the member. The error of a fired signal is none to ask this about. */
export function verdictOf(error: AppError): Verdict {
  switch (error.code) {
    case 'NOT_FOUND':
    case 'GONE':
      return 'absent';
    case 'CHECKSUM_MISMATCH':
    case 'ZIP_INVALID':
      return 'integrity';
    case 'STORE_UNAVAILABLE':
    case 'SUMDB_UNAVAILABLE':
    case 'SUMDB_INCONSISTENT':
      return 'ours';
    case 'UPSTREAM_UNAVAILABLE':
    case 'UPSTREAM_TIMEOUT':
    case 'UPSTREAM_BAD_RESPONSE':
      return verdictOfUpstream(error);
    default:
      return 'refused';
  }
}

function verdictOfUpstream(error: AppError): Verdict {
  const { status, tls } = error.detail;
  if (status === 429 || (status === 503 && (retryAfterMsOf(error) ?? 0) > 0)) return 'throttled';
  if (typeof tls === 'string') return tls === HANDSHAKE_FAILED ? 'failed' : 'tls';
  return error.code === 'UPSTREAM_BAD_RESPONSE' && typeof status === 'number' && status >= 400 ? 'refused' : 'failed';
}

/** A connection that is cut inside the handshake gives this, too: no proof against the certificate. */
const HANDSHAKE_FAILED = 'TLS handshake failed';

/**
 * Whether a failure may be the doing of what was asked for: it was connected to, took the question, and had a fault, no answer in time, or one that is cut or rubbish. A proxy fails so for a module whose
 * repository is down.
 */
export function mayBeOfModule({ code, detail }: AppError): boolean {
  const { status, phase } = detail;
  if (code === 'UPSTREAM_TIMEOUT') return phase !== 'connect';
  return code === 'UPSTREAM_BAD_RESPONSE' || typeof status === 'number' || phase === 'body';
}

/** Retry-After, ms, where it was given. */
export function retryAfterMsOf({ detail }: AppError): number | undefined {
  return typeof detail['retryAfterSeconds'] === 'number' ? detail['retryAfterSeconds'] * 1000 : undefined;
}

/** Whether the same member may answer when asked once more: no connection, a cut one, or a server that had a fault. What took too long would take as long again. */
export function isWorthRetry(error: AppError): boolean {
  const { status, noSuchHost } = error.detail;
  const isFault = status === undefined || (typeof status === 'number' && status >= 500 && status !== 501);
  return error.code === 'UPSTREAM_UNAVAILABLE' && verdictOf(error) === 'failed' && noSuchHost === undefined && isFault;
}
