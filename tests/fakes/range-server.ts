/** A server on loopback that has one body below every path, gives out parts of it as RFC 9110 says, and breaks off or lies when told to. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One answer, as it would properly be; what a test changes in it is sent as it stands. */
export interface PartAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Bytes of the body after which the connection is closed. */
  readonly cutAfter?: number;
  /** Bytes of the body after which nothing more comes. */
  readonly stallAfter?: number;
  /** Awaited after this many bytes of the body. */
  readonly pause?: { readonly after: number; readonly until: Promise<unknown> };
}

/** Changes the proper answer to request number `nth`, from 0. */
export type Behaviour = (proper: PartAnswer, nth: number, request: IncomingMessage) => Partial<PartAnswer>;

export interface RangeServer {
  readonly origin: string;
  /** The Range of each request; undefined where there was none. */
  readonly ranges: readonly (string | undefined)[];
  close(): Promise<void>;
}

/** Starts one. Close it. */
export async function startRangeServer(
  bodyOf: (path: string) => Uint8Array | undefined,
  behave: Behaviour = () => ({}),
): Promise<RangeServer> {
  const ranges: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    const body = bodyOf(request.url ?? '');
    if (body === undefined) return void response.writeHead(404).end('not here\n');
    const nth = ranges.push(request.headers.range) - 1;
    const proper = properAnswer(body, request);
    void send(response, { ...proper, ...behave(proper, nth, request) }).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ranges,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const ETAG = '"one-body"';

function properAnswer(body: Uint8Array, { headers }: IncomingMessage): PartAnswer {
  const start = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? NaN);
  const ifRange = headers['if-range'];
  if (Number.isNaN(start) || (ifRange !== undefined && ifRange !== ETAG))
    return { status: 200, headers: { etag: ETAG, 'content-length': String(body.length) }, body };
  if (start >= body.length)
    return { status: 416, headers: { 'content-range': `bytes */${body.length}` }, body: Buffer.alloc(0) };
  const part = body.subarray(start);
  const range = `bytes ${start}-${body.length - 1}/${body.length}`;
  return {
    status: 206,
    headers: { etag: ETAG, 'content-length': String(part.length), 'content-range': range },
    body: part,
  };
}

async function send(response: ServerResponse, answer: PartAnswer): Promise<void> {
  const { status, headers, body, cutAfter, stallAfter, pause } = answer;
  response.writeHead(status, headers).flushHeaders();
  const end = cutAfter ?? stallAfter ?? body.length;
  if (pause !== undefined) {
    await write(response, body.subarray(0, pause.after));
    await pause.until;
  }
  await write(response, body.subarray(pause?.after ?? 0, end));
  // Ended on the connection: what was announced has not all been sent.
  if (cutAfter !== undefined) response.socket?.end();
  else if (stallAfter === undefined) response.end();
}

/** Resolves when the bytes are on their way, so that closing does not lose them. */
function write(response: ServerResponse, bytes: Uint8Array): Promise<void> {
  if (bytes.length === 0) return Promise.resolve();
  return new Promise((resolve, reject) => response.write(bytes, (error) => (error ? reject(error) : resolve())));
}
