import { readFile } from 'node:fs/promises';
import { createSecureContext, type PeerCertificate, type SecureContext, type SecureContextOptions } from 'node:tls';
import { AppError, messageOf } from '../std/errors.ts';
import { type Pins, pinnedIdentity } from './pins.ts';
import { type AuthorityPlaces, trustedAuthorities } from './trusted-authorities.ts';

/** PEM texts (not file names) for TLS to upstreams. The authorities that Node and the system trust stay trusted beside `ca`. */
export interface HttpTls {
  /** Further trusted authorities. */
  readonly ca?: string;
  /** Client certificate and its key; both or none. */
  readonly cert?: string;
  readonly key?: string;
  /** Default TLSv1.2. */
  readonly minVersion?: TlsVersion;
  readonly pins?: Pins;
  /** `https://host:port`, as URL.origin prints it: the one that `ca`, `cert`, `key` and `pins` are for. Where redirects lead to else gets none of them. Default: all. */
  readonly origin?: string;
  /** Where the environment says that further authorities are. */
  readonly places?: AuthorityPlaces;
}

/** Versions that may be the lowest. */
export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

/** How connections to upstreams are made secure. No option of it ever leaves the check of certificates out. */
export interface TlsConnect {
  readonly secureContext: SecureContext;
  readonly checkServerIdentity?: (host: string, certificate: PeerCertificate) => Error | undefined;
}

/** For every TLS connection to an upstream: TLS 1.2 at least, and the trusted authorities beside the configured one. Reads them: takes some 50 ms. */
export function tlsConnect({ ca, cert, key, minVersion, pins, places = {} }: HttpTls = {}): TlsConnect {
  const authorities = [...trustedAuthorities(places), ...(ca === undefined ? [] : [ca])];
  const secureContext = contextOf({ cert, key, minVersion, ca: authorities });
  return { secureContext, ...(pins && { checkServerIdentity: pinnedIdentity(pins) }) };
}

/** What stays of `tls` for others than the one whom it is for: who they are is not pinned, and who we are is none of their business. */
export function tlsForOthers({ minVersion, places }: HttpTls): HttpTls {
  return { ...(minVersion && { minVersion }), ...(places && { places }) };
}

/** Throws CONFIG_INVALID for a certificate or key that cannot be used. Reads nothing. */
export function refuseBadTls({ ca, cert, key }: HttpTls = {}): void {
  // Node takes a text without any for no authority, and says nothing.
  if (ca !== undefined && !ca.includes('-----BEGIN CERTIFICATE-----'))
    throw new AppError('CONFIG_INVALID', 'use the configured certificates for upstreams: no certificate in it');
  if (ca !== undefined || cert !== undefined || key !== undefined) contextOf({ ca, cert, key });
}

/** Reads the PEM files that the configuration names. Rejects with CONFIG_INVALID naming the file that cannot be read. */
export async function readHttpTls(files: { caFile?: string; certFile?: string; keyFile?: string }): Promise<HttpTls> {
  const [ca, cert, key] = await Promise.all([files.caFile, files.certFile, files.keyFile].map(readPem));
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

async function readPem(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new AppError('CONFIG_INVALID', `read the certificate file ${file}: ${messageOf(error)}`, { cause: error });
  }
}

function contextOf({ minVersion = 'TLSv1.2', ...options }: SecureContextOptions): SecureContext {
  try {
    return createSecureContext({ ...options, minVersion });
  } catch (error) {
    throw new AppError('CONFIG_INVALID', `use the configured certificates for upstreams: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
