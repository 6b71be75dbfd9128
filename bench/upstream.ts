/** A GOPROXY server over a tree, for benchmarks: counts requests, delays and slows answers when told. Run as a child process. */
import { createReadStream, statSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const [tree = '', port = '0'] = process.argv.slice(2);
const PIECE_BYTES = 1 << 20;
let delayMs = 0;
let bytesPerSecond = Number.POSITIVE_INFINITY;
let total = 0;
let zip = 0;

const server = createServer((request, response) => void answer(request.url ?? '/', response));

async function answer(url: string, response: ServerResponse): Promise<void> {
  total++;
  if (url.endsWith('.zip')) zip++;
  if (delayMs < 0) return;
  if (delayMs > 0) await sleep(delayMs);
  const file = join(tree, decodeURIComponent(url));
  const size = statSync(file, { throwIfNoEntry: false })?.size;
  if (size === undefined) {
    response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('not found\n');
    return;
  }
  response.writeHead(200, { 'content-length': size });
  // A client that leaves is no failure of the upstream.
  await pipeline(slowed(createReadStream(file, { highWaterMark: PIECE_BYTES })), response).catch(() => undefined);
}

async function* slowed(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    yield piece;
    if (Number.isFinite(bytesPerSecond)) await sleep((piece.length / bytesPerSecond) * 1000);
  }
}

process.on('message', (message: { ask: string; ms?: number; bytesPerSecond?: number }) => {
  if (message.ask === 'delay') delayMs = message.ms ?? 0;
  if (message.ask === 'pace') bytesPerSecond = message.bytesPerSecond ?? Number.POSITIVE_INFINITY;
  process.send?.({ total, zip });
});
process.on('disconnect', () => process.exit(0));
server.listen(Number(port), '127.0.0.1', () => process.send?.({ total, zip }));
