import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP, isIPv4 } from 'node:net';
import { bitString, explicit, implicit, integer, octets, oid, sequence, setOf, time, TRUE, utf8 } from './der.ts';

/** A certificate with its key, as PEM texts. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** What a certificate is to say. */
export interface CertificateWish {
  /** Common name of the subject. */
  readonly subject: string;
  /** Host names and addresses it is for (subjectAltName); none for an authority. */
  readonly names?: readonly string[];
  /** ms since 1970; default an hour ago, so that clocks may differ. */
  readonly validFrom?: number;
  /** ms since 1970; default in a day. */
  readonly validUntil?: number;
}

/** Who signs: its name, its key and what names the key. Held in memory, never written. */
export interface Authority extends Certificate {
  readonly subject: string;
  readonly signingKey: KeyObject;
}

const ECDSA_WITH_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));
const HOUR_MS = 3_600_000;

/** A new authority (ECDSA P-256) that may sign leaves. */
export function createAuthority(wish: CertificateWish): Authority {
  const pair = keyPair();
  const issuer = { subject: wish.subject, signingKey: pair.privateKey };
  const cert = signed(wish, pair.publicKey, issuer, authorityExtensions());
  return { cert, key: pemOf(pair.privateKey), subject: wish.subject, signingKey: pair.privateKey };
}

/** A server's certificate, signed by `authority`. */
export function issueLeaf(wish: CertificateWish, authority: Authority): Certificate {
  const pair = keyPair();
  return { cert: signed(wish, pair.publicKey, authority, leafExtensions(wish)), key: pemOf(pair.privateKey) };
}

/** A server's certificate that vouches for itself. */
export function issueSelfSigned(wish: CertificateWish): Certificate {
  const pair = keyPair();
  const issuer = { subject: wish.subject, signingKey: pair.privateKey };
  return { cert: signed(wish, pair.publicKey, issuer, leafExtensions(wish)), key: pemOf(pair.privateKey) };
}

function keyPair(): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function pemOf(key: KeyObject): string {
  return String(key.export({ type: 'pkcs8', format: 'pem' }));
}

/** RFC 5280 4.1. */
function signed(
  wish: CertificateWish,
  publicKey: KeyObject,
  issuer: Pick<Authority, 'subject' | 'signingKey'>,
  extensions: readonly Uint8Array[],
): string {
  const { validFrom = Date.now() - HOUR_MS, validUntil = Date.now() + 24 * HOUR_MS } = wish;
  const toSign = sequence(
    explicit(0, integer(Buffer.of(2))),
    // At least 64 bits of chance, and never zero.
    integer(Buffer.concat([Buffer.of(0x40), randomBytes(15)])),
    ECDSA_WITH_SHA256,
    nameOf(issuer.subject),
    sequence(time(validFrom), time(validUntil)),
    nameOf(wish.subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...extensions, ...keyNames(publicKey, createPublicKey(issuer.signingKey)))),
  );
  const signature = sign('sha256', toSign, issuer.signingKey);
  const base64 = sequence(toSign, ECDSA_WITH_SHA256, bitString(signature)).toString('base64');
  return `-----BEGIN CERTIFICATE-----\n${(base64.match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----\n`;
}

function nameOf(commonName: string): Buffer {
  return sequence(setOf(sequence(oid('2.5.4.3'), utf8(commonName))));
}

function authorityExtensions(): readonly Uint8Array[] {
  return [
    // basicConstraints: an authority, and only of leaves.
    extension('2.5.29.19', sequence(TRUE, integer(Buffer.of(0))), 'critical'),
    // keyUsage: keyCertSign, cRLSign.
    extension('2.5.29.15', bitString(Buffer.of(0b0000_0110), 1), 'critical'),
  ];
}

/** subjectKeyIdentifier and authorityKeyIdentifier: a strict reader wants both. */
function keyNames(own: KeyObject, issuers: KeyObject): readonly Uint8Array[] {
  const idOf = (key: KeyObject): Buffer =>
    createHash('sha256')
      .update(key.export({ type: 'spki', format: 'der' }))
      .digest()
      .subarray(0, 20);
  return [extension('2.5.29.14', octets(idOf(own))), extension('2.5.29.35', sequence(implicit(0, idOf(issuers))))];
}

function leafExtensions({ names = [] }: CertificateWish): readonly Uint8Array[] {
  return [
    extension('2.5.29.19', sequence(), 'critical'),
    // keyUsage: digitalSignature.
    extension('2.5.29.15', bitString(Buffer.of(0b1000_0000), 7), 'critical'),
    // extendedKeyUsage: serverAuth.
    extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.1'))),
    ...(names.length === 0 ? [] : [extension('2.5.29.17', sequence(...names.map(generalName)))]),
  ];
}

function extension(id: string, value: Uint8Array, weight?: 'critical'): Buffer {
  return sequence(oid(id), ...(weight === undefined ? [] : [TRUE]), octets(value));
}

/** RFC 5280 4.2.1.6: dNSName, or iPAddress in four or sixteen bytes. */
function generalName(name: string): Buffer {
  return isIP(name) === 0 ? implicit(2, Buffer.from(name, 'latin1')) : implicit(7, addressBytes(name));
}

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  const [left = [], right = []] = address.split('::').map((part) => part.split(':').filter((group) => group !== ''));
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex');
}
