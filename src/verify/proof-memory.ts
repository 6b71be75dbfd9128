import { LRUCache } from 'lru-cache';

/** Proven bytes of one checksum database by the key they are stored under; what was used least recently makes room. */
export type ProofMemory = LRUCache<string, Uint8Array>;

/** Smallest room for proven bytes that the store does not take: what proves a head takes a good 100 KiB at most. */
const LEAST_UNWRITTEN_BYTES = 256 * 1024;

/** Besides what is in `memory`, so many proven bytes of one kind may wait for a store that takes nothing: a quarter of it. */
export function mostUnwritten(memory: ProofMemory): number {
  return Math.max(memory.maxSize / 4, LEAST_UNWRITTEN_BYTES);
}

/** What an entry costs besides its bytes and its key. */
const PER_ENTRY = 200;

/** An empty one, for at most `maxBytes`; 0 = for next to nothing. */
export function createProofMemory(maxBytes: number): ProofMemory {
  return new LRUCache({
    maxSize: Math.max(1, maxBytes),
    sizeCalculation: (bytes, key) => bytes.length + key.length + PER_ENTRY,
  });
}
