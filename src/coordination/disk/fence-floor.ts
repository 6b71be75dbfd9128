import { mkdir, open, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isAbsence } from '../../io/disk-failure.ts';
import { systemCodeOf } from '../../std/errors.ts';
import { generationName, generationOf } from './generation-file.ts';

/**
 * A number that grows: the highest fence of all names that were taken away. Who begins a name goes on above it, so that fences grow although nothing is kept of names that nobody holds.
 * Shared by the processes that share the folder; not durable: after a power cut, which no holder survives, fences may begin anew.
 */
export class FenceFloor {
  readonly #folder: string;

  /** `folder` is made when the number is first raised. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** 0 before the first time. Rejects with the system's error. */
  async read(): Promise<number> {
    return Math.max(0, ...(await this.#all()));
  }

  /** Makes it at least `fence`. Rejects with the system's error. */
  async raise(fence: number): Promise<void> {
    const all = await this.#all();
    if (all.some((one) => one >= fence)) return;
    await this.#mark(fence);
    for (const lower of all) await unlink(join(this.#folder, generationName(lower))).catch(() => undefined);
  }

  async #all(): Promise<number[]> {
    try {
      return (await readdir(this.#folder)).flatMap((name) => generationOf(name) ?? []);
    } catch (error) {
      if (isAbsence(error)) return [];
      throw error;
    }
  }

  async #mark(fence: number): Promise<void> {
    const path = join(this.#folder, generationName(fence));
    await makeEmpty(path).catch(async (error: unknown) => {
      if (systemCodeOf(error) !== 'ENOENT') throw error;
      await mkdir(this.#folder, { recursive: true });
      await makeEmpty(path);
    });
  }
}

/** A file that is there already is as good. */
async function makeEmpty(path: string): Promise<void> {
  await (await open(path, 'a')).close();
}
