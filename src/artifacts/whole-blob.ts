/** Reading blobs through a hash, and bytes in memory as if they were a blob. */
import { RunningSha256, sha256Hex } from '../gomod/sha256.ts';
import { type Ask, throwIfAborted } from '../std/ask.ts';
import type { BlobReader } from '../storage/store.ts';

/** Hashing so much takes a fifth of a millisecond: the event loop gets its turn in between. */
const CHUNK_BYTES = 256 * 1024;

/** What a blob turned out to be. */
export interface Summed {
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** Size and SHA-256 of what `reader` gives. Closes it. */
export async function sum(reader: BlobReader, o: Ask): Promise<Summed> {
  const hash = new RunningSha256();
  let sizeBytes = 0;
  for await (const chunk of chunksOf(reader, o)) {
    hash.add(chunk);
    sizeBytes += chunk.length;
  }
  return { sizeBytes, sha256: hash.hex() };
}

/** The blob in chunks; each is valid only until the next is asked for. Closes the reader, also when left early. */
export async function* chunksOf(reader: BlobReader, o: Ask): AsyncIterable<Uint8Array> {
  const into = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  try {
    for (let count = await reader.pull(into); count > 0; count = await reader.pull(into)) {
      throwIfAborted(o.signal);
      yield into.subarray(0, count);
    }
  } finally {
    await reader.close();
  }
}

/** The summary of bytes in memory. */
export function sumOf(bytes: Uint8Array): Summed {
  return { sizeBytes: bytes.length, sha256: sha256Hex(bytes) };
}

/** Reads bytes[start, end) that are in memory; needs no closing, but may be closed. */
export function memoryReader(bytes: Uint8Array): BlobReader {
  let at = 0;
  return {
    async pull(into) {
      const part = bytes.subarray(at, at + into.length);
      into.set(part);
      at += part.length;
      return part.length;
    },
    close: async () => undefined,
  };
}
