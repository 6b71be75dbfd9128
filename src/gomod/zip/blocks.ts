/** Many small pieces as a few large ones. */

const BLOCK_BYTES = 64 * 1024;

/**
 * The bytes of `groups`, in pieces of 64 KiB and a last one that is smaller. Whoever takes them may keep them for a while: the small ones would each hold on to the
 * 8 KiB that Node cut them from.
 */
export async function* inBlocks(
  groups: AsyncIterable<readonly Uint8Array[]>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  let used = 0;
  for await (const group of groups) {
    for (const piece of group) {
      for (let at = 0; at < piece.length; ) {
        const part = piece.subarray(at, at + BLOCK_BYTES - used);
        block.set(part, used);
        at += part.length;
        used += part.length;
        if (used < BLOCK_BYTES) continue;
        yield block;
        block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
        used = 0;
      }
    }
  }
  // A copy: small zips are kept, and should not keep all of it.
  if (used > 0) yield Uint8Array.prototype.slice.call(block, 0, used);
}
