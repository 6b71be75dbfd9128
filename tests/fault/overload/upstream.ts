/**
 * A GOPROXY with as many modules as one likes, run as a child process: `/x.test/NAME/@v/v1.0.0.{info,mod,zip}` and `@v/list` for any name, 404 for all below
 * `/absent.test/`. A name that begins with `big` has a zip of `BIG_BYTES`. Counts, and delays its answers when told.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { plainZip } from '../../fakes/plain-zip.ts';

const [port = '0', bigBytes = '0'] = process.argv.slice(2);
/** Bytes that do not deflate, the same for every zip. */
const noise = randomBytes(Number(bigBytes));
const zips = new Map<string, Buffer>();
let delayMs = 0;
let total = 0;
let zip = 0;

function zipOf(module: string): Buffer {
  const at = `${module}@v1.0.0`;
  const files = [{ name: `${at}/go.mod`, content: `module ${module}\n` }];
  const big = module.startsWith('x.test/big') ? [{ name: `${at}/noise`, content: noise }] : [];
  return plainZip([...files, ...big]);
}

function bodyOf(url: string): Buffer | string | undefined {
  const [, module = '', file] = /^\/(x\.test\/[^@]+)\/@(.*)$/.exec(url) ?? [];
  switch (file) {
    case 'v/list':
      return 'v1.0.0\n';
    case 'v/v1.0.0.info':
    case 'latest':
      return '{"Version":"v1.0.0","Time":"2026-01-02T03:04:05Z"}';
    case 'v/v1.0.0.mod':
      return `module ${module}\n`;
    case 'v/v1.0.0.zip': {
      const made = zips.get(module) ?? zipOf(module);
      if (module.startsWith('x.test/big')) zips.set(module, made);
      return made;
    }
  }
  return undefined;
}

async function answer(url: string, response: ServerResponse): Promise<void> {
  total++;
  if (url.endsWith('.zip')) zip++;
  if (delayMs > 0) await sleep(delayMs);
  const body = bodyOf(url);
  if (body === undefined) response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n');
  else response.writeHead(200, { 'content-length': Buffer.byteLength(body) }).end(body);
}

const server = createServer((request, response) => void answer(request.url ?? '/', response));
process.on('message', ({ delay }: { readonly delay?: number }) => {
  if (delay !== undefined) delayMs = delay;
  process.send?.({ total, zip });
});
process.on('disconnect', () => process.exit(0));
server.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 }, () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' ? address?.port : undefined });
});
