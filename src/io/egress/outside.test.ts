/** While it is shut nobody gets out; each refusal beside the same thing before and after. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startForwardProxy } from '../../../tests/fakes/forward-proxy.ts';
import { HttpClient, type HttpClientOptions } from '../http-client.ts';
import { createEgressGuard } from './egress-guard.ts';
import type { EgressGuard } from './guard.ts';
import { guardedBy, Outside } from './outside.ts';
import { readEgressRules } from './rules.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

let outside: Outside;
let guard: EgressGuard;
let lookups: string[];
let sockets: Set<Socket>;
let connections: number;
let port: number;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
beforeEach(async () => {
  [outside, lookups, sockets, connections] = [new Outside(), [], new Set(), 0];
  answer = (_, response) => response.end('here');
  const lookup = async (name: string): Promise<readonly string[]> => (lookups.push(name), ['127.0.0.1']);
  const rules = readEgressRules({ allow: ['127.0.0.1', 'up.example'], ports: [443] });
  guard = guardedBy(outside, createEgressGuard({ rules, lookup }));
  const server = createServer((request, response) => answer(request, response)).on('connection', (socket: Socket) => {
    connections++;
    sockets.add(socket.on('close', () => sockets.delete(socket)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => (server.closeAllConnections(), server.close()));
  port = (server.address() as AddressInfo).port;
});

const never = { signal: new AbortController().signal };
const ask = { ...never, attempt: 'fetch x', maxBytes: 1000 };

function clientWith(options: Partial<HttpClientOptions> = {}): HttpClient {
  const client = new HttpClient({ userAgent: 'larder/test', guard, ...options });
  closers.push(() => client.close());
  return client;
}

async function textOf(client: HttpClient, url = `http://127.0.0.1:${port}/`): Promise<string> {
  const got = await client.getBytes(new URL(url), ask);
  return got.kind === 'ok' ? Buffer.from(got.bytes).toString() : `refused ${got.status}`;
}

describe('the guard of a shut outside', () => {
  test('looks no name up and connects to nobody, until it is open again', async () => {
    const target = { host: 'up.example', port };
    outside.shut();
    await expect(guard.resolve(target, never)).rejects.toMatchObject({ code: 'OFFLINE' });
    await expect(guard.connect(target, { ...never, timeoutMs: 1000 })).rejects.toMatchObject({ code: 'OFFLINE' });
    expect([lookups, connections]).toEqual([[], 0]);
    outside.open();
    expect(await guard.resolve(target, never)).toEqual(['127.0.0.1']);
    (await guard.connect(target, { ...never, timeoutMs: 1000 })).destroy();
    expect(lookups).toEqual(['up.example']);
  });

  test('gives nobody a connection that is made while it is being shut', async () => {
    const connecting = guard.connect({ host: 'up.example', port }, { ...never, timeoutMs: 1000 });
    outside.shut();
    await expect(connecting).rejects.toMatchObject({ code: 'OFFLINE' });
    await expect.poll(() => sockets.size).toBe(0);
  });

  test('ends the connections that were made', async () => {
    const socket = await guard.connect({ host: '127.0.0.1', port }, { ...never, timeoutMs: 1000 });
    await expect.poll(() => sockets.size).toBe(1);
    outside.shut();
    expect(socket.destroyed).toBe(true);
    await expect.poll(() => sockets.size).toBe(0);
  });
});

test('it tells of each change, once', () => {
  const told: boolean[] = [];
  outside.onChange((isShut) => told.push(isShut));
  outside.open();
  outside.shut();
  outside.shut();
  outside.open();
  expect(told).toEqual([true, false]);
});

describe('requests', () => {
  test('are refused, idle connections closed, and all is as before when it is open again', async () => {
    const client = clientWith();
    expect(await textOf(client)).toBe('here');
    expect(sockets.size).toBe(1);
    outside.shut();
    await expect.poll(() => sockets.size).toBe(0);
    await expect(textOf(client)).rejects.toMatchObject({ code: 'OFFLINE', message: /^fetch x: .*larder offline off/ });
    expect(connections).toBe(1);
    outside.open();
    expect(await textOf(client)).toBe('here');
  });

  test('under way are ended', async () => {
    const come = Promise.withResolvers<void>();
    answer = (_, response) => (response.write('he'), come.resolve());
    const asked = textOf(clientWith());
    await come.promise;
    outside.shut();
    await expect(asked).rejects.toMatchObject({
      code: expect.stringMatching(/^(OFFLINE|UPSTREAM_UNAVAILABLE)$/) as string,
    });
    await expect.poll(() => sockets.size).toBe(0);
  });

  test.each(['http', 'https'] as const)(
    'to %s do not go through a forward proxy either, though it was asked a moment ago',
    async (scheme) => {
      const proxy = await startForwardProxy(() => port);
      closers.push(() => proxy.close());
      const client = clientWith({ proxies: { [scheme]: proxy.origin } });
      const url = `${scheme}://up.example:${port}/`;
      // With TLS no further than the handshake with a server that has none.
      const first = await textOf(client, url).catch((error: unknown) => error);
      if (scheme === 'http') expect(first).toBe('here');
      expect(proxy.requests).toHaveLength(1);
      outside.shut();
      await expect.poll(() => proxy.open.size).toBe(0);
      await expect(textOf(client, url)).rejects.toMatchObject({ code: 'OFFLINE' });
      expect(proxy.requests).toHaveLength(1);
      outside.open();
      await textOf(client, url).catch(() => undefined);
      expect(proxy.requests.length).toBeGreaterThan(1);
    },
  );
});
