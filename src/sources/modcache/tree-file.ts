import { constants, type FileHandle, open } from 'node:fs/promises';
import { type Ask, throwIfAborted } from '../../std/ask.ts';
import { AppError, type ErrorCode, messageOf, systemCodeOf } from '../../std/errors.ts';

const CHUNK_BYTES = 256 * 1024;

/** Names that are not there, or that no file system takes. */
const ABSENT: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG']);
const WRONG_KIND: ReadonlySet<string> = new Set(['EISDIR', 'ELOOP', 'ENXIO']);

/**
 * The AppError for a file that cannot be read: NOT_FOUND when it is not there; anything else means "cannot tell", a missing permission too:
 * it would be a lie to say that the module does not exist.
 */
export function treeFailure(error: unknown, attempt: string): AppError {
  if (error instanceof AppError) return error;
  const code = systemCodeOf(error) ?? '';
  if (ABSENT.has(code)) return new AppError('NOT_FOUND', `${attempt}: not in this tree`, { cause: error });
  return treeError(
    WRONG_KIND.has(code) ? 'UPSTREAM_BAD_RESPONSE' : 'UPSTREAM_UNAVAILABLE',
    attempt,
    code || messageOf(error),
    error,
  );
}

/** The whole of a small file. Rejects as treeFailure says, with TOO_LARGE past `maxBytes`. */
export async function readTreeFile(path: string, maxBytes: number, attempt: string, o: Ask): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of treeFilePieces(path, maxBytes, attempt, o)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** The bytes of a file, exactly as many as it had when it was opened: a file that shrinks meanwhile is an error. Opened by the first read, always closed. */
export async function* treeFilePieces(
  path: string,
  maxBytes: number,
  attempt: string,
  { signal }: Ask,
): AsyncGenerator<Uint8Array, void, undefined> {
  throwIfAborted(signal);
  const file = await openTreeFile(path).catch((error: unknown) => Promise.reject(treeFailure(error, attempt)));
  try {
    const size = await checkedSize(file, maxBytes, attempt);
    for (let at = 0; at < size; ) {
      throwIfAborted(signal);
      const { bytesRead, buffer } = await file.read(
        Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size - at)),
        0,
        undefined,
        at,
      );
      if (bytesRead === 0)
        throw treeError('UPSTREAM_UNAVAILABLE', attempt, `the file ends after ${at} of ${size} bytes`);
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } catch (error) {
    throw treeFailure(error, attempt);
  } finally {
    await file.close();
  }
}

/** Non-blocking, so that a named pipe in the tree cannot hang a request. */
async function openTreeFile(path: string): Promise<FileHandle> {
  return await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
}

async function checkedSize(file: FileHandle, maxBytes: number, attempt: string): Promise<number> {
  const facts = await file.stat();
  if (!facts.isFile()) throw treeError('UPSTREAM_BAD_RESPONSE', attempt, 'not a regular file');
  if (facts.size > maxBytes)
    throw treeError('TOO_LARGE', attempt, `${facts.size} bytes, at most ${maxBytes} are taken`);
  return facts.size;
}

function treeError(code: ErrorCode, attempt: string, why: string, cause?: unknown): AppError {
  return new AppError(code, `${attempt}: ${why}`, { cause });
}
