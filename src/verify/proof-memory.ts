import { LRUCache } from 'lru-cache';

/** Proven bytes of one checksum database by the key they are stored under; what was used least recently makes room. */
export type ProofMemory = LRUCache<string, Uint8Array>;

/** What an entry costs besides its bytes and its key. */
const PER_ENTRY = 200;

/** An empty one, for at most `maxBytes`; 0 = for next to nothing. */
export function createProofMemory(maxBytes: number): ProofMemory {
  return new LRUCache({
    maxSize: Math.max(1, maxBytes),
    sizeCalculation: (bytes, key) => bytes.length + key.length + PER_ENTRY,
  });
}
