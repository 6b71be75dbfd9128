import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { VerifierKey } from '../../gomod/sumdb/key.ts';
import type { Ask } from '../../std/ask.ts';
import { AppError, systemCodeOf } from '../../std/errors.ts';
import { readBundleFile } from './bundle-file.ts';
import { decodeManifest, type Manifest, MANIFEST_FILE, MAX_MANIFEST_BYTES, SIGNATURE_FILE } from './manifest.ts';
import { MAX_SIGNATURE_BYTES, requireSigned } from './signature.ts';

/** A bundle whose manifest was signed by a trusted key. Its files were not looked at. */
export interface OpenedBundle {
  readonly folder: string;
  readonly manifest: Manifest;
  /** As stored. */
  readonly manifestBytes: Uint8Array;
  readonly signatureBytes: Uint8Array;
  /** Names of the trusted keys that signed it. */
  readonly signers: readonly string[];
}

/** Opens the bundle in `folder`. Rejects with UPSTREAM_BAD_RESPONSE when it is none, or none that one of `keys` signed, and with UPSTREAM_UNAVAILABLE when it cannot be read. */
export async function openBundle(folder: string, keys: readonly VerifierKey[], o: Ask): Promise<OpenedBundle> {
  const signatureBytes = await readWhole(folder, SIGNATURE_FILE, MAX_SIGNATURE_BYTES, o);
  const manifestBytes = await readWhole(folder, MANIFEST_FILE, MAX_MANIFEST_BYTES, o);
  const signers = requireSigned(manifestBytes, signatureBytes, keys);
  return { folder, manifest: decodeManifest(manifestBytes), manifestBytes, signatureBytes, signers };
}

async function readWhole(folder: string, name: string, maxBytes: number, o: Ask): Promise<Uint8Array> {
  const place = join(folder, name);
  const size = await sizeOf(place, name);
  if (size > maxBytes) throw new AppError('UPSTREAM_BAD_RESPONSE', `read ${name} of the bundle: ${size} bytes`);
  return await readBundleFile(place, { path: name, size }, o);
}

async function sizeOf(place: string, name: string): Promise<number> {
  try {
    return (await lstat(place)).size;
  } catch (error) {
    const system = systemCodeOf(error) ?? '';
    const isAbsent = system === 'ENOENT' || system === 'ENOTDIR';
    throw new AppError(
      isAbsent ? 'UPSTREAM_BAD_RESPONSE' : 'UPSTREAM_UNAVAILABLE',
      `read ${name} of the bundle: ${isAbsent ? 'there is none' : system}`,
      { cause: error },
    );
  }
}
