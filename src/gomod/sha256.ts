/** SHA-256, the one hash the Go module system is built on. */
import { createHash, hash } from 'node:crypto';

/** Lower-case hex of the SHA-256 of `data`; a string counts as its UTF-8. */
export function sha256Hex(data: Uint8Array | string): string {
  return hash('sha256', data, 'hex');
}

/** The same in padded standard base64. */
export function sha256Base64(data: Uint8Array | string): string {
  return hash('sha256', data, 'base64');
}

/** The 32 bytes of it. */
export function sha256Bytes(data: Uint8Array | string): Uint8Array {
  return hash('sha256', data, 'buffer');
}

/** Writes the 32 bytes of it to `into` at `at`. For many small hashes: a result of its own for each is most of what they cost. */
export function writeSha256(into: Buffer, at: number, data: Uint8Array): void {
  into.write(hash('sha256', data, 'binary'), at, 'binary');
}

/** A SHA-256 that is fed piece by piece. */
export class RunningSha256 {
  readonly #hash = createHash('sha256');

  add(piece: Uint8Array): void {
    this.#hash.update(piece);
  }

  /** Hex digest of all that was added. Ends it: nothing may be added after. */
  hex(): string {
    return this.#hash.digest('hex');
  }
}
