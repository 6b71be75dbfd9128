import { X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { Clock } from '../std/clock.ts';
import { AppError, messageOf } from '../std/errors.ts';

/** Paths of PEM files: the certificate with its chain, and its private key. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** A certificate and key that belong together and are in force. */
export interface TlsIdentity {
  readonly context: SecureContextOptions;
  /** Wall time in ms at which the certificate ends. */
  readonly notAfter: number;
}

/** Reads and checks the files. Throws CONFIG_INVALID when one cannot be read, they do not fit each other, or the certificate has expired. */
export async function loadTlsIdentity(files: TlsFiles, clock: Clock): Promise<TlsIdentity> {
  const cert = await readPem(files.cert);
  const key = await readPem(files.key);
  const context: SecureContextOptions = { cert, key, minVersion: 'TLSv1.2' };
  try {
    createSecureContext(context);
    const notAfter = new X509Certificate(cert).validToDate.getTime();
    if (notAfter <= clock.now()) throw new Error(`it expired at ${new Date(notAfter).toISOString()}`);
    return { context, notAfter };
  } catch (error) {
    throw new AppError('CONFIG_INVALID', `use certificate ${files.cert} with key ${files.key}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

async function readPem(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new AppError('CONFIG_INVALID', `read TLS file ${path}: ${messageOf(error)}`, { cause: error });
  }
}

/** What tells one state of the two files from another; the same text = unchanged. Symbolic links are followed, so a swapped link is a change. */
export async function tlsFilesMark(files: TlsFiles): Promise<string> {
  const marks = await Promise.all(
    [files.cert, files.key].map(async (path) => {
      const facts = await stat(path).catch(() => undefined);
      return facts === undefined ? 'absent' : `${facts.ino}:${facts.size}:${facts.mtimeMs}`;
    }),
  );
  return marks.join(' ');
}
