import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates } from 'node:tls';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { CertificateAuthority, type CertificateWish, hasOpenssl } from '../../tests/fakes/certificates.ts';
import { startForwardProxy } from '../../tests/fakes/forward-proxy.ts';
import { skipUnless } from '../../tests/skip.ts';
import { AppError } from '../std/errors.ts';
import { HttpClient, type HttpClientOptions, type HttpCredential } from './http-client.ts';
import { forwardProxies } from './http-dispatcher.ts';
import { readHttpTls } from './http-tls.ts';
import { authorityPlaces, trustedAuthorities } from './trusted-authorities.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function clientWith(options: Partial<HttpClientOptions> = {}): HttpClient {
  const client = new HttpClient({ userAgent: 'larder/test', instanceId: 'me', ...options });
  closers.push(() => client.close());
  return client;
}

async function listening(server: Server & { closeAllConnections?: () => void }): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => (server.closeAllConnections?.(), server.close()));
  return (server.address() as AddressInfo).port;
}

async function serve(listener: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listening(createServer(listener))}`;
}

/** Answers every connection with `answer` as it is, then ends it. */
async function serveRaw(answer: string): Promise<string> {
  const server = createTcpServer((socket) => socket.on('error', () => {}).once('data', () => socket.end(answer)));
  return `http://127.0.0.1:${await listening(server)}`;
}

const ask = { signal: new AbortController().signal, attempt: 'fetch x', maxBytes: 1000 };

async function textOf(client: HttpClient, url: string, more: object = {}): Promise<string> {
  const answer = await client.getBytes(new URL(url), { ...ask, ...more });
  return answer.kind === 'ok' ? Buffer.from(answer.bytes).toString() : `refused ${answer.status}`;
}

describe('a request', () => {
  test('says who asks, and asks for no encoding', async () => {
    let headers: IncomingHttpHeaders = {};
    const origin = await serve((request, response) => {
      headers = request.headers;
      response.end('ok');
    });
    expect(await textOf(clientWith(), `${origin}/a`)).toBe('ok');
    expect(headers).toMatchObject({ 'user-agent': 'larder/test', 'accept-encoding': 'identity', 'larder-via': 'me' });
    expect(headers).not.toHaveProperty('authorization');
  });

  test('uses a connection again, also after a refusal', async () => {
    let connections = 0;
    const server = createServer((request, response) =>
      response.writeHead(request.url === '/no' ? 404 : 200).end('body'),
    );
    server.on('connection', () => connections++);
    const origin = `http://127.0.0.1:${await listening(server)}`;
    const client = clientWith();
    for (const path of ['/a', '/no', '/b', '/no', '/c', '/d', '/no', '/e']) await textOf(client, origin + path);
    // The end of a body is told a moment before its connection is free.
    expect(connections).toBeLessThanOrEqual(2);
  });

  test('is repeated once when a pooled connection turns out to be closed', async () => {
    let requests = 0;
    const origin = await serve((request, response) => {
      if (++requests === 2) request.socket.destroy();
      else response.end('ok');
    });
    const client = clientWith();
    expect(await textOf(client, origin)).toBe('ok');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await textOf(client, origin)).toBe('ok');
    expect(requests).toBe(3);
  });

  test('stops when it is told to, with the reason it is given', async () => {
    const origin = await serve(() => {});
    await expect(textOf(clientWith(), origin, { signal: AbortSignal.timeout(50) })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    const reason = new AppError('UPSTREAM_TIMEOUT', 'the deadline of the caller');
    await expect(textOf(clientWith(), origin, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe('limits', () => {
  test('no answer in time', async () => {
    const origin = await serve(() => {});
    const started = performance.now();
    await expect(textOf(clientWith({ connectTimeoutMs: 100, firstByteTimeoutMs: 200 }), origin)).rejects.toMatchObject({
      code: 'UPSTREAM_TIMEOUT',
    });
    expect(performance.now() - started).toBeLessThan(1000);
  });

  test('a stall in the body, named with what had come', async () => {
    const origin = await serve((_, response) => response.writeHead(200, { 'content-length': 10 }).write('abc'));
    await expect(textOf(clientWith({ idleTimeoutMs: 100 }), origin)).rejects.toMatchObject({
      code: 'UPSTREAM_TIMEOUT',
      message: 'fetch x: stalled after 3 of 10 bytes',
    });
  });

  test('the whole, however steadily it trickles', async () => {
    const origin = await serve((_, response) => {
      const timer = setInterval(() => response.write('a'), 20);
      response.on('close', () => clearInterval(timer));
    });
    await expect(textOf(clientWith({ idleTimeoutMs: 100, totalTimeoutMs: 300 }), origin)).rejects.toMatchObject({
      code: 'UPSTREAM_TIMEOUT',
      message: 'fetch x: not complete within 300 ms',
    });
  });

  test('a body that trickles without ever stalling', async () => {
    const origin = await serve((_, response) => {
      const timer = setInterval(() => response.write('a'), 20);
      response.on('close', () => clearInterval(timer));
    });
    const started = performance.now();
    await expect(textOf(clientWith({ progressWindowMs: 300 }), origin)).rejects.toMatchObject({
      code: 'UPSTREAM_TIMEOUT',
      message: expect.stringMatching(/^fetch x: too slow, less than 16384 bytes\/s over 300 ms, after \d+ bytes$/),
    });
    expect(performance.now() - started).toBeLessThan(4000);
  });

  test('a slow reader is not too slow a body', async () => {
    const origin = await serve((_, response) => response.end('x'.repeat(900_000)));
    const client = clientWith({ progressWindowMs: 100, minBytesPerSecond: 1e6 });
    const answer = await client.get(new URL(origin), { ...ask, maxBytes: 1e6 });
    let size = 0;
    if (answer.kind === 'ok') {
      for await (const piece of answer.body) {
        if (size === 0) await new Promise((resolve) => setTimeout(resolve, 2500));
        size += piece.length;
      }
    }
    expect(size).toBe(900_000);
  });

  test('a slow reader is no stall', async () => {
    const origin = await serve((_, response) => response.end('x'.repeat(900_000)));
    const answer = await clientWith({ idleTimeoutMs: 50 }).get(new URL(origin), { ...ask, maxBytes: 1e6 });
    let size = 0;
    if (answer.kind === 'ok') {
      for await (const piece of answer.body) {
        if (size === 0) await new Promise((resolve) => setTimeout(resolve, 150));
        size += piece.length;
      }
    }
    expect(size).toBe(900_000);
  });

  test('a TLS handshake that never ends counts as connecting', async () => {
    const port = await listening(createTcpServer((socket) => socket.on('error', () => {})));
    await expect(textOf(clientWith({ connectTimeoutMs: 150 }), `https://127.0.0.1:${port}/`)).rejects.toMatchObject({
      code: 'UPSTREAM_TIMEOUT',
    });
  });

  test('a body past the cap, by its length and by what comes', async () => {
    const origin = await serve((request, response) =>
      request.url === '/length'
        ? response.end('x'.repeat(1001))
        : (response.write('x'.repeat(600)), response.end('x'.repeat(600))),
    );
    await expect(textOf(clientWith(), `${origin}/length`)).rejects.toMatchObject({ code: 'TOO_LARGE' });
    await expect(textOf(clientWith(), `${origin}/chunks`)).rejects.toMatchObject({ code: 'TOO_LARGE' });
  });

  test('a cut body says how much of it came', async () => {
    const origin = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 10 });
      response.write('abc');
      setTimeout(() => response.destroy(), 20);
    });
    await expect(textOf(clientWith(), origin)).rejects.toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
      message: 'fetch x: cut after 3 of 10 bytes',
    });
  });

  test.each([
    ['HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 10\r\n\r\nabc', 'cut after 3 of 10 bytes'],
    ['HTTP/1.0 200 OK\r\nContent-Length: 10\r\n\r\nabc', 'cut after 3 of 10 bytes'],
    ['HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nabc', 'cut after 3 bytes'],
  ])('a body that the other side ends early in good order is cut too: %j', async (answer, what) => {
    await expect(textOf(clientWith(), await serveRaw(answer))).rejects.toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
      message: `fetch x: ${what}`,
    });
  });

  test.each([
    ['Content-Length: 2', 'length'],
    ['Transfer-Encoding: identity', 'until-close'],
    ['X: y', 'until-close'],
  ])('how the end of a body is told: after %s by %s', async (header, framing) => {
    const origin = await serveRaw(`HTTP/1.1 200 OK\r\nConnection: close\r\n${header}\r\n\r\nab`);
    expect(await clientWith().getBytes(new URL(origin), ask)).toMatchObject({ framing });
  });

  test('nobody listening', async () => {
    const origin = await serve(() => {});
    await closers.pop()?.();
    await expect(textOf(clientWith(), origin)).rejects.toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
      message: 'fetch x: connection refused',
    });
  });
});

describe('redirects', () => {
  const secret: Record<string, string> = { authorization: 'Basic c2VjcmV0', 'x-key': 'canary' };

  test('take credentials along within their origin and prefix only, and never back', async () => {
    const seen: string[] = [];
    const note = (who: string, request: { url?: string | undefined; headers: IncomingHttpHeaders }): void =>
      void seen.push(
        `${who}${request.url} ${request.headers.authorization === secret['authorization']} ${request.headers['x-key'] === 'canary'}`,
      );
    let first = '';
    const other = await serve((request, response) => {
      note('other', request);
      response.writeHead(302, { location: `${first}/p/back` }).end();
    });
    first = await serve((request, response) => {
      note('first', request);
      const next: Record<string, string> = {
        '/p/a': '/p/b',
        '/p/b': '/outside',
        '/outside': '/p/c',
        '/p/c': `${other}/away`,
      };
      const location = next[request.url ?? ''];
      if (location === undefined) response.end('done');
      else response.writeHead(307, { location }).end();
    });
    const credential: HttpCredential = { origin: first, pathPrefix: '/p', headers: secret };
    expect(await textOf(clientWith(), `${first}/p/a`, { credential })).toBe('done');
    expect(seen).toEqual([
      'first/p/a true true',
      'first/p/b true true',
      'first/outside false false',
      'first/p/c true true',
      'other/away false false',
      'first/p/back false false',
    ]);
  });

  test('a prefix ends at an element', async () => {
    const seen: string[] = [];
    const origin = await serve((request, response) => {
      seen.push(`${request.url} ${'authorization' in request.headers}`);
      response.end();
    });
    for (const path of ['/p', '/p/x', '/px', '/'])
      await textOf(clientWith(), origin + path, { credential: { origin, pathPrefix: '/p', headers: secret } });
    expect(seen).toEqual(['/p true', '/p/x true', '/px false', '/ false']);
  });

  test.each([
    [9, 'done'],
    [10, undefined],
  ])('%i of them', async (count, result) => {
    const origin = await serve((request, response) => {
      const n = Number(request.url?.slice(1));
      if (n === 0) response.end('done');
      else response.writeHead(302, { location: `/${n - 1}` }).end('moved');
    });
    const asked = textOf(clientWith(), `${origin}/${count}`);
    if (result === undefined)
      await expect(asked).rejects.toMatchObject({
        code: 'UPSTREAM_BAD_RESPONSE',
        message: 'fetch x: stopped after 9 redirects',
      });
    else expect(await asked).toBe(result);
  });

  test('without a place to go are refusals', async () => {
    const origin = await serve((_, response) => response.writeHead(301).end('right body'));
    expect(await textOf(clientWith(), origin)).toBe('refused 301');
  });
});

describe('secrets', () => {
  test('are in no error, however deep', async () => {
    const credential = { origin: 'http://127.0.0.1:9', pathPrefix: '/', headers: { authorization: 'Basic canary' } };
    const error: unknown = await textOf(clientWith(), 'http://127.0.0.1:9/?token=canary', { credential }).catch(
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(AppError);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('canary');
  });

  test('of a forward proxy are not printed when its URL is wrong', () => {
    expect(() => clientWith({ proxies: { http: 'ftp://user:canary@proxy' } })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.not.stringContaining('canary') }),
    );
  });
});

describe('forward proxies', () => {
  test.each([
    [{}, undefined],
    [{ NO_PROXY: '*' }, undefined],
    [{ HTTPS_PROXY: 'http://p', https_proxy: 'http://q' }, { https: 'http://p' }],
    [
      { http_proxy: 'http://p', no_proxy: 'a,b' },
      { http: 'http://p', none: 'a,b' },
    ],
  ])('the environment %j names %j', (environment, proxies) => expect(forwardProxies(environment)).toEqual(proxies));

  test('carry plain requests for other hosts, with their own credentials, but none for this machine or NO_PROXY', async () => {
    const upstream = await serve((_, response) => response.end('from upstream'));
    const port = Number(new URL(upstream).port);
    const proxy = await startForwardProxy(() => port);
    closers.push(() => proxy.close());
    const url = proxy.origin.replace('//', '//user:pass@');
    const client = clientWith({ proxies: { http: url, none: 'direct.test' } });
    expect(await textOf(client, 'http://mirror.test/x?y=z')).toBe('from upstream');
    expect(proxy.requests).toEqual([
      { line: 'GET http://mirror.test/x?y=z', credentials: `Basic ${Buffer.from('user:pass').toString('base64')}` },
    ]);
    expect(await textOf(client, upstream)).toBe('from upstream');
    await expect(textOf(client, 'http://direct.test/')).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    expect(proxy.requests).toHaveLength(1);
  });

  test('that do not answer are given up in time', async () => {
    const port = await listening(createTcpServer((socket) => socket.on('error', () => {})));
    const client = clientWith({
      connectTimeoutMs: 100,
      firstByteTimeoutMs: 200,
      proxies: { https: `http://127.0.0.1:${port}` },
    });
    await expect(textOf(client, 'https://mirror.test/')).rejects.toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
  });
});

describe('TLS', () => {
  skipUnless(hasOpenssl(), 'openssl is not installed');
  let folder = '';
  let authority: CertificateAuthority;
  let stranger: CertificateAuthority;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'larder-tls-'));
    if (!hasOpenssl()) return;
    authority = new CertificateAuthority(mkdtempSync(join(folder, 'ca-')));
    stranger = new CertificateAuthority(mkdtempSync(join(folder, 'other-')));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const here = 'DNS:localhost,IP:127.0.0.1,DNS:mirror.test';

  async function tlsServer(
    certificate: { cert: string; key: string },
    more: object = {},
    listener?: RequestListener,
  ): Promise<number> {
    return await listening(
      createTlsServer({ ...certificate, ...more }, listener ?? ((_, response) => response.end('safe'))),
    );
  }
  const trusting = (more: Partial<HttpClientOptions> = {}): HttpClient =>
    clientWith({ tls: { ca: authority.certificate.cert }, ...more });

  test('a certificate of a configured authority is good, and no other client trusts it', async () => {
    const port = await tlsServer(authority.issue({ names: here }));
    expect(await textOf(trusting(), `https://127.0.0.1:${port}/`)).toBe('safe');
    await expect(textOf(clientWith(), `https://127.0.0.1:${port}/`)).rejects.toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
      detail: { tls: 'certificate is from an unknown authority' },
    });
  });

  test.each<[string, CertificateWish, string]>([
    ['expired', { names: here, until: '20200201000000Z' }, 'certificate has expired'],
    ['not yet valid', { names: here, from: '20980101000000Z' }, 'certificate is not yet valid'],
    ['for another name', { names: 'DNS:other.test' }, 'certificate is for another name'],
  ])('%s', async (_, wish, tls) => {
    const port = await tlsServer(authority.issue(wish));
    await expect(textOf(trusting(), `https://127.0.0.1:${port}/`)).rejects.toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
      message: `fetch x: ${tls}`,
      detail: { tls },
    });
  });

  test('self-signed', async () => {
    const port = await tlsServer(stranger.certificate);
    await expect(textOf(trusting(), `https://127.0.0.1:${port}/`)).rejects.toMatchObject({
      detail: { tls: 'certificate is self-signed' },
    });
  });

  test('TLS 1.1 only', async () => {
    const port = await tlsServer(authority.issue({ names: here }), {
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    await expect(textOf(trusting(), `https://127.0.0.1:${port}/`)).rejects.toMatchObject({
      detail: { tls: 'TLS version is too old' },
    });
  });

  test('a server that wants a client certificate gets the configured one', async () => {
    const port = await tlsServer(authority.issue({ names: here }), {
      ca: authority.certificate.cert,
      requestCert: true,
      rejectUnauthorized: true,
    });
    const tls = { ca: authority.certificate.cert, ...authority.issue({ names: 'DNS:client.test' }) };
    expect(await textOf(clientWith({ tls }), `https://127.0.0.1:${port}/`)).toBe('safe');
    await expect(textOf(trusting(), `https://127.0.0.1:${port}/`)).rejects.toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
    });
  });

  test('a redirect from https to http is refused', async () => {
    const plain = await serve((_, response) => response.end('open'));
    const port = await tlsServer(authority.issue({ names: here }), {}, (_, response) =>
      response.writeHead(302, { location: plain }).end(),
    );
    await expect(textOf(trusting(), `https://127.0.0.1:${port}/`)).rejects.toMatchObject({
      code: 'UPSTREAM_BAD_RESPONSE',
      message: 'fetch x: redirect from https to http refused',
    });
  });

  test('the other options hold through the tunnel of a forward proxy', async () => {
    const port = await tlsServer(authority.issue({ names: here }));
    const proxy = await startForwardProxy(() => port);
    closers.push(() => proxy.close());
    const proxies = { https: proxy.origin };
    expect(await textOf(trusting({ proxies }), 'https://mirror.test/')).toBe('safe');
    expect(proxy.requests).toEqual([{ line: 'CONNECT mirror.test:443' }]);
    await expect(textOf(trusting({ proxies }), 'https://unnamed.test/')).rejects.toMatchObject({
      detail: { tls: 'certificate is for another name' },
    });
    await expect(textOf(clientWith({ proxies }), 'https://mirror.test/')).rejects.toMatchObject({
      detail: { tls: 'certificate is from an unknown authority' },
    });
  });

  test('certificate files are read, and one that cannot be read is named', async () => {
    expect(await readHttpTls({})).toEqual({});
    await expect(readHttpTls({ caFile: '/nowhere/ca.pem' })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('/nowhere/ca.pem'),
    });
  });

  test('an authority of SSL_CERT_FILE or of a folder of SSL_CERT_DIR is trusted, whatever else lies there', async () => {
    const port = await tlsServer(authority.issue({ names: here }));
    const certs = mkdtempSync(join(folder, 'certs-'));
    writeFileSync(join(certs, 'a.pem'), `a comment\n${stranger.certificate.cert}\n${authority.certificate.cert}`);
    writeFileSync(join(certs, 'b.pem'), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
    for (const environment of [
      { SSL_CERT_FILE: join(certs, 'a.pem') },
      { SSL_CERT_DIR: `/nowhere:${certs}` },
      { SSL_CERT_FILE: join(certs, 'b.pem'), SSL_CERT_DIR: certs },
    ])
      expect(
        await textOf(clientWith({ tls: { places: authorityPlaces(environment) } }), `https://127.0.0.1:${port}/`),
      ).toBe('safe');
    await expect(
      textOf(clientWith({ tls: { places: { file: '/nowhere' } } }), `https://127.0.0.1:${port}/`),
    ).rejects.toMatchObject({ detail: { tls: 'certificate is from an unknown authority' } });
  });

  test('the authorities of the system and of Node are trusted, and reading them does not slow the start', () => {
    const trusted = new Set(trustedAuthorities({}));
    for (const store of ['default', 'system'] as const)
      for (const pem of getCACertificates(store)) expect(trusted.has(pem.trim())).toBe(true);
    const started = performance.now();
    clientWith({ tls: { places: { folders: ['/etc/ssl/certs'] } } });
    expect(performance.now() - started).toBeLessThan(20);
  });

  test('PEM texts that are none are refused at once', () => {
    expect(() => clientWith({ tls: { cert: 'x', key: 'y' } })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });
});
