import type { Ask } from '../std/ask.ts';
import { AppError } from '../std/errors.ts';
import type { ArtifactAnswer } from './resolver.ts';

/** The largest body that is ever read as a whole, bytes: a go.mod. */
const MAX_WHOLE_BYTES = 16 * 1024 * 1024;

/** The whole body of a small artifact. Rejects with TOO_LARGE for others, STORE_CORRUPT when it is shorter than its record says. */
export async function readWhole(answer: ArtifactAnswer, o: Ask): Promise<Uint8Array> {
  if (answer.bytes !== undefined) return answer.bytes;
  if (answer.sizeBytes > MAX_WHOLE_BYTES) throw new AppError('TOO_LARGE', `read ${answer.sizeBytes} bytes as a whole`);
  const whole = new Uint8Array(answer.sizeBytes);
  const reader = await answer.open(o);
  try {
    let at = 0;
    while (at < whole.length) {
      const got = await reader.pull(whole.subarray(at));
      if (got === 0) throw new AppError('STORE_CORRUPT', `read ${whole.length} bytes: there are only ${at}`);
      at += got;
    }
    return whole;
  } finally {
    await reader.close();
  }
}
