import { constants } from 'node:fs';
import { open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Ask, throwIfAborted } from '../std/ask.ts';
import { diskFailure } from './disk-failure.ts';
import { syncFolder } from './durable-file.ts';

const NEW_FILE = constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW | constants.O_WRONLY;

/**
 * Puts `bytes` in the place of the file `path`, or makes it; readers see the old or the new bytes, and after it resolved a crash leaves the new ones.
 * One caller per process and path. Its folder must be there. Rejects with STORE_UNAVAILABLE or ABORTED.
 */
export async function replaceFile(path: string, bytes: Uint8Array, o: Ask & { readonly mode: number }): Promise<void> {
  throwIfAborted(o.signal);
  const temp = `${path}.${process.pid}.new`;
  try {
    const file = await open(temp, NEW_FILE, o.mode);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temp, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await unlink(temp).catch(() => undefined);
    throw diskFailure(error, `write ${path}`, path);
  }
}
