import { constants, type PathLike } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { RunningSha256 } from '../gomod/sha256.ts';
import { type Ask, throwIfAborted } from '../std/ask.ts';

const CHUNK_BYTES = 256 * 1024;
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const CREATE = constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW | constants.O_WRONLY;

/** What a file was found to be. */
export interface FileFacts {
  /** Lower-case hex. */
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly isExecutable: boolean;
}

/** Reads the plain file at `place` to its end. Memory: a quarter of a megabyte. Rejects with the system's error; ELOOP for a link. */
export async function hashFile(place: PathLike, o: Ask): Promise<FileFacts> {
  return await readThrough(place, o, async () => {});
}

/** What a copy is told: its mode, by whether the original may be run. */
type CopyAsk = Ask & { readonly modeOf: (isExecutable: boolean) => number };

/** Copies the plain file `from` to the new file `to`, and tells what was copied. After a crash the copy may be short: for what is held against a checksum before it is used. Rejects with the system's error. */
export async function copyFile(from: PathLike, to: PathLike, o: CopyAsk): Promise<FileFacts> {
  return await copyThrough(from, to, o, async () => {});
}

/** The same; the copy is on disk when this resolves. */
export async function copyFileSynced(from: PathLike, to: PathLike, o: CopyAsk): Promise<FileFacts> {
  return await copyThrough(from, to, o, (target) => target.sync());
}

async function copyThrough(
  from: PathLike,
  to: PathLike,
  o: CopyAsk,
  finish: (target: FileHandle) => Promise<void>,
): Promise<FileFacts> {
  const target = await open(to, CREATE, 0o600);
  try {
    const facts = await readThrough(from, o, (piece) => target.writeFile(piece));
    await target.chmod(o.modeOf(facts.isExecutable));
    await finish(target);
    return facts;
  } finally {
    await target.close();
  }
}

async function readThrough(
  place: PathLike,
  { signal }: Ask,
  take: (piece: Uint8Array) => Promise<void>,
): Promise<FileFacts> {
  const file = await open(place, READ);
  try {
    const facts = await file.stat();
    if (!facts.isFile()) throw Object.assign(new Error('not a plain file'), { code: 'ENXIO' });
    const hash = new RunningSha256();
    let sizeBytes = 0;
    for (const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, Math.max(facts.size, 1))); ; ) {
      throwIfAborted(signal);
      const { bytesRead } = await file.read(buffer, 0, buffer.length, sizeBytes);
      if (bytesRead === 0) break;
      const piece = buffer.subarray(0, bytesRead);
      hash.add(piece);
      await take(piece);
      sizeBytes += bytesRead;
    }
    return { sha256: hash.hex(), sizeBytes, isExecutable: (facts.mode & 0o111) !== 0 };
  } finally {
    await file.close();
  }
}
