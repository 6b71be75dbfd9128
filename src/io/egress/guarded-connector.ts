import type { Socket } from 'node:net';
import { buildConnector, errors } from 'undici';
import { isAppError } from '../../std/errors.ts';
import type { TlsConnect } from '../http-tls.ts';
import type { EgressGuard } from './guard.ts';

export interface ConnectorOptions {
  /** Connect and TLS handshake together. */
  readonly timeoutMs: number;
  /** Fired = the pools are gone, and nobody wants the connection any more. */
  readonly signal: AbortSignal;
  /** Asked for at the first TLS connection. */
  readonly tls: () => TlsConnect;
}

/**
 * How the connection pools of the HTTP library connect: through the guard, TLS over the socket that was checked. A refusal is the guard's POLICY_DENIED; every other
 * failure is what the library gives for its own connections.
 */
export function guardedConnector(guard: EgressGuard, o: ConnectorOptions): buildConnector.connector {
  let secure: buildConnector.connector | undefined;
  const { signal, timeoutMs } = o;
  const connect = async (to: buildConnector.Options): Promise<Socket> => {
    const isTls = to.protocol === 'https:';
    // Before the clock runs: reading the authorities takes its time.
    if (isTls) secure ??= buildConnector({ timeout: timeoutMs, allowH2: false, ...o.tls() });
    const endsAt = performance.now() + timeoutMs;
    const port = Number(to.port) || (isTls ? 443 : 80);
    const socket = await guard.connect({ host: to.hostname, port }, { signal, timeoutMs });
    socket.setNoDelay(true).setKeepAlive(true, 60_000);
    return isTls && secure !== undefined ? await handshake(secure, { ...to, httpSocket: socket }, endsAt) : socket;
  };
  return (to, done) => void report(connect(to), done);
}

async function report(connected: Promise<Socket>, done: buildConnector.Callback): Promise<void> {
  let socket: Socket;
  try {
    socket = await connected;
  } catch (error) {
    done(asLibraryError(error), null);
    return;
  }
  done(null, socket);
}

/** The library's own limit would begin anew. */
async function handshake(
  secure: buildConnector.connector,
  to: buildConnector.Options & { readonly httpSocket: Socket },
  endsAt: number,
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const late = setTimeout(
    () => {
      reject(new errors.ConnectTimeoutError('TLS handshake'));
      to.httpSocket.destroy();
    },
    Math.max(1, endsAt - performance.now()),
  );
  secure(to, (error, socket) => (error ? reject(error) : resolve(socket)));
  try {
    return await promise;
  } finally {
    clearTimeout(late);
  }
}

function asLibraryError(error: unknown): Error {
  if (isAppError(error, 'UPSTREAM_TIMEOUT')) return new errors.ConnectTimeoutError(error.message);
  if (isAppError(error, 'UPSTREAM_UNAVAILABLE') && error.cause instanceof Error) return error.cause;
  return error as Error;
}
