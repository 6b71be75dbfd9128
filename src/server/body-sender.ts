import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { AppError } from '../std/errors.ts';

/** Reads a body from front to back into buffers of ours; 0 only at the end. One pull at a time. */
export interface BodyReader {
  pull(into: Uint8Array): Promise<number>;
  close(): Promise<void>;
}

/** The buffers of one sending: with two, the next piece is read while the last one is on its way to the kernel. */
interface Lane {
  readonly first: Uint8Array;
  readonly second?: Uint8Array;
}

export interface BufferPoolOptions {
  /** How many sendings get two large buffers at a time; more are served with a small one each. */
  readonly lanes: number;
  readonly bufferBytes: number;
  /** Size of the single buffer of a sending that found no lane: slow readers cost this much each, and cannot hold up the others. */
  readonly overflowBytes: number;
}

export const defaultBufferPool: BufferPoolOptions = { lanes: 16, bufferBytes: 512 * 1024, overflowBytes: 64 * 1024 };

/**
 * Large buffers used again and again: allocating and faulting in fresh memory for each piece costs more than sending it
 * (measured: 0.65 of nginx with fresh 1 MB pieces, 1.48 with pooled 256 KB ones). Buffers are made when first needed.
 */
export class BufferPool {
  readonly #options: BufferPoolOptions;
  readonly #idle: Lane[] = [];
  #made = 0;

  constructor(options: BufferPoolOptions = defaultBufferPool) {
    this.#options = options;
  }

  /** A lane, for exactly one giveBack. Never waits. */
  take(): Lane {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    const { lanes, bufferBytes, overflowBytes } = this.#options;
    if (this.#made >= lanes) return { first: Buffer.allocUnsafeSlow(overflowBytes) };
    this.#made++;
    return { first: Buffer.allocUnsafeSlow(bufferBytes), second: Buffer.allocUnsafeSlow(bufferBytes) };
  }

  /** `isQuiet` = nothing can read or write the buffers any more. Otherwise they are left to the garbage collector. */
  giveBack(lane: Lane, isQuiet: boolean): void {
    if (lane.second === undefined) return;
    if (isQuiet) this.#idle.push(lane);
    else this.#made--;
  }
}

/** A body to be sent, and where to. */
export interface Sending {
  readonly res: ServerResponse;
  /** The connection of the request: `res.socket` is still null while an earlier pipelined request is being answered. */
  readonly connection: Socket;
  readonly reader: BodyReader;
  /** Exact length of the body: the Content-Length that was, or will be, announced. */
  readonly sizeBytes: number;
  readonly pool: BufferPool;
  /** Called once, when the first piece is at hand: writes the head. A reader that fails at once can so still be answered with an error. */
  begin(): void;
  /** Called after each piece that the kernel has taken. */
  readonly onSent: (bytes: number) => void;
}

/**
 * Sends a body through pooled buffers, one piece read ahead, never faster than the client takes it. Closes the reader.
 * Rejects with what the reader fails with, STORE_CORRUPT when it ends early, or ABORTED when the client is gone. Once the head
 * is out a failure destroys the connection: the client sees a cut body, never a wrong whole one.
 */
export async function sendBody(sending: Sending): Promise<void> {
  try {
    await pumpAndClose(sending);
  } catch (error) {
    // Only now that the reader is closed, which takes a moment: a connection that ends before its reason is told counts as one that the client left.
    if (sending.res.headersSent) sending.res.destroy();
    throw error;
  }
}

async function pumpAndClose(sending: Sending): Promise<void> {
  const lane = sending.pool.take();
  let isQuiet = false;
  try {
    await pump(sending, lane);
    isQuiet = true;
  } finally {
    sending.pool.giveBack(lane, isQuiet);
    await sending.reader.close();
  }
}

async function pump(s: Sending, lane: Lane): Promise<void> {
  let current = lane.first;
  let spare = lane.second;
  let remaining = s.sizeBytes;
  let length = await pull(s, current, remaining);
  await assigned(s.res, s.connection);
  s.begin();
  for (;;) {
    remaining -= length;
    const flushed = write(s, current.subarray(0, length));
    if (remaining === 0) s.res.end();
    if (remaining === 0 || spare === undefined) {
      await flushed;
      if (remaining === 0) return;
      length = await pull(s, current, remaining);
    } else {
      length = await settleBoth(pull(s, spare, remaining), flushed);
      [current, spare] = [spare, current];
    }
  }
}

/** Both are waited for also when one fails: the reader must not be closed, nor a buffer used again, under a running pull. */
async function settleBoth(pulled: Promise<number>, flushed: Promise<void>): Promise<number> {
  const [read, sent] = await Promise.allSettled([pulled, flushed]);
  if (sent.status === 'rejected') throw sent.reason;
  if (read.status === 'rejected') throw read.reason;
  return read.value;
}

async function pull(s: Sending, into: Uint8Array, remaining: number): Promise<number> {
  if (remaining === 0) return 0;
  const room = remaining < into.byteLength ? into.subarray(0, remaining) : into;
  const length = await s.reader.pull(room);
  if (length <= 0) throw new AppError('STORE_CORRUPT', `send body: it ended ${remaining} bytes early`);
  return length;
}

/** Resolves when the kernel has the bytes and the buffer may be used again. They are counted in the callback: the reply may have ended before a promise comes round. */
function write({ res, onSent }: Sending, chunk: Uint8Array): Promise<void> {
  if (chunk.byteLength === 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    res.write(chunk, (error) => {
      if (error) return reject(clientLeft(error));
      onSent(chunk.byteLength);
      resolve();
    });
  });
}

/** Waits until it is this reply's turn on its connection. Before that a write has no callback to rely on. */
function assigned(res: ServerResponse, connection: Socket): Promise<void> {
  if (res.socket !== null) return res.socket.destroyed ? Promise.reject(clientLeft()) : Promise.resolve();
  return new Promise((resolve, reject) => {
    if (connection.destroyed) return reject(clientLeft());
    const onGone = (): void => reject(clientLeft());
    connection.once('close', onGone);
    res.once('socket', () => {
      connection.off('close', onGone);
      resolve();
    });
  });
}

function clientLeft(cause?: Error): AppError {
  return new AppError('ABORTED', 'send body: the client left', { cause });
}
