import type { Ask } from '../std/ask.ts';
import { readWhole as readReader } from '../std/whole.ts';
import type { ArtifactAnswer } from './resolver.ts';

/** The largest body that is ever read as a whole, bytes: a go.mod. */
const MAX_WHOLE_BYTES = 16 * 1024 * 1024;

/** The whole body of a small artifact. Rejects with STORE_CORRUPT when it is shorter than its record says, or larger than any go.mod. */
export async function readWhole(answer: ArtifactAnswer, o: Ask): Promise<Uint8Array> {
  return answer.bytes ?? readReader(await answer.open(o), answer.sizeBytes, MAX_WHOLE_BYTES, o);
}
