import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { CertificateAuthority, hasOpenssl } from '../../tests/fakes/certificates.ts';
import { skipUnless } from '../../tests/skip.ts';
import { HttpClient, type HttpClientOptions } from './http-client.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function clientWith(options: Partial<HttpClientOptions> = {}): HttpClient {
  const client = new HttpClient({ userAgent: 'larder/test', ...options });
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

const ask = { signal: new AbortController().signal, attempt: 'reading x', maxBytes: 1000 };

describe('a page', () => {
  test.each([200, 404, 500])('is read with status %i', async (status) => {
    const origin = await serve((_, response) =>
      response.writeHead(status, { 'content-type': 'text/html' }).end('<html>'),
    );
    const page = await clientWith().page(new URL(`${origin}/a?go-get=1`), ask);
    expect({ ...page, bytes: Buffer.from(page.bytes).toString(), url: page.url.href }).toEqual({
      status,
      url: `${origin}/a?go-get=1`,
      contentType: 'text/html',
      bytes: '<html>',
      isCut: false,
    });
  });

  test('is read as far as is asked for', async () => {
    const origin = await serve((_, response) => response.end('x'.repeat(5_000_000)));
    const page = await clientWith().page(new URL(origin), ask);
    expect(page).toMatchObject({ isCut: true, bytes: { byteLength: 1000 } });
    const exact = await serve((_, response) => response.end('x'.repeat(1000)));
    expect(await clientWith().page(new URL(exact), ask)).toMatchObject({ isCut: false, bytes: { byteLength: 1000 } });
  });

  test('is told with the place it came from, without userinfo', async () => {
    const origin = await serve((request, response) => {
      const location = `http://user:hunter2@${request.headers.host}/there`;
      if (request.url === '/here') response.writeHead(302, { location }).end();
      else response.end('page');
    });
    expect((await clientWith().page(new URL(`${origin}/here`), ask)).url.href).toBe(`${origin}/there`);
  });

  test('that is encoded is a wrong answer, unless its status says enough', async () => {
    const origin = await serve((request, response) =>
      response.writeHead(request.url === '/no' ? 404 : 200, { 'content-encoding': 'gzip' }).end('x'),
    );
    const client = clientWith();
    await expect(client.page(new URL(origin), ask)).rejects.toMatchObject({ code: 'UPSTREAM_BAD_RESPONSE' });
    expect(await client.page(new URL(`${origin}/no`), ask)).toMatchObject({ status: 404, bytes: { byteLength: 0 } });
  });

  test('that stalls or breaks off is a failure', async () => {
    const origin = await serve((request, response) => {
      response.writeHead(200, { 'content-length': 10 }).write('abc');
      if (request.url === '/cut') setTimeout(() => request.socket.destroy(), 20);
    });
    const client = clientWith({ idleTimeoutMs: 200 });
    await expect(client.page(new URL(origin), ask)).rejects.toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
    await expect(client.page(new URL(`${origin}/cut`), ask)).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
  });
});

describe('a redirect from https to http', () => {
  skipUnless(hasOpenssl(), 'openssl is not installed');

  test('is followed only where that is allowed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'larder-page-'));
    closers.push(() => rmSync(folder, { recursive: true }));
    const authority = new CertificateAuthority(folder);
    const plain = await serve((_, response) => response.end('open'));
    const server = createTlsServer(authority.issue({ names: 'IP:127.0.0.1' }), (_, response) =>
      response.writeHead(302, { location: plain }).end(),
    );
    const url = new URL(`https://127.0.0.1:${await listening(server)}/`);
    const client = clientWith({ tls: { ca: authority.certificate.cert } });
    await expect(client.page(url, ask)).rejects.toMatchObject({ message: expect.stringContaining('https to http') });
    const page = await client.page(url, { ...ask, mayDowngrade: true });
    expect(Buffer.from(page.bytes).toString()).toBe('open');
  });
});
