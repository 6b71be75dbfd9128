import { type Ask, abortedError } from '../std/ask.ts';
import { AppError, isAppError, messageOf, systemCodeOf } from '../std/errors.ts';
import { doubtfulDay } from './clock-doubt.ts';
import { PIN_MISMATCH } from './pins.ts';

/** Why a TLS handshake was refused, in words an operator can act on; keys are the codes that Node and OpenSSL give. */
const TLS_REASONS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'certificate has expired',
  CERT_NOT_YET_VALID: 'certificate is not yet valid',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate is for another name',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'certificate is from an unknown authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificate is from an unknown authority',
  UNABLE_TO_GET_ISSUER_CERT: 'certificate is from an unknown authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'certificate is from an unknown authority',
  [PIN_MISMATCH]: 'pin mismatch',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'TLS version is too old',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'TLS version is too old',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'a client certificate is required',
};

const SYSTEM_REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection reset',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ETIMEDOUT: 'connection timed out',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'name lookup failed',
  ETIMEOUT: 'name lookup took too long',
  UND_ERR_SOCKET: 'connection closed',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'connection closed', // Closed in good order, but inside the body.
};

/**
 * The AppError for anything that a request can fail with: UPSTREAM_TIMEOUT, UPSTREAM_BAD_RESPONSE (what came is not HTTP),
 * ABORTED (or the signal's own reason), POLICY_DENIED (the egress guard), else UPSTREAM_UNAVAILABLE. TLS refusals carry `detail.tls` with the reason, and
 * `detail.clock` with the day when this machine's clock (`now`, wall ms) must be wrong; a name that has no address is in `detail.noSuchHost`: it may be that of a proxy, or of where we
 * were sent. No connection in time has `detail.phase` `connect`.
 */
export function httpFailure(error: unknown, attempt: string, { signal }: Ask, now: number = Date.now()): AppError {
  // The guard of connections knows where to, but not what for.
  if (isAppError(error, 'POLICY_DENIED', 'OFFLINE'))
    return new AppError(error.code, `${attempt}: ${error.message}`, { cause: error, detail: error.detail });
  if (isAppError(error)) return error;
  if (signal.aborted) return abortedError(signal);
  const code = systemCodeOf(error) ?? '';
  const tls = tlsReason(error, code);
  if (tls !== undefined) return tlsFailure(`${attempt}: ${tls}`, error, { tls, clock: doubtfulDay(code, now) });
  if (code === 'UND_ERR_CONNECT_TIMEOUT')
    return new AppError('UPSTREAM_TIMEOUT', `${attempt}: no connection in time`, {
      cause: error,
      detail: { phase: 'connect' },
    });
  if (code === 'UND_ERR_HEADERS_TIMEOUT')
    return new AppError('UPSTREAM_TIMEOUT', `${attempt}: no answer in time`, { cause: error });
  if (code === 'UND_ERR_BODY_TIMEOUT')
    return new AppError('UPSTREAM_TIMEOUT', `${attempt}: stalled inside the answer`, { cause: error });
  if (isNotHttp(code))
    return new AppError('UPSTREAM_BAD_RESPONSE', `${attempt}: not a valid HTTP answer`, { cause: error });
  return new AppError(
    'UPSTREAM_UNAVAILABLE',
    `${attempt}: ${SYSTEM_REASONS[code] ?? proxyReason(error) ?? (code || 'request failed')}`,
    { cause: error, detail: noSuchHost(error, code) },
  );
}

function tlsFailure(
  message: string,
  cause: unknown,
  { tls, clock }: { readonly tls: string; readonly clock: string | undefined },
): AppError {
  if (clock === undefined) return new AppError('UPSTREAM_UNAVAILABLE', message, { cause, detail: { tls } });
  const doubt = `${message} (clock? this machine says ${clock})`;
  return new AppError('UPSTREAM_UNAVAILABLE', doubt, { cause, detail: { tls, clock } });
}

function noSuchHost(error: unknown, code: string): { readonly noSuchHost?: string } {
  if (code !== 'ENOTFOUND') return {};
  const { hostname } = error as { readonly hostname?: unknown };
  return typeof hostname === 'string' ? { noSuchHost: hostname } : {};
}

/** Whether asking once more on a fresh connection may help: a pooled connection had been closed by the other side. */
export function isStaleConnection(error: unknown): boolean {
  const code = systemCodeOf(error);
  if (code === 'ECONNRESET' || code === 'EPIPE') return true;
  const socket = (error as { socket?: { bytesRead?: number } } | undefined)?.socket;
  return code === 'UND_ERR_SOCKET' && (socket?.bytesRead ?? 0) > 0;
}

function isNotHttp(code: string): boolean {
  return code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW';
}

function tlsReason(error: unknown, code: string): string | undefined {
  if (code in TLS_REASONS) return TLS_REASONS[code];
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_')) return 'TLS handshake failed';
  return /before secure TLS connection was established/.test(messageOf(error)) ? 'TLS handshake failed' : undefined;
}

/** What a forward proxy said to CONNECT: the client library knows it only as text. */
function proxyReason(error: unknown): string | undefined {
  const said = /Proxy response \((\d+)\)|Proxy Authentication Required \((\d+)\)/.exec(messageOf(error));
  return said === null ? undefined : `the HTTP proxy answered ${said[1] ?? said[2]}`;
}
