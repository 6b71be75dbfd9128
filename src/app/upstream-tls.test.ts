/** What the rows of upstreams say about TLS, through a whole Larder: who may be talked to, and who we are to whom. */
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer, type ServerOptions } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Certificate, CertificateAuthority, hasOpenssl } from '../../tests/fakes/certificates.ts';
import { skipUnless } from '../../tests/skip.ts';
import { loadConfig } from '../config/load.ts';
import { composeLarder } from './compose.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const GO_MOD = 'example.com/m/@v/v1.0.0.mod';

interface Served {
  readonly url: string;
  /** Targets asked for, each with the name in the certificate of who asked. */
  readonly asked: readonly string[];
}

/** A proxy over TLS that has one go.mod. */
async function serve(options: ServerOptions): Promise<Served> {
  const asked: string[] = [];
  const server = createServer(options, (request, response) => {
    const { CN = 'nobody' } = (request.socket as TLSSocket).getPeerCertificate().subject ?? {};
    asked.push(`${request.url} by ${String(CN)}`);
    if (request.url === `/${GO_MOD}`) response.end('module example.com/m\n');
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => (server.closeAllConnections(), server.close()));
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

function pinOf({ cert }: Pick<Certificate, 'cert'>): string {
  const spki = new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' });
  return `sha256/${createHash('sha256').update(spki).digest('base64')}`;
}

describe.skipIf(skipUnless(hasOpenssl(), 'openssl is not installed'))('an upstream with settings of its own', () => {
  let folder = '';
  let authority: CertificateAuthority;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'larder-upstream-tls-'));
    authority = new CertificateAuthority(mkdtempSync(join(folder, 'ca-')));
    const own = authority.issue({ names: 'DNS:larder.test' });
    for (const [name, text] of Object.entries({
      'ca.pem': authority.certificate.cert,
      'our.crt': own.cert,
      'our.key': own.key,
    }))
      writeFileSync(join(folder, name), text);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Asks a Larder with these rows for the go.mod; what it answers, and its log. */
  async function ask(rows: string): Promise<{ readonly status: number; readonly log: string }> {
    const log = join(folder, `log-${closers.length}`);
    const data = mkdtempSync(join(folder, 'data-'));
    writeFileSync(join(folder, 'larder.yaml'), `listen: 127.0.0.1:0\ndata: ${data}\nsumdb: {database: off}\n${rows}`);
    const loaded = loadConfig(
      { values: new Map(), sets: [] },
      { environment: { GOENV: 'off' }, folder, home: folder, localNames: [] },
    );
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    const larder = await composeLarder(loaded.config, { version: '0', environment: {}, home: folder, logTo: log });
    const { host, port } = await larder.start();
    const { status } = await fetch(`http://${host}:${port}/${GO_MOD}`);
    await larder.stopNow();
    return { status, log: readFileSync(log, 'utf8') };
  }

  const here = { names: 'IP:127.0.0.1' };

  test('is shown our certificate, trusted by its authority and known by a pin', async () => {
    const own = authority.issue(here);
    const strict = { requestCert: true, rejectUnauthorized: true, ca: authority.certificate.cert };
    const { url, asked } = await serve({ ...own, ...strict });
    const backup = pinOf(authority.issue(here));
    const row = `ca: ca.pem, cert: our.crt, key: our.key, minTls: 1.3, pins: ["${backup}", "${pinOf(own)}"]`;
    const { status, log } = await ask(`upstreams: [{name: a, url: "${url}", ${row}}]\n`);
    expect([status, asked]).toEqual([
      200,
      expect.arrayContaining([expect.stringMatching(new RegExp(`^/${GO_MOD} by leaf`))]),
    ]);
    expect(log).not.toContain('none is a backup');
    // Without the row's settings nobody would have been let in, and nobody trusted.
    expect((await ask(`upstream: "${url}"\n`)).status).toBe(502);
  });

  test('that has not the pinned key hears nothing, and another one answers; the log says why', async () => {
    const [wrong, right] = [await serve(authority.issue(here)), await serve(authority.issue(here))];
    const pins = [pinOf(authority.issue(here)), pinOf(authority.issue(here))].map((pin) => `"${pin}"`).join(', ');
    const { status, log } = await ask(
      `upstreams:\n  - {name: wrong, url: "${wrong.url}", ca: ca.pem, pins: [${pins}], weight: 100}\n  - {name: right, url: "${right.url}", ca: ca.pem, weight: 1}\n`,
    );
    expect([status, wrong.asked]).toEqual([200, []]);
    expect(right.asked).toContain(`/${GO_MOD} by nobody`);
    const lines = log.split('\n').filter((line) => line.includes('"kind":"upstream"'));
    expect(lines.map((line) => JSON.parse(line) as object)).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        member: 'wrong',
        to: 'open',
        why: 'tls',
        message: expect.stringMatching(/: pin mismatch$/),
      }),
    );
  });

  test('whose every pin is in use is warned of', async () => {
    const own = authority.issue(here);
    const { url } = await serve(own);
    const pins = `"${pinOf(own)}", "${pinOf(authority.certificate)}"`;
    const { status, log } = await ask(`upstreams: [{name: a, url: "${url}", ca: ca.pem, pins: [${pins}]}]\n`);
    expect([status, log.includes('every pin of the upstream is in use: none is a backup')]).toEqual([200, true]);
  });
});
