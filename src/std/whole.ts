import { type Ask, throwIfAborted } from './ask.ts';
import { AppError } from './errors.ts';

/** What bytes are pulled from until there are no more: an open blob. */
export interface Pulled {
  /** Fills `into` from its start and returns how many bytes were written; 0 only at the end. */
  pull(into: Uint8Array): Promise<number>;
  close(): Promise<void>;
}

/** All bytes of `reader`, at most `maxBytes` (STORE_CORRUPT: what is stored is never larger than its record says). Closes it. */
export async function readWhole(reader: Pulled, sizeBytes: number, maxBytes: number, o: Ask): Promise<Uint8Array> {
  try {
    if (sizeBytes > maxBytes)
      throw new AppError('STORE_CORRUPT', `read a blob of ${sizeBytes} bytes: at most ${maxBytes} expected`);
    // Its own memory, exactly as large: it may be kept for long.
    const bytes = Buffer.allocUnsafeSlow(sizeBytes);
    let at = 0;
    while (at < sizeBytes) {
      throwIfAborted(o.signal);
      const count = await reader.pull(bytes.subarray(at));
      if (count === 0) throw new AppError('STORE_CORRUPT', `read a blob of ${sizeBytes} bytes: it ends after ${at}`);
      at += count;
    }
    return bytes;
  } finally {
    await reader.close();
  }
}
