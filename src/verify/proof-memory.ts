import type { ByteCache } from '../std/byte-cache.ts';

/** Proven bytes of one checksum database by the key they are stored under; what was used least recently makes room. */
export type ProofMemory = ByteCache;

/** Smallest room for proven bytes that the store does not take: what proves a head takes a good 100 KiB at most. */
const LEAST_UNWRITTEN_BYTES = 256 * 1024;

/** Besides what is in `memory`, so many proven bytes of one kind may wait for a store that takes nothing: a quarter of it. */
export function mostUnwritten(memory: ProofMemory): number {
  return Math.max(memory.maxSize / 4, LEAST_UNWRITTEN_BYTES);
}
