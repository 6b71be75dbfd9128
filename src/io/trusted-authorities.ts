import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as tls from 'node:tls';

/** Where an environment says that further authorities are, as the go command reads it. */
export interface AuthorityPlaces {
  /** SSL_CERT_FILE: a PEM file. */
  readonly file?: string;
  /** SSL_CERT_DIR: folders of PEM files. */
  readonly folders?: readonly string[];
}

/** A bundle of all public authorities is 0.3 MB, a folder of them has 500 files; more is a mistake. */
const MAX_PEM_BYTES = 16 << 20;
const MAX_FILES = 10_000;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** SSL_CERT_FILE and SSL_CERT_DIR of `environment`. */
export function authorityPlaces(environment: Readonly<Record<string, string | undefined>>): AuthorityPlaces {
  const { SSL_CERT_FILE: file, SSL_CERT_DIR: folders } = environment;
  return { ...(file && { file }), ...(folders && { folders: folders.split(':').filter((one) => one !== '') }) };
}

/**
 * All trusted authorities, as PEM texts: those that come with Node, those of this system, and those at `places`. What cannot be read there is passed
 * over, as the go command does. Takes some 50 ms and waits for the disk: for the moment before the first TLS connection, not for the start.
 */
export function trustedAuthorities(places: AuthorityPlaces): readonly string[] {
  const files = [...(places.file ? [places.file] : []), ...(places.folders ?? []).flatMap(filesOf)].slice(0, MAX_FILES);
  const all = [
    ...tls.getCACertificates('default'),
    ...tls.getCACertificates('system'),
    ...files.flatMap(certificatesIn),
  ];
  return [...new Set(all.map((pem) => pem.trim()))];
}

function filesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
}

/** Only what is whole: one bad text would make TLS impossible to all upstreams. */
function certificatesIn(file: string): readonly string[] {
  try {
    const facts = statSync(file);
    if (!facts.isFile() || facts.size > MAX_PEM_BYTES) return [];
    return (readFileSync(file, 'latin1').match(CERTIFICATE) ?? []).filter(isCertificate);
  } catch {
    return [];
  }
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem) instanceof X509Certificate;
  } catch {
    return false;
  }
}
