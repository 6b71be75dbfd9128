/** A relay in front of a proxy that remembers what it was asked and what came back: what the go command and its proxy said to each other. */
import { createServer, type IncomingMessage, request as startRequest, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';

/** Where a request goes: the base of a server, and the raw path to ask it for. */
export interface Destination {
  readonly base: string;
  readonly path: string;
}

/** A request and the status of its answer: `['GET /rsc.io/quote/@v/list', 200]`. */
export type Exchange = readonly [line: string, status: number];

export interface Recorder {
  /** `http://127.0.0.1:PORT/mod`: what `$P` stands for. The recorded paths are those below it. */
  readonly base: string;
  /** What was said since the last call. */
  take(): readonly Exchange[];
  close(): Promise<void>;
}

/** Starts one; `route` says where the request for a raw path below the base goes. */
export async function startRecorder(route: (path: string) => Promise<Destination>): Promise<Recorder> {
  let exchanges: Exchange[] = [];
  const server = createServer((request, response) => {
    const path = (request.url ?? '').replace(/^\/mod(?=\/)/, '');
    relay(request, response, route(path)).then(
      (status) => exchanges.push([`${request.method} ${path}`, status]),
      () => {
        exchanges.push([`${request.method} ${path}`, 0]);
        response.destroy();
      },
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mod`,
    take() {
      const taken = exchanges;
      exchanges = [];
      return taken;
    },
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}

async function relay(request: IncomingMessage, response: ServerResponse, to: Promise<Destination>): Promise<number> {
  const { base, path } = await to;
  const { hostname, port, pathname } = new URL(base);
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const headers = { ...request.headers, host: `${hostname}:${port}` };
  startRequest({ hostname, port, path: pathname.replace(/\/$/, '') + path, method: request.method, headers })
    .on('response', resolve)
    .on('error', reject)
    .end();
  const answer = await promise;
  const status = answer.statusCode ?? 0;
  response.writeHead(status, answer.headers);
  await pipeline(answer, response);
  return status;
}
