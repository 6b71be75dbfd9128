/** What a fault proxy stands in front of in tests: servers on this machine, asked byte by byte, so that what the proxy passes on is what they said. */
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { type FaultProxy, type FaultProxyOptions, startFaultProxy } from '../../src/drill/fault-proxy.ts';
import type { FaultTarget, OriginAnswer } from '../../src/drill/origin.ts';

type Options = Omit<FaultProxyOptions, 'target'>;

/** A fault proxy before the HTTP server at `base`; requests keep their path. */
export function faultyHttp(base: string, options: Options = {}): Promise<FaultProxy> {
  return startFaultProxy({ ...options, target: httpTarget(base) });
}

/** A fault proxy before whatever listens on `port`, which it knows nothing of. */
export function faultyTcp(port: number, options: Options = {}): Promise<FaultProxy> {
  return startFaultProxy({ ...options, target: tcpTarget(port) });
}

function tcpTarget(port: number): FaultTarget {
  return {
    kind: 'tcp',
    dial: () => {
      const { promise, resolve, reject } = Promise.withResolvers<ReturnType<typeof connect>>();
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => resolve(socket));
      socket.once('error', reject);
      return promise;
    },
  };
}

/** Of the connection between the two, not of the answer. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length']);

function httpTarget(base: string): FaultTarget {
  const { hostname, port } = new URL(base);
  return {
    kind: 'http',
    origin: ({ method, path, headers }, { signal }) => {
      const { promise, resolve, reject } = Promise.withResolvers<OriginAnswer>();
      const mine = { ...headers, host: `${hostname}:${port}`, connection: 'close' } as Record<string, string>;
      const asked = request({ hostname, port, method, path, headers: mine, signal, agent: false });
      asked.on('response', (answer) => resolve(read(answer)));
      asked.on('error', reject);
      asked.end();
      return promise;
    },
  };
}

function read(answer: IncomingMessage): OriginAnswer {
  const pairs: (readonly [string, string])[] = [];
  for (let i = 0; i + 1 < answer.rawHeaders.length; i += 2)
    pairs.push([answer.rawHeaders[i] ?? '', answer.rawHeaders[i + 1] ?? '']);
  const length = answer.headers['content-length'];
  return {
    status: answer.statusCode ?? 0,
    headers: pairs.filter(([name]) => !HOP_BY_HOP.has(name.toLowerCase())),
    ...(length !== undefined && { sizeBytes: Number(length) }),
    body: answer,
  };
}
