import type { Ask } from '../../std/ask.ts';
import { isAppError } from '../../std/errors.ts';
import type { Repository } from './repository.ts';

/** A file of a commit that should be a go.mod: its bytes; `too large` for one that the go command makes no module of; undefined when there is none. */
export async function readGoMod(
  repository: Repository,
  commit: string,
  path: string,
  o: Ask,
): Promise<Uint8Array | 'too large' | undefined> {
  try {
    return await repository.file(commit, path, o);
  } catch (error) {
    if (isAppError(error, 'TOO_LARGE')) return 'too large';
    throw error;
  }
}

/** Whether there is one, however large. */
export async function hasGoMod(repository: Repository, commit: string, path: string, o: Ask): Promise<boolean> {
  return (await readGoMod(repository, commit, path, o)) !== undefined;
}
