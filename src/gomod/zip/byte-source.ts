/**
 * Bytes that can be read anywhere at once: a zip in memory, or a spooled file that a worker thread reads. What is read is the
 * caller's to look at until the next read, not longer.
 */
export interface ByteSource {
  readonly sizeBytes: number;
  /** Exactly `length` bytes from `offset`; the caller stays inside the size. Throws when they cannot be had. */
  read(offset: number, length: number): Uint8Array;
}

/** `bytes` as a source; what is read stays valid for as long as they do. */
export function memorySource(bytes: Uint8Array): ByteSource {
  return {
    sizeBytes: bytes.byteLength,
    read: (offset, length) => bytes.subarray(offset, offset + length),
  };
}
