import type { ArtifactAnswer } from '../../src/resolver/resolver.ts';
import { readWhole } from '../../src/std/whole.ts';

/** The whole of an answer, as a client reads it: what it is called, and its text. */
export async function readAnswer(
  answer: ArtifactAnswer,
  signal: AbortSignal,
): Promise<{ readonly result: string; readonly text: string }> {
  const { bytes, sizeBytes, result } = answer;
  const whole = bytes ?? (await readWhole(await answer.open({ signal }), sizeBytes, 1 << 20, { signal }));
  return { result, text: Buffer.from(whole).toString() };
}
