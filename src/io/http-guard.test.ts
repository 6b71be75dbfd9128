/** What the egress guard means for requests: each refusal beside the same request without the guard, which gets through. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { CertificateAuthority, hasOpenssl } from '../../tests/fakes/certificates.ts';
import { startForwardProxy } from '../../tests/fakes/forward-proxy.ts';
import { skipUnless } from '../../tests/skip.ts';
import { createEgressGuard } from './egress/egress-guard.ts';
import type { EgressGuard } from './egress/guard.ts';
import type { Lookup } from './egress/names.ts';
import { readEgressRules } from './egress/rules.ts';
import { covers, HttpClient, type HttpClientOptions } from './http-client.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function clientWith(options: Partial<HttpClientOptions>): HttpClient {
  const client = new HttpClient({ userAgent: 'larder/test', ...options });
  closers.push(() => client.close());
  return client;
}

function guardFor(allow: readonly string[], lookup?: Lookup): EgressGuard {
  return createEgressGuard({ rules: readEgressRules({ allow, ports: [443] }), ...(lookup && { lookup }) });
}

async function listening(server: Server & { closeAllConnections?: () => void }): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => (server.closeAllConnections?.(), server.close()));
  return (server.address() as AddressInfo).port;
}

async function serve(
  listener: RequestListener,
): Promise<{ readonly port: number; readonly connections: () => number }> {
  let connections = 0;
  const server = createServer(listener).on('connection', () => connections++);
  return { port: await listening(server), connections: () => connections };
}

const ask = { signal: new AbortController().signal, attempt: 'fetch x', maxBytes: 1000 };

async function textOf(client: HttpClient, url: string): Promise<string> {
  const answer = await client.getBytes(new URL(url), ask);
  return answer.kind === 'ok' ? Buffer.from(answer.bytes).toString() : `refused ${answer.status}`;
}

describe('a request behind the guard', () => {
  test('to an address that is not allowed is refused with its purpose, and nothing is connected', async () => {
    const sink = await serve((_, response) => response.end('secret'));
    const url = `http://127.0.0.1:${sink.port}/`;
    await expect(textOf(clientWith({ guard: guardFor([]) }), url)).rejects.toMatchObject({
      code: 'POLICY_DENIED',
      message: `fetch x: connect to 127.0.0.1:${sink.port} refused: it is at a loopback address; put 127.0.0.1 into egress.allow if it is meant`,
    });
    expect(sink.connections()).toBe(0);
    expect(await textOf(clientWith({}), url)).toBe('secret');
  });

  test('is checked again at a redirect', async () => {
    const sink = await serve((_, response) => response.end('secret'));
    const good = await serve((_, response) =>
      response.writeHead(302, { location: `http://localhost:${sink.port}/` }).end(),
    );
    const url = `http://127.0.0.1:${good.port}/`;
    await expect(textOf(clientWith({ guard: guardFor([`127.0.0.1:${good.port}`]) }), url)).rejects.toMatchObject({
      code: 'POLICY_DENIED',
      message: expect.stringContaining(`localhost:${sink.port}`),
    });
    expect(sink.connections()).toBe(0);
    expect(await textOf(clientWith({}), url)).toBe('secret');
  });

  test('redirected to another host does not profit from what the operator named for another purpose', async () => {
    const named = await serve((_, response) => response.end('of the inside'));
    const stranger = await serve((request, response) =>
      request.url === '/same'
        ? response.end('here')
        : response
            .writeHead(302, { location: request.url === '/own' ? '/same' : `http://localhost:${named.port}/` })
            .end(),
    );
    const guardNaming = (allow: readonly string[]): EgressGuard => {
      const targets = [
        { host: 'localhost', port: named.port },
        { host: '127.0.0.1', port: stranger.port },
      ];
      return createEgressGuard({ rules: readEgressRules({ allow, ports: [443], named: targets }) });
    };
    const url = `http://127.0.0.1:${stranger.port}`;
    const client = clientWith({ guard: guardNaming([]) });
    // Positive controls: both are reached by those who were told to, and redirects within one host go on.
    expect(await textOf(client, `http://localhost:${named.port}/`)).toBe('of the inside');
    expect(await textOf(client, `${url}/own`)).toBe('here');
    const before = named.connections();
    await expect(textOf(client, url)).rejects.toMatchObject({
      code: 'POLICY_DENIED',
      message: `fetch x: connect to localhost:${named.port} refused: it is at a loopback address; put localhost into egress.allow if it is meant`,
    });
    expect(named.connections()).toBe(before);
    expect(await textOf(clientWith({ guard: guardNaming(['localhost']) }), url)).toBe('of the inside');
  });

  test('uses a connection again, without asking the guard', async () => {
    let asked = 0;
    const good = await serve((_, response) => response.end('ok'));
    const guard = guardFor([`git.example:${good.port}`], () => Promise.resolve(['127.0.0.1']));
    const connect: EgressGuard['connect'] = (target, o) => (asked++, guard.connect(target, o));
    const client = clientWith({ guard: { ...guard, connect } });
    for (let i = 0; i < 5; i++) expect(await textOf(client, `http://git.example:${good.port}/`)).toBe('ok');
    expect(good.connections()).toBeLessThanOrEqual(2);
    expect(asked).toBe(good.connections());
  });

  test('fails as any other where nobody listens or nobody answers', async () => {
    const silent = await listening(createTcpServer((socket) => socket.on('error', () => {})));
    const guard = guardFor(['127.0.0.1']);
    await expect(textOf(clientWith({ guard }), 'http://127.0.0.1:1/')).rejects.toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
      message: 'fetch x: connection refused',
    });
    await expect(
      textOf(clientWith({ guard, connectTimeoutMs: 100 }), `https://127.0.0.1:${silent}/`),
    ).rejects.toMatchObject({ code: 'UPSTREAM_TIMEOUT', message: 'fetch x: no connection in time' });
    await expect(
      textOf(
        clientWith({ guard: guardFor([], () => new Promise(() => {})), connectTimeoutMs: 100 }),
        'https://x.example/',
      ),
    ).rejects.toMatchObject({ code: 'UPSTREAM_TIMEOUT', message: 'fetch x: no connection in time' });
    const unknown: Lookup = (hostname) =>
      Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND', hostname }));
    await expect(textOf(clientWith({ guard: guardFor([], unknown) }), 'https://x.example/')).rejects.toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
      message: 'fetch x: no such host',
      detail: { noSuchHost: 'x.example' },
    });
  });
});

describe('credentials at a redirect', () => {
  test('stay with the origin that they are for, in every header, and do not come back to it', async () => {
    const seen: [string, IncomingHttpHeaders][] = [];
    const other = await serve((request, response) => {
      seen.push(['other', request.headers]);
      response.writeHead(302, { location: `http://127.0.0.1:${first.port}/back` }).end();
    });
    const first = await serve((request, response) => {
      seen.push([request.url ?? '', request.headers]);
      if (request.url === '/start') response.writeHead(302, { location: `http://localhost:${other.port}/` }).end();
      else response.end('ok');
    });
    const headers = { authorization: 'Basic canary', 'private-token': 'canary', cookie: 'canary' };
    const credential = { origin: `http://127.0.0.1:${first.port}`, pathPrefix: '/', headers };
    const client = clientWith({ guard: guardFor(['127.0.0.1', 'localhost']) });
    const answer = await client.getBytes(new URL(`http://127.0.0.1:${first.port}/start`), { ...ask, credential });
    expect(answer.kind).toBe('ok');
    expect(seen.map(([where]) => where)).toEqual(['/start', 'other', '/back']);
    // The control: the first request did carry them.
    expect(JSON.stringify(seen[0]).match(/canary/g)).toHaveLength(3);
    expect(JSON.stringify(seen.slice(1))).not.toContain('canary');
  });
});

test.each([
  ['/team', '/team', true],
  ['/team', '/team/x.git/info/refs', true],
  ['/team', '/teamx', false],
  ['/team', '//team/x', false],
  ['/team', '/TEAM/x', false],
  ['/team', '/team/..%2fother', false],
  ['/team', '/team/..%5Cother', false],
  ['/team', '/team/%2e%2e/other', false],
  ['/', '/team/..%2fother', true],
])('a credential for %s goes to %s: %s', (pathPrefix, path, expected) => {
  const credential = { origin: 'https://git.corp.example', pathPrefix, headers: {} };
  expect(covers(credential, new URL(`https://GIT.corp.example:443${path}`))).toBe(expected);
  for (const other of [
    'http://git.corp.example',
    'https://git.corp.example.',
    'https://git.corp.example:8443',
    'https://git.corp.example@evil.example',
  ])
    expect(covers(credential, new URL(other + path))).toBe(false);
});

describe('TLS behind the guard', () => {
  skipUnless(hasOpenssl(), 'openssl is not installed');
  const folder = mkdtempSync(join(tmpdir(), 'larder-guard-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('is for the name that was asked for, over the address that was checked', async () => {
    const authority = new CertificateAuthority(folder);
    const tls = { ca: authority.certificate.cert };
    const port = await listening(
      createTlsServer(authority.issue({ names: 'DNS:git.example' }), (_, response) => response.end('safe')),
    );
    const lookup: Lookup = () => Promise.resolve(['127.0.0.1']);
    const guard = guardFor(['git.example', 'other.example'], lookup);
    expect(await textOf(clientWith({ guard, tls }), `https://git.example:${port}/`)).toBe('safe');
    await expect(textOf(clientWith({ guard, tls }), `https://other.example:${port}/`)).rejects.toMatchObject({
      detail: { tls: 'certificate is for another name' },
    });
    await expect(textOf(clientWith({ guard }), `https://git.example:${port}/`)).rejects.toMatchObject({
      detail: { tls: 'certificate is from an unknown authority' },
    });
  });
});

describe('through a forward proxy', () => {
  const proxied = async (lookup: Lookup, allow: readonly string[] = []) => {
    const good = await serve((_, response) => response.end('ok'));
    const proxy = await startForwardProxy(() => good.port);
    closers.push(() => proxy.close());
    const proxies = { http: proxy.origin, https: proxy.origin };
    return {
      proxy,
      proxies,
      guard: createEgressGuard({ rules: readEgressRules({ allow, ports: [80, 443] }), lookup }),
    };
  };
  const private10: Lookup = () => Promise.resolve(['10.0.0.1']);

  test.each([
    'http://10.0.0.1/',
    'https://10.0.0.1/',
    'http://[::ffff:a9fe:a9fe]/',
    'http://0xa9fea9fe/',
    'http://x.example/',
  ])('%s is refused before the proxy hears of it; without the guard it does', async (url) => {
    const { proxy, proxies, guard } = await proxied(private10);
    await expect(textOf(clientWith({ proxies, guard }), url)).rejects.toMatchObject({ code: 'POLICY_DENIED' });
    expect(proxy.requests).toEqual([]);
    await textOf(clientWith({ proxies }), url).catch(() => {});
    expect(proxy.requests).toHaveLength(1);
  });

  test('a public name passes, and so does one that only the proxy knows', async () => {
    const publicName: Lookup = (name) =>
      name === 'known.example'
        ? Promise.resolve(['1.1.1.1'])
        : Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' }));
    const { proxies, guard } = await proxied(publicName);
    const client = clientWith({ proxies, guard });
    expect(await textOf(client, 'http://known.example/')).toBe('ok');
    expect(await textOf(client, 'http://unknown.example/')).toBe('ok');
  });

  test('a host that needs no proxy is checked like every other', async () => {
    const { proxy, proxies, guard } = await proxied(() => Promise.resolve(['127.0.0.1']));
    const client = clientWith({ proxies: { ...proxies, none: 'x.example' }, guard });
    await expect(textOf(client, 'http://x.example/')).rejects.toMatchObject({ code: 'POLICY_DENIED' });
    expect(proxy.requests).toEqual([]);
  });

  test('this machine is never asked for through it', async () => {
    const { proxy, proxies, guard } = await proxied(private10);
    await expect(textOf(clientWith({ proxies, guard }), 'http://127.0.0.1/')).rejects.toMatchObject({
      code: 'POLICY_DENIED',
    });
    expect(proxy.requests).toEqual([]);
  });
});
