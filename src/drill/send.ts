import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Ask } from '../std/ask.ts';
import type { Clock } from '../std/clock.ts';
import type { Sending } from './spoil.ts';

type SendAsk = Ask & { readonly clock: Clock };

/** Sends the answer as it is to be sent, and resolves when that is done or the client is gone. Rejects with what the body fails with; the connection is given up then. */
export async function send(response: ServerResponse, sending: Sending, o: SendAsk): Promise<void> {
  const { socket } = response.req;
  try {
    for (let sent = 0; sent < sending.informational && !socket.destroyed; sent++)
      await write(socket, 'HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n');
    if (isProper(sending)) await sendProperly(response, sending, o);
    else await sendByHand(socket, sending, o);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function isProper({ claimedLength, cutAfter, hangs, repeated }: Sending): boolean {
  return claimedLength === undefined && cutAfter === undefined && hangs !== true && repeated.length === 0;
}

async function sendProperly(response: ServerResponse, sending: Sending, o: SendAsk): Promise<void> {
  const { answer } = sending;
  // A flat list, so that what comes twice goes out twice.
  const headers = answer.headers.flatMap(([name, value]) => [name, value]);
  if (answer.sizeBytes !== undefined) headers.push('content-length', String(answer.sizeBytes));
  response.writeHead(answer.status, headers);
  if (response.req.method === 'HEAD' || answer.status === 204 || answer.status === 304) {
    response.end();
    return;
  }
  response.flushHeaders();
  await pipeline(paced(sending, o), response, { signal: o.signal });
}

/** Byte by byte on the connection, which is closed at the end: a proper server would not send what is wrong. */
async function sendByHand(socket: Duplex, sending: Sending, o: SendAsk): Promise<void> {
  const { cutAfter = Number.POSITIVE_INFINITY } = sending;
  await write(socket, headText(sending));
  if (sending.hangs) return;
  let left = cutAfter;
  for await (const piece of paced(sending, o)) {
    if (left <= 0 || socket.destroyed) break;
    await write(socket, piece.subarray(0, left));
    left -= piece.length;
  }
  socket.end();
}

function headText({ answer, claimedLength, repeated }: Sending): string {
  const length = claimedLength ?? answer.sizeBytes;
  const headers: (readonly [string, string])[] = [...answer.headers, ['connection', 'close']];
  if (typeof length === 'number') headers.push(['content-length', String(length)]);
  const again = repeated.flatMap(({ name, value }) => {
    const there = headers.find(([one]) => one.toLowerCase() === name.toLowerCase())?.[1];
    return [[name, value ?? there ?? 'larder'] as const];
  });
  const lines = [...headers, ...again].map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${answer.status} Status\r\n${lines.join('')}\r\n`;
}

async function* paced({ answer, trickle }: Sending, { clock, signal }: SendAsk): AsyncGenerator<Uint8Array> {
  for await (const piece of answer.body) {
    if (trickle === undefined) yield piece;
    else
      for (let at = 0; at < piece.length; at += trickle.bytes) {
        yield piece.subarray(at, at + trickle.bytes);
        await clock.sleep(trickle.everyMs, { signal });
      }
  }
}

/** Resolves when the bytes are on their way. */
function write(socket: Duplex, bytes: string | Uint8Array): Promise<void> {
  if (bytes.length === 0) return Promise.resolve();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.write(bytes, (error) => (error ? reject(error) : resolve()));
  return promise;
}
