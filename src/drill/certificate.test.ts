import { spawnSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { hasOpenssl } from '../../tests/fakes/certificates.ts';
import { skipUnless } from '../../tests/skip.ts';
import { createAuthority, issueLeaf, issueSelfSigned } from './certificate.ts';

const authority = createAuthority({ subject: 'Drill authority' });
const names = ['localhost', '127.0.0.1', '::1', '2001:db8::7:0:1'];

describe('a certificate made here, as Node reads it', () => {
  test('a leaf has its names, its time and the authority that signed it', () => {
    const wish = {
      subject: 'leaf',
      names,
      validFrom: Date.UTC(2020, 0, 2, 3, 4, 5),
      validUntil: Date.UTC(2051, 5, 7, 8, 9, 10),
    };
    const leaf = new X509Certificate(issueLeaf(wish, authority).cert);
    expect(leaf.validFromDate.getTime()).toBe(wish.validFrom);
    expect(leaf.validToDate.getTime()).toBe(wish.validUntil);
    for (const name of names.slice(1)) expect(leaf.checkIP(name)).toBeDefined();
    expect(leaf.checkHost('localhost')).toBe('localhost');
    expect(leaf.checkHost('example.com')).toBeUndefined();
    expect(leaf.checkIP('127.0.0.2')).toBeUndefined();
    expect(leaf.ca).toBe(false);
    const issuer = new X509Certificate(authority.cert);
    expect(leaf.checkIssued(issuer)).toBe(true);
    expect(leaf.verify(issuer.publicKey)).toBe(true);
    expect(leaf.verify(new X509Certificate(createAuthority({ subject: 'Drill authority' }).cert).publicKey)).toBe(
      false,
    );
  });

  test('the key fits', () => {
    const { cert, key } = issueSelfSigned({ subject: 'alone', names: ['localhost'] });
    const read = new X509Certificate(cert);
    expect(read.checkPrivateKey(createPrivateKey(key))).toBe(true);
    expect(read.verify(read.publicKey)).toBe(true);
    expect(read.subject).toBe(read.issuer);
  });

  test('an authority may sign, and has another serial number each time', () => {
    const one = new X509Certificate(authority.cert);
    expect(one.ca).toBe(true);
    expect(new X509Certificate(createAuthority({ subject: 'x' }).cert).serialNumber).not.toBe(one.serialNumber);
  });
});

describe('as openssl reads it', () => {
  skipUnless(hasOpenssl(), 'openssl is not installed');
  const folder = mkdtempSync(join(tmpdir(), 'larder-der-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each([
    { is: 'valid', from: -1, until: 1, says: 'OK' },
    { is: 'expired', from: -2, until: -1, says: 'certificate has expired' },
    { is: 'not yet valid', from: 1, until: 2, says: 'certificate is not yet valid' },
  ])('a leaf that is $is', ({ from, until, says }) => {
    const hour = 3_600_000;
    const { cert } = issueLeaf(
      { subject: 'leaf', names, validFrom: Date.now() + from * hour, validUntil: Date.now() + until * hour },
      authority,
    );
    writeFileSync(join(folder, 'ca.pem'), authority.cert);
    writeFileSync(join(folder, 'leaf.pem'), cert);
    const verified = spawnSync(
      'openssl',
      ['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', 'ca.pem', 'leaf.pem'],
      { cwd: folder, encoding: 'utf8' },
    );
    expect(verified.stdout + verified.stderr).toContain(says);
    const text = spawnSync('openssl', ['x509', '-in', 'leaf.pem', '-noout', '-text'], {
      cwd: folder,
      encoding: 'utf8',
    }).stdout;
    expect(text).toContain('DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1');
    expect(text).toContain('ASN1 OID: prime256v1');
    expect(text).toContain('TLS Web Server Authentication');
  });
});
