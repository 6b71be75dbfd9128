/** The hashes of a transparent log (RFC 6962): of records, and of the nodes above them. */
import { sha256Bytes, writeSha256 } from '../sha256.ts';
import { base64Of, strictBase64 } from './base64.ts';

/** 32 bytes. */
export type Hash = Uint8Array;

/** Bytes in a hash. */
export const HASH_BYTES = 32;

/** The hash of a tree without records. */
export const EMPTY_TREE_HASH: Hash = sha256Bytes('');

// The first byte keeps records and nodes apart, so that no record can pass for a node.
const RECORD = 0;
const NODE = 1;

/** The hash of a leaf: of a record's text. */
export function recordHash(data: Uint8Array): Hash {
  const input = Buffer.allocUnsafe(1 + data.length);
  input[0] = RECORD;
  input.set(data, 1);
  return sha256Bytes(input);
}

/** The hash of the node above `left` and `right`. */
export function nodeHash(left: Hash, right: Hash): Hash {
  const input = Buffer.allocUnsafe(1 + 2 * HASH_BYTES);
  input[0] = NODE;
  input.set(left, 1);
  input.set(right, 1 + HASH_BYTES);
  return sha256Bytes(input);
}

/** The hash over the `hashes` that lie one behind the other; their number is a power of two. */
export function hashOver(hashes: Uint8Array): Hash {
  const level = Buffer.from(hashes);
  const input = Buffer.allocUnsafe(1 + 2 * HASH_BYTES);
  input[0] = NODE;
  for (let nodes = hashes.length / HASH_BYTES / 2; nodes >= 1; nodes /= 2) {
    for (let i = 0; i < nodes; i++) {
      level.copy(input, 1, 2 * i * HASH_BYTES, 2 * (i + 1) * HASH_BYTES);
      writeSha256(level, i * HASH_BYTES, input);
    }
  }
  return Buffer.from(level.subarray(0, HASH_BYTES));
}

/** Whether two hashes are the same bytes. None of them is a secret. */
export function equalHashes(a: Hash, b: Hash): boolean {
  return Buffer.compare(a, b) === 0;
}

/** How a hash is written in a tree head. */
export function hashBase64(hash: Hash): string {
  return base64Of(hash);
}

/** The inverse of hashBase64; undefined for anything else. */
export function parseHashBase64(text: string): Hash | undefined {
  const bytes = strictBase64(text);
  return bytes?.length === HASH_BYTES ? bytes : undefined;
}
