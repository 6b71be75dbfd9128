/**
 * A load balancer that never retries, run as a child process: it hands requests in turns to the servers that say they are ready, which it asks ten times a second.
 * Arguments: the ports of the servers. Tells its own port, and answers messages with how many requests it could not hand on.
 */
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';

const ASK_EVERY_MS = 100;
const servers = process.argv.slice(2).map((port) => ({ port: Number(port), isReady: false }));
let turn = 0;
let lost = 0;

function look(server: (typeof servers)[number]): void {
  get({ port: server.port, path: '/readyz', agent: false, timeout: 1000 }, (answer) => {
    server.isReady = answer.statusCode === 200;
    answer.resume();
  }).on('error', () => (server.isReady = false));
}

function handOn(request: IncomingMessage, response: ServerResponse): void {
  const ready = servers.filter(({ isReady }) => isReady);
  const server = ready[turn++ % Math.max(1, ready.length)];
  const fail = (): void => {
    lost++;
    response.destroy();
  };
  if (server === undefined) return fail();
  get({ port: server.port, path: request.url, agent: false }, (answer) => {
    response.writeHead(
      answer.statusCode ?? 502,
      answer.rawHeaders.filter((_, i, all) => !isHop(all[i - (i % 2)] ?? '')),
    );
    // Not pipeline: a body that ends early has to reach the client as one that ends early.
    answer.pipe(response);
    answer.on('aborted', fail);
  }).on('error', fail);
}

function isHop(name: string): boolean {
  return /^(?:connection|keep-alive)$/i.test(name);
}

setInterval(() => {
  for (const server of servers) look(server);
}, ASK_EVERY_MS);
process.on('message', () => process.send?.({ lost }));
process.on('disconnect', () => process.exit(0));
const balancer = createServer(handOn).listen(0, '127.0.0.1', () => {
  const address = balancer.address();
  process.send?.({ port: typeof address === 'object' ? address?.port : undefined });
});
