/**
 * A complete body that has been received and hashed but is not yet anyone's: small ones in memory, large ones in a
 * temporary file. Whoever holds it must `discard()` it, also after a commit (a commit links, it does not take).
 */
export type Spooled = SpooledMemory | SpooledFile;

interface SpooledFacts {
  readonly sizeBytes: number;
  /** Lower-case hex SHA-256 of the bytes. */
  readonly sha256: string;
  /** Removes the temporary file, if any. Never rejects; may be called again. */
  discard(): Promise<void>;
}

export interface SpooledMemory extends SpooledFacts {
  readonly kind: 'memory';
  readonly bytes: Uint8Array;
}

/** The file is complete and closed, but not yet synced to disk. */
export interface SpooledFile extends SpooledFacts {
  readonly kind: 'file';
  readonly path: string;
}

/** `bytes`, whose lower-case hex SHA-256 is `sha256`, as a finished body. They must not be changed afterwards. */
export function memoryBody(bytes: Uint8Array, sha256: string): SpooledMemory {
  return { kind: 'memory', bytes, sizeBytes: bytes.length, sha256, discard: async () => undefined };
}
