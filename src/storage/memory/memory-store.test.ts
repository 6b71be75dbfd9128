import { describe, expect, test } from 'vitest';
import { spooledBytes } from '../../io/spool.ts';
import { checkedStore } from '../checked.ts';
import { describeBlobStore } from '../contract.ts';
import { MemoryStore } from './memory-store.ts';

const o = { signal: new AbortController().signal };

describeBlobStore('memory', async () => {
  const store = new MemoryStore({ capacityBytes: 64 * 1024 * 1024, now: Date.now });
  return {
    store: checkedStore(store),
    close: async () => {
      expect(store.openReaders).toBe(0);
    },
  };
});

describe('the memory store', () => {
  test('takes no more than its capacity, and again after a delete', async () => {
    const store = new MemoryStore({ capacityBytes: 10, now: Date.now });
    await store.putIfAbsent('a', spooledBytes(Buffer.alloc(8)), o);
    await expect(store.putIfAbsent('b', spooledBytes(Buffer.alloc(3)), o)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    });
    await store.publish('a', Buffer.alloc(10), o);
    await store.delete('a', o);
    expect(await store.putIfAbsent('b', spooledBytes(Buffer.alloc(3)), o)).toBe('created');
  });
});
