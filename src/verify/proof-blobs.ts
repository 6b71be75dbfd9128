/** Small blobs whose bytes are proven: what was authenticated wins over what lies there. */
import { sha256Hex } from '../gomod/sha256.ts';
import type { Ask } from '../std/ask.ts';
import { isAppError } from '../std/errors.ts';
import { memoryBody } from '../std/spooled.ts';
import { readWhole } from '../std/whole.ts';
import type { BlobStore } from '../storage/store.ts';

/** The bytes at `key`, not yet known to be right; undefined when there are none, or when they are damaged or more than `maxBytes`: proofs can be had again. */
export async function readProof(
  store: BlobStore,
  key: string,
  maxBytes: number,
  o: Ask,
): Promise<Uint8Array | undefined> {
  try {
    const blob = await store.open(key, o);
    return blob && (await readWhole(blob.reader, blob.info.sizeBytes, maxBytes, o));
  } catch (error) {
    if (isAppError(error, 'STORE_CORRUPT')) return undefined;
    throw error;
  }
}

/** Makes `bytes`, which were authenticated, durable at `key`. Other bytes there are damage, and are replaced. */
export async function keepProof(store: BlobStore, key: string, bytes: Uint8Array, o: Ask): Promise<void> {
  const body = memoryBody(bytes, sha256Hex(bytes));
  if ((await store.putIfAbsent(key, body, o)) === 'created') return;
  const there = await readProof(store, key, bytes.length, o);
  if (there !== undefined && Buffer.compare(there, bytes) === 0) return;
  await store.delete(key, o);
  await store.putIfAbsent(key, body, o);
}
