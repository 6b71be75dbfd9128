import type { Loaded } from '../config/load.ts';
import { withOrigin, type World } from './configuration.ts';
import { exitCode } from './exit-code.ts';

/** What long work came to: its result, or the exit code of a command that a signal stopped. */
export type Stoppable<T> = { readonly result: T } | { readonly code: number };

/**
 * Does long work with the configuration that was loaded, until it ends or a signal stops it, which is told. Rejects as `work` does, with where the key was
 * written that a failure is about. Clears the progress line.
 */
export async function untilStopped<T>(
  { terminal }: World,
  { origins }: Pick<Extract<Loaded, { ok: true }>, 'origins'>,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<Stoppable<T>> {
  const { signalOfStop } = await import('../app/lifecycle.ts');
  const stop = signalOfStop();
  try {
    return { result: await work(stop.signal) };
  } catch (error) {
    if (!stop.signal.aborted) throw withOrigin(error, origins);
    terminal.note(`larder: ${terminal.messages.stoppedEarly}`);
    return { code: exitCode('interrupted') };
  } finally {
    stop.close();
    terminal.progress(undefined);
  }
}
