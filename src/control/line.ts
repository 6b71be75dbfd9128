import type { Socket } from 'node:net';
import { AppError } from '../std/errors.ts';

/** Bounds of a line. */
export interface LineLimits {
  readonly maxBytes: number;
  /** For the whole line; absent = as long as the connection is open. */
  readonly ms?: number;
  /** For messages. */
  readonly what: string;
}

const NEWLINE = 0x0a;

/**
 * The first line that comes from `socket`, without its newline; what comes after it is read and thrown away, so that the end of the connection is seen. Rejects with TOO_LARGE,
 * OVERLOADED when it does not come in time, or ABORTED when the connection ends before.
 */
export function readLine(socket: Socket, { maxBytes, ms, what }: LineLimits): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  let held: Buffer[] = [];
  let size = 0;
  let isDone = false;
  const timer =
    ms === undefined ? undefined : setTimeout(() => fail('OVERLOADED', `it did not come within ${ms} ms`), ms);
  const done = (): void => {
    isDone = true;
    held = [];
    clearTimeout(timer);
  };
  const fail = (code: 'TOO_LARGE' | 'OVERLOADED' | 'ABORTED', why: string): void => {
    done();
    reject(new AppError(code, `read ${what}: ${why}`));
  };
  socket.on('data', (chunk: Buffer) => {
    if (isDone) return;
    const end = chunk.indexOf(NEWLINE);
    held.push(end < 0 ? chunk : chunk.subarray(0, end));
    size += held.at(-1)?.length ?? 0;
    if (size > maxBytes) return fail('TOO_LARGE', `more than ${maxBytes} bytes`);
    if (end < 0) return;
    const line = Buffer.concat(held);
    done();
    resolve(line);
  });
  socket.once('close', () => {
    if (!isDone) fail('ABORTED', 'the connection ended before');
  });
  return promise;
}
