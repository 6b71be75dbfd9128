import { mkdir, readdir, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { diskFailure } from './disk-failure.ts';
import { makeFolder } from './make-folder.ts';
import { newProcessMark, stateOfProcess } from './process-mark.ts';
import { Silence } from './silence.ts';
import { systemClock } from '../std/clock.ts';

/** Name of the folder that holds the temporary folders of all processes; no key can begin with a dot. */
export const TEMP_FOLDER = '.tmp';

/** How often a living process says so on its folder and looks for folders of dead ones. */
const BEAT_MS = 10 * 60_000;

/** This process's own folder for bodies that are not stored yet: DATA/.tmp/<boot id>/. */
export interface TempDirectory {
  readonly path: string;
  /** A path in it that nobody has used; the caller creates the file with O_EXCL. */
  newPath(): string;
  /** Resolves with the number of folders of dead processes that were removed at the start. Never rejects. */
  readonly swept: Promise<number>;
  /** Removes the folder. Files in it are gone afterwards; never rejects. */
  close(): Promise<void>;
}

/**
 * Makes `<dataFolder>/.tmp/<boot id>` for this process and begins, without waiting, to remove those of processes that are gone.
 * Rejects with STORE_UNAVAILABLE when the folder cannot be written.
 */
export async function openTempDirectory(dataFolder: string): Promise<TempDirectory> {
  const parent = join(dataFolder, TEMP_FOLDER);
  const bootId = await newProcessMark();
  const path = join(parent, bootId);
  const attempted = `create temporary folder ${path}`;
  try {
    await makeFolder(parent, { attempted, mode: 0o700 });
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    throw diskFailure(error, attempted);
  }
  let counter = 0;
  const others = { parent, ownBootId: bootId, silence: new Silence(systemClock) };
  const beat = setInterval(() => void beatOnce(others), BEAT_MS).unref();
  return {
    path,
    newPath: () => join(path, (counter++).toString(36)),
    swept: sweep(others),
    async close() {
      clearInterval(beat);
      await rm(path, { recursive: true, force: true }).catch(() => undefined);
    },
  };
}

/** The folders of other processes. */
interface Others {
  readonly parent: string;
  readonly ownBootId: string;
  /** Of those whose owner cannot be seen from here: another machine or container. */
  readonly silence: Silence;
}

async function beatOnce(others: Others): Promise<void> {
  const now = new Date();
  await utimes(join(others.parent, others.ownBootId), now, now).catch(() => undefined);
  await sweep(others);
}

/** Removes the folders beside our own whose process is gone, and returns how many. */
async function sweep({ parent, ownBootId, silence }: Others): Promise<number> {
  let removed = 0;
  const names = await readdir(parent).catch(() => []);
  for (const name of names) {
    if (name === ownBootId || !(await isAbandoned(join(parent, name), name, silence))) continue;
    const gone = await rm(join(parent, name), { recursive: true, force: true }).then(
      () => true,
      () => false,
    );
    if (gone) removed++;
  }
  return removed;
}

async function isAbandoned(path: string, name: string, silence: Silence): Promise<boolean> {
  const owner = await stateOfProcess(name);
  return owner === 'unseen' ? await silence.isSilent(path) : owner === 'gone';
}
