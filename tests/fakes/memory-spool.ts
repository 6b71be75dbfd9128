/** Where bodies arrive when a test is not about files: in memory. */
import { sha256Hex } from '../../src/gomod/sha256.ts';
import { spooledBytes } from '../../src/io/spool.ts';
import type { GrowingBody, Spool } from '../../src/sources/source.ts';
import type { Spooled } from '../../src/std/spooled.ts';

/** A spool whose bodies are in `spooled` from when they are whole until they are discarded. */
export function memorySpool(spooled: Set<Spooled> = new Set()): Spool {
  return {
    fill: async (body, { onGrown, signal }) => {
      const growing = new GrowingInMemory();
      for await (const piece of body) {
        if (signal.aborted) break;
        growing.add(piece);
        onGrown?.(growing);
      }
      signal.throwIfAborted();
      const whole: Spooled = { ...spooledBytes(growing.bytes), discard: async () => void spooled.delete(whole) };
      spooled.add(whole);
      return whole;
    },
  };
}

/** A body that grows by hand. */
export class GrowingInMemory implements GrowingBody {
  bytes: Buffer = Buffer.alloc(0);

  get receivedBytes(): number {
    return this.bytes.length;
  }

  add(piece: Uint8Array): void {
    this.bytes = Buffer.concat([this.bytes, piece]);
  }

  async read(at: number, into: Uint8Array): Promise<number> {
    return this.bytes.copy(into, 0, at);
  }

  sha256(): string {
    return sha256Hex(this.bytes);
  }
}
