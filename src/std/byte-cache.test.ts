import { expect, test } from 'vitest';
import { ByteCache } from './byte-cache.ts';
import { inOwnMemory } from './bytes.ts';

test('what is kept of a larger block does not keep the block', () => {
  const cache = new ByteCache(10_000);
  const block = Buffer.alloc(65_536, 'x');
  cache.set('part', block.subarray(100, 150));
  // Control: short Buffers are parts of a block.
  expect(Buffer.from('short').buffer.byteLength).toBeGreaterThan(5);
  cache.set('short', Buffer.from('short'));
  expect([cache.get('part'), cache.get('short')].map((one) => one?.buffer.byteLength)).toEqual([50, 5]);
  expect(String(cache.get('part'))).toBe('x'.repeat(50));
});

test('is the same object as long as it is kept, and makes room by size', () => {
  const cache = new ByteCache(1000);
  cache.set('a', Buffer.from('a'));
  expect(cache.get('a')).toBe(cache.get('a'));
  for (let i = 0; i < 9; i++) cache.set(`b${i}`, Buffer.alloc(50));
  expect([cache.has('a'), cache.has('b8')]).toEqual([false, true]);
});

test('bytes that have their memory to themselves are not copied', () => {
  const own = Buffer.allocUnsafeSlow(10);
  expect(inOwnMemory(own)).toBe(own);
});
