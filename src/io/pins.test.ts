/** Whom we talk to over TLS: what is refused sends nothing, straight and through a forward proxy, behind the guard and without it. */
import { spawnSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer, type TlsOptions } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { CertificateAuthority, type Certificate, hasOpenssl } from '../../tests/fakes/certificates.ts';
import { startForwardProxy } from '../../tests/fakes/forward-proxy.ts';
import { skipUnless } from '../../tests/skip.ts';
import { createEgressGuard } from './egress/egress-guard.ts';
import { readEgressRules } from './egress/rules.ts';
import { HttpClient } from './http-client.ts';
import type { HttpTls } from './http-tls.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Served {
  readonly port: number;
  /** Bytes of requests that came out of the encryption. */
  readonly received: () => number;
}

/** Answers `safe` to whatever it hears over TLS. */
async function serve(options: TlsOptions): Promise<Served> {
  let received = 0;
  const server = createServer(options, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => {
      received += bytes.length;
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nsafe');
    });
    closers.push(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => server.close());
  return { port: (server.address() as AddressInfo).port, received: () => received };
}

const signal = new AbortController().signal;

/** What a client with `tls` reads at `url`, or what it says of the TLS. */
async function heard(client: HttpClient, url: string): Promise<unknown> {
  closers.push(() => client.close());
  const asked = client.getBytes(new URL(url), { signal, attempt: 'fetch x', maxBytes: 100 });
  return await asked.then(
    (answer) => (answer.kind === 'ok' ? Buffer.from(answer.bytes).toString() : answer.status),
    (error: { readonly detail?: { readonly tls?: string } }) => error.detail?.tls ?? error,
  );
}

function pinOf({ cert }: Pick<Certificate, 'cert'>): string {
  const spki = new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' });
  return `sha256/${createHash('sha256').update(spki).digest('base64')}`;
}

describe.skipIf(skipUnless(hasOpenssl(), 'openssl is not installed'))('TLS to one upstream', () => {
  let folder = '';
  let authority: CertificateAuthority;
  /** Has the same name as `authority`, and another key. */
  let stranger: CertificateAuthority;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'larder-pins-'));
    authority = new CertificateAuthority(mkdtempSync(join(folder, 'ca-')));
    stranger = new CertificateAuthority(mkdtempSync(join(folder, 'other-')));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const here = 'IP:127.0.0.1,DNS:mirror.test';
  const pinned = (...digests: string[]): HttpTls => ({ ca: authority.certificate.cert, pins: { digests } });

  /** Each way in which a server can be the wrong one: what it has, what we ask of it, and what we say then. */
  function wrongServers(): readonly (readonly [tls: string, server: TlsOptions, client?: HttpTls])[] {
    const own = authority.issue({ names: here });
    return [
      ['certificate has expired', authority.issue({ names: here, until: '20200201000000Z' })],
      ['certificate is not yet valid', authority.issue({ names: here, from: '20980101000000Z' })],
      ['certificate is for another name', authority.issue({ names: 'DNS:other.test' })],
      ['certificate is self-signed', stranger.certificate],
      ['certificate is from an unknown authority', stranger.issue({ names: here })],
      ['pin mismatch', own, pinned(pinOf(stranger.certificate), pinOf(stranger.issue({ names: here })))],
      ['TLS version is too old', { ...own, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }],
      [
        'TLS version is too old',
        { ...own, maxVersion: 'TLSv1.2' },
        { ca: authority.certificate.cert, minVersion: 'TLSv1.3' },
      ],
    ];
  }

  /** A certificate that names itself and its key as `real` does, for another key: everybody can make one who has that key, or only its public half and signs anyhow. */
  function lookalikeOf(real: Pick<Certificate, 'cert'>, key: string): string {
    const [certFile, keyFile] = [join(folder, 'real.pem'), join(folder, 'other.key')];
    writeFileSync(certFile, real.cert);
    writeFileSync(keyFile, key);
    const run = (...args: string[]): string => spawnSync('openssl', args, { encoding: 'utf8' }).stdout;
    const printed = run('x509', '-in', certFile, '-noout', '-ext', 'subjectKeyIdentifier');
    const name = /[0-9A-F]{2}(?::[0-9A-F]{2}){19}/.exec(printed)?.[0] ?? '';
    const identifier = `subjectKeyIdentifier=${name}`;
    return run('req', '-x509', '-key', keyFile, '-subj', '/CN=Larder test authority', '-addext', identifier);
  }

  const guard = createEgressGuard({ rules: readEgressRules({ allow: ['127.0.0.1'], ports: [443] }) });

  test.each(['straight', 'behind the guard', 'through a forward proxy'])(
    'the wrong server is told by its fault and hears nothing, %s',
    async (how) => {
      for (const [label, server, tls = { ca: authority.certificate.cert }] of wrongServers()) {
        const served = await serve(server);
        const proxy = await startForwardProxy(() => served.port);
        closers.push(() => proxy.close());
        const isProxied = how === 'through a forward proxy';
        const client = new HttpClient({
          userAgent: 'larder/test',
          tls,
          ...(isProxied && { proxies: { https: proxy.origin } }),
          ...(how === 'behind the guard' && { guard }),
        });
        const url = isProxied ? 'https://mirror.test/' : `https://127.0.0.1:${served.port}/`;
        expect([label, await heard(client, url)]).toEqual([label, label]);
        expect([label, served.received()]).toEqual([label, 0]);
        expect(proxy.requests).toHaveLength(isProxied ? 1 : 0);
      }
    },
  );

  test.each(['straight', 'behind the guard', 'through a forward proxy'])(
    'a pin may be of the server, or of its authority, and the other one a backup, %s',
    async (how) => {
      const own = authority.issue({ names: here });
      const served = await serve(own);
      const proxy = await startForwardProxy(() => served.port);
      closers.push(() => proxy.close());
      const isProxied = how === 'through a forward proxy';
      for (const fitting of [own, authority.certificate]) {
        const client = new HttpClient({
          userAgent: 'larder/test',
          tls: pinned(pinOf(stranger.certificate), pinOf(fitting)),
          ...(isProxied && { proxies: { https: proxy.origin } }),
          ...(how === 'behind the guard' && { guard }),
        });
        expect(await heard(client, isProxied ? 'https://mirror.test/' : `https://127.0.0.1:${served.port}/`)).toBe(
          'safe',
        );
      }
    },
  );

  test('pins do not stand in for an authority', async () => {
    const own = stranger.issue({ names: here });
    const served = await serve(own);
    const tls = { pins: { digests: [pinOf(own), pinOf(stranger.certificate)] } };
    const url = `https://127.0.0.1:${served.port}/`;
    expect(await heard(new HttpClient({ userAgent: 'larder/test', tls }), url)).toBe(
      'certificate is from an unknown authority',
    );
    expect(served.received()).toBe(0);
  });

  test('a certificate with the pinned key that a server only shows, and that signed nothing, fits no pin', async () => {
    const own = authority.issue({ names: here });
    const lookalike = lookalikeOf(authority.certificate, stranger.certificate.key);
    const served = await serve({ cert: own.cert + lookalike, key: own.key });
    // OpenSSL puts the two together by their names and by the name of the key.
    const socket = connect({ host: '127.0.0.1', port: served.port, ca: authority.certificate.cert });
    await new Promise((resolve, reject) => socket.on('secureConnect', resolve).on('error', reject));
    expect(socket.authorized).toBe(true);
    expect(socket.getPeerCertificate(true).issuerCertificate.fingerprint256).toBe(
      new X509Certificate(lookalike).fingerprint256,
    );
    socket.destroy();
    const url = `https://127.0.0.1:${served.port}/`;
    const tls = pinned(pinOf(stranger.certificate), pinOf(stranger.issue({ names: here })));
    expect(await heard(new HttpClient({ userAgent: 'larder/test', tls }), url)).toBe('pin mismatch');
    expect(served.received()).toBe(0);
  });

  test('whoever has every pin in the chain is told that none is a backup', async () => {
    const own = authority.issue({ names: here });
    const served = await serve(own);
    let told = 0;
    const digests = [pinOf(own), pinOf(authority.certificate)];
    const tls = { ca: authority.certificate.cert, pins: { digests, onNoBackup: () => told++ } };
    expect(await heard(new HttpClient({ userAgent: 'larder/test', tls }), `https://127.0.0.1:${served.port}/`)).toBe(
      'safe',
    );
    expect(told).toBe(1);
  });

  test('what is for one origin is not for where it redirects to', async () => {
    const own = authority.issue({ names: here });
    const other = await serve({ ...own, requestCert: true, rejectUnauthorized: false, ca: authority.certificate.cert });
    const origin = `https://127.0.0.1:${other.port}`;
    const client = { ...authority.issue({ names: 'DNS:client.test' }), ca: authority.certificate.cert };
    const elsewhere = new HttpClient({ userAgent: 'larder/test', tls: { ...client, origin: 'https://mirror.test' } });
    // Not even our own authority counts there.
    expect(await heard(elsewhere, `${origin}/`)).toBe('certificate is from an unknown authority');
    expect(await heard(new HttpClient({ userAgent: 'larder/test', tls: { ...client, origin } }), `${origin}/`)).toBe(
      'safe',
    );
  });
});
