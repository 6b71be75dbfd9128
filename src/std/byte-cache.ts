import { LRUCache } from 'lru-cache';
import { inOwnMemory } from './bytes.ts';

/** What an entry costs besides its bytes and its key. */
const PER_ENTRY = 200;

/** Bytes by key; what was used least recently makes room. Each entry is in memory of its own, so that all of them take what their sizes say. */
export class ByteCache extends LRUCache<string, Uint8Array> {
  /** At most about `maxBytes`; 0 = for next to nothing. */
  constructor(maxBytes: number) {
    super({ maxSize: Math.max(1, maxBytes), sizeCalculation: (bytes, key) => bytes.length + key.length + PER_ENTRY });
  }

  override set(...[key, bytes, o]: Parameters<LRUCache<string, Uint8Array>['set']>): this {
    return super.set(key, bytes && inOwnMemory(bytes), o);
  }

  /** As `set`; returns what is kept, which `get` returns from now on. */
  keep(key: string, bytes: Uint8Array): Uint8Array {
    const own = inOwnMemory(bytes);
    this.set(key, own);
    return own;
  }
}
