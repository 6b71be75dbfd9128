/** Deflate and CRC-32: the one file that knows node:zlib. */
import {
  crc32 as zlibCrc32,
  createDeflateRaw,
  createInflateRaw,
  deflateRaw,
  deflateRawSync,
  inflateRawSync,
} from 'node:zlib';
import { faultIn } from './fault.ts';

/** CRC-32 of `bytes`, going on from `before`. */
export function crc32(bytes: Uint8Array, before = 0): number {
  return zlibCrc32(bytes, before);
}

const LONGER = 'longer than it says';
const SHORTER = 'shorter than it says';
const LEFT_OVER = 'bytes after the end of its compressed data';

/**
 * Inflates `compressed` at once. Throws ZIP_INVALID unless it is one deflate stream without a byte left over that gives exactly `sizeBytes`; gives up at the
 * first byte too many, so memory and time are bounded by what the entry says.
 */
export function inflateWhole(compressed: Uint8Array, sizeBytes: number, name: string): Uint8Array {
  // One output buffer with room for the byte too many; zlib asks for at least 64.
  const options = { chunkSize: Math.max(64, sizeBytes + 1), maxOutputLength: sizeBytes + 1, info: true } as const;
  const { buffer, engine } = inflating(name, () => inflateRawSync(compressed, options) as unknown as Inflated);
  if (buffer.length !== sizeBytes) throw faultIn(name, buffer.length > sizeBytes ? LONGER : SHORTER);
  if (engine.bytesWritten !== compressed.length) throw faultIn(name, LEFT_OVER);
  return buffer;
}

/** What the `info` option makes of the result; `bytesWritten` counts the input that was used. */
interface Inflated {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

function inflating<T>(name: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw inflateFault(error, name);
  }
}

function inflateFault(error: unknown, name: string): Error {
  const code = (error as { code?: unknown }).code;
  if (code === 'ERR_BUFFER_TOO_LARGE') return faultIn(name, LONGER);
  if (code === 'Z_BUF_ERROR') return faultIn(name, 'its compressed data are cut off');
  if (code === 'Z_DATA_ERROR') return faultIn(name, 'its compressed data are damaged');
  return error instanceof Error ? error : new Error(String(error));
}

const CHUNK_BYTES = 256 * 1024;

/**
 * Inflates `pieces`, `compressedBytes` in all, giving each part to `sink` (which must not throw, and must not keep it). Memory stays below a
 * megabyte however large the content is. Rejects with ZIP_INVALID under the conditions of inflateWhole; `sink` may have seen up to 256 KiB too much then.
 */
export async function inflatePieces(
  pieces: Iterable<Uint8Array>,
  expected: { readonly compressedBytes: number; readonly sizeBytes: number },
  name: string,
  sink: (part: Uint8Array) => void,
): Promise<void> {
  const engine = createInflateRaw({ chunkSize: CHUNK_BYTES });
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
  let seen = 0;
  engine.on('data', (part: Buffer) => {
    seen += part.length;
    if (seen > expected.sizeBytes) engine.destroy(faultIn(name, LONGER));
    else sink(part);
  });
  engine.once('end', resolve).once('error', (error) => reject(inflateFault(error, name)));
  try {
    await Promise.race([ended, writeAll(engine, pieces)]);
    await ended;
  } finally {
    engine.destroy();
  }
  if (seen !== expected.sizeBytes) throw faultIn(name, SHORTER);
  if (engine.bytesWritten !== expected.compressedBytes) throw faultIn(name, LEFT_OVER);
}

/** Waits for each piece to be used before it takes the next. Does not settle when the stream ends early or fails: its `end` or `error` says so. */
async function writeAll(engine: ReturnType<typeof createInflateRaw>, pieces: Iterable<Uint8Array>): Promise<void> {
  for (const piece of pieces) {
    // zlib reads in its own thread, after which the source may reuse the memory.
    await new Promise<void>((resolve) => engine.write(piece, (error) => (error ? undefined : resolve())));
  }
  engine.end();
}

/** Below this, handing a content to another thread costs more than deflating it. */
const SMALL_BYTES = 3 * 1024;

/** `bytes`, deflated, at once. */
export function deflateNow(bytes: Uint8Array): Uint8Array {
  return deflateRawSync(bytes, optionsFor(bytes.length));
}

/** `bytes`, deflated by one of zlib's threads, during which they must not be changed. Undefined for those that are too small to be worth it. */
export function deflateAside(bytes: Uint8Array): Promise<Uint8Array> | undefined {
  if (bytes.length < SMALL_BYTES) return undefined;
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  deflateRaw(bytes, optionsFor(bytes.length), (error, data) => (error ? reject(error) : resolve(data)));
  return promise;
}

/** What zlib cannot look back over, of its window. */
const LOOKAHEAD_BYTES = 262;
const MAX_WINDOW_BITS = 15;
const SMALLEST_WINDOW_BITS = 10;

/**
 * Text shrinks to less than half: zlib's own output buffers, 16 KiB for each file, would be most of the garbage of a zip. And its window and tables, a quarter of
 * a megabyte for each file, are made no larger than the file needs: it comes out the same.
 */
function optionsFor(sizeBytes: number): { chunkSize: number; windowBits: number; memLevel: number } {
  const bits = Math.ceil(Math.log2(sizeBytes + LOOKAHEAD_BYTES));
  const windowBits = Math.min(MAX_WINDOW_BITS, Math.max(SMALLEST_WINDOW_BITS, bits));
  return {
    chunkSize: 64 + (sizeBytes >> 1),
    windowBits,
    memLevel: windowBits === MAX_WINDOW_BITS ? 8 : windowBits - 6,
  };
}

/** `pieces`, deflated on the way; an error of theirs is this one's. */
export async function* deflatePieces(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const engine = createDeflateRaw({ chunkSize: CHUNK_BYTES });
  try {
    const feeding = feed(engine, pieces);
    for await (const part of engine) yield part as Uint8Array;
    await feeding;
  } finally {
    engine.destroy();
  }
}

/** Never rejects: what `pieces` fails with becomes the engine's error. */
async function feed(engine: ReturnType<typeof createDeflateRaw>, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    for await (const piece of pieces) {
      if (engine.destroyed) return;
      await new Promise<void>((resolve) => {
        engine.once('close', resolve);
        engine.write(piece, () => {
          engine.off('close', resolve);
          resolve();
        });
      });
    }
    engine.end();
  } catch (error) {
    engine.destroy(error instanceof Error ? error : new Error(String(error)));
  }
}
