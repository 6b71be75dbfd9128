import { connect, type Socket } from 'node:net';
import { type Ask, abortedError } from '../../std/ask.ts';

/** How long one address is waited for before the next is tried beside it. */
const HEAD_START_MS = 250;
/** As the HTTP library has it for its own sockets. */
const BUFFER_BYTES = 64 * 1024;

/**
 * A connection to the first of `addresses` (literals, at least one) that answers; each has a head start before the next. Rejects with the first system error when all
 * fail, or with the reason of the signal; nothing is left open then. The caller destroys the socket.
 */
export function dialFirst(addresses: readonly string[], port: number, { signal }: Ask): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const open = new Set<Socket>();
  let next = 0;
  let firstError: unknown;
  let headStart: NodeJS.Timeout | undefined;
  const end = (winner?: Socket): void => {
    clearTimeout(headStart);
    next = addresses.length;
    signal.removeEventListener('abort', onAbort);
    for (const one of open) if (one !== winner) one.destroy();
  };
  const onAbort = (): void => {
    end();
    reject(abortedError(signal));
  };
  const dialNext = (): void => {
    clearTimeout(headStart);
    const host = addresses[next++];
    if (host === undefined) {
      if (open.size > 0) return;
      end();
      return reject(firstError);
    }
    const how = { host, port, noDelay: true, highWaterMark: BUFFER_BYTES };
    const socket = connect(how);
    open.add(socket);
    // Stays on: an error between here and the next owner's listener must not end the process.
    socket.on('error', (error) => {
      firstError ??= error;
      if (open.delete(socket)) dialNext();
    });
    socket.once('connect', () => {
      end(socket);
      open.clear();
      resolve(socket);
    });
    headStart = setTimeout(dialNext, HEAD_START_MS);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  else dialNext();
  return promise;
}
