/** Byte-level helpers that are exact where Node's own are lax. */

const fatalUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** The string, or undefined when `bytes` are not valid UTF-8. A BOM stays. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return fatalUtf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** UTF-8 of `text`; lone surrogates become U+FFFD, as everywhere in JavaScript. */
export function encodeUtf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/**
 * The same bytes in memory that holds nothing else, for what is kept for long: a short Buffer is a part of a shared block (`Buffer.poolSize`, 64 KiB), and bytes
 * from the network are parts of what was read at a time, which stay as a whole as long as any part of them.
 */
export function inOwnMemory(bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength === bytes.buffer.byteLength) return bytes;
  const copy = Buffer.allocUnsafeSlow(bytes.byteLength);
  copy.set(bytes);
  return copy;
}

/** Compares as Go compares strings: by the bytes of their UTF-8. A bare `.sort()` compares UTF-16 units and gives wrong hashes. */
export function compareBytewise(a: string, b: string): number {
  if (isBelowSurrogates(a) && isBelowSurrogates(b)) return a < b ? -1 : a > b ? 1 : 0;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** UTF-16 order and UTF-8 order differ only where surrogates take part. */
function isBelowSurrogates(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0xd800) return false;
  return true;
}
