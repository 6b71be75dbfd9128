import { constants, type FileHandle, open } from 'node:fs/promises';
import { RunningSha256 } from '../../gomod/sha256.ts';
import { type Ask, throwIfAborted } from '../../std/ask.ts';
import { AppError, messageOf, systemCodeOf } from '../../std/errors.ts';
import type { BundleFile } from './manifest.ts';

const CHUNK_BYTES = 256 * 1024;
/** What says that a listed file is not what it should be, and not that it cannot be read just now. */
const DAMAGE: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENXIO']);

/** What a file must be; the hash is not known of manifest and signature. */
export type Expected = Pick<BundleFile, 'path' | 'size'> & Partial<Pick<BundleFile, 'sha256'>>;

/**
 * The bytes of the file at `place`, which must be a plain file of exactly the size and hash that it has in the manifest: throws UPSTREAM_BAD_RESPONSE where it is
 * not, at the latest after the last byte, and UPSTREAM_UNAVAILABLE when it cannot be read. Opened by the first read, always closed; goes on when the store switches.
 */
export async function* bundleFilePieces(
  place: string,
  expected: Expected,
  { signal }: Ask,
): AsyncGenerator<Uint8Array, void, undefined> {
  throwIfAborted(signal);
  let file: FileHandle | undefined;
  try {
    file = await open(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const facts = await file.stat();
    if (!facts.isFile()) throw damaged(expected, 'not a plain file');
    if (facts.size !== expected.size) throw damaged(expected, `${facts.size} bytes in place of ${expected.size}`);
    yield* checkedPieces(file, expected, signal);
  } catch (error) {
    throw asFailure(error, expected);
  } finally {
    await file?.close();
  }
}

async function* checkedPieces(
  file: FileHandle,
  expected: Expected,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = new RunningSha256();
  for (let at = 0; at < expected.size; ) {
    throwIfAborted(signal);
    const { bytesRead, buffer } = await file.read(
      Buffer.allocUnsafe(Math.min(CHUNK_BYTES, expected.size - at)),
      0,
      undefined,
      at,
    );
    if (bytesRead === 0) throw damaged(expected, `it ends after ${at} of ${expected.size} bytes`);
    at += bytesRead;
    const piece = buffer.subarray(0, bytesRead);
    hash.add(piece);
    if (at === expected.size) requireHash(hash, expected);
    yield piece;
  }
  if (expected.size === 0) requireHash(hash, expected);
}

function requireHash(hash: RunningSha256, expected: Expected): void {
  if (expected.sha256 !== undefined && hash.hex() !== expected.sha256)
    throw damaged(expected, 'not the bytes of the manifest');
}

/** The whole of it, in memory: for what is small. */
export async function readBundleFile(place: string, expected: Expected, o: Ask): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of bundleFilePieces(place, expected, o)) pieces.push(piece);
  return Buffer.concat(pieces);
}

function asFailure(error: unknown, { path }: Expected): AppError {
  if (error instanceof AppError) return error;
  const system = systemCodeOf(error) ?? '';
  const code = DAMAGE.has(system) ? 'UPSTREAM_BAD_RESPONSE' : 'UPSTREAM_UNAVAILABLE';
  return new AppError(code, `read ${path} of the bundle: ${system || messageOf(error)}`, { cause: error });
}

function damaged({ path }: Expected, why: string): AppError {
  return new AppError('UPSTREAM_BAD_RESPONSE', `read ${path} of the bundle: ${why}`);
}
