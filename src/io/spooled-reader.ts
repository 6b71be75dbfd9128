import { type FileHandle, open } from 'node:fs/promises';
import { type Ask, throwIfAborted } from '../std/ask.ts';
import type { Spooled } from '../std/spooled.ts';
import { diskFailure } from './disk-failure.ts';

/** Reads a body from front to back into the caller's buffers; in shape the reader of a blob store. One pull at a time. */
export interface SpooledReader {
  /** Fills `into` from its start and returns how many bytes were written; 0 only at the end. */
  pull(into: Uint8Array): Promise<number>;
  /** Must be called; may be called again; never rejects. */
  close(): Promise<void>;
}

/** Opens a body that is stored nowhere else, or the bytes from `start` up to, not including, `end`. Rejects with STORE_UNAVAILABLE when its file cannot be read. */
export async function openSpooled(
  body: Spooled,
  o: Ask & { readonly range?: { readonly start: number; readonly end: number } },
): Promise<SpooledReader> {
  throwIfAborted(o.signal);
  const start = o.range?.start ?? 0;
  const end = Math.min(o.range?.end ?? body.sizeBytes, body.sizeBytes);
  if (body.kind === 'memory') return memoryReader(body.bytes.subarray(start, end));
  try {
    return fileReader(await open(body.path, 'r'), body.path, start, end);
  } catch (error) {
    throw diskFailure(error, 'open a received body', body.path);
  }
}

function memoryReader(bytes: Uint8Array): SpooledReader {
  let at = 0;
  return {
    pull: async (into) => {
      const part = bytes.subarray(at, at + into.length);
      into.set(part);
      at += part.length;
      return part.length;
    },
    close: async () => undefined,
  };
}

function fileReader(file: FileHandle, path: string, start: number, end: number): SpooledReader {
  let at = start;
  return {
    pull: async (into) => {
      const length = Math.min(into.length, end - at);
      if (length <= 0) return 0;
      try {
        const { bytesRead } = await file.read(into, 0, length, at);
        at += bytesRead;
        return bytesRead;
      } catch (error) {
        throw diskFailure(error, 'read a received body', path);
      }
    },
    close: () => file.close().catch(() => undefined),
  };
}
