/** The folder of one lease: a file for each holder, of which all but one have been overtaken. */
import { link, mkdir, readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isAbsence } from '../../io/disk-failure.ts';
import { stateOfProcess } from '../../io/process-mark.ts';
import type { Silence } from '../../io/silence.ts';
import { systemCodeOf } from '../../std/errors.ts';
import { generationName, generationOf } from './generation-file.ts';
import { decodeLease, type LeaseLine } from './lease-file.ts';

/** Whoever gives the name back in between removes the folder; that often in a row nobody does. */
const MAX_TRIES = 10;

/** One file in a name's folder; `line` is undefined when it cannot be read, or says nothing. */
export interface Entry {
  readonly fence: number;
  readonly line: LeaseLine | undefined;
}

/** Links `path` under `fence` into the folder of a name; who gives a name back may remove the folder at any moment. Rejects with the system's error, EEXIST when the fence is taken. */
export async function linkInto(folder: string, path: string, fence: number): Promise<void> {
  const to = join(folder, generationName(fence));
  for (let tries = 0; ; tries++) {
    try {
      return await link(path, to);
    } catch (error) {
      if (systemCodeOf(error) !== 'ENOENT' || tries === MAX_TRIES) throw error;
      await mkdir(folder, { recursive: true });
    }
  }
}

/** Best effort: what stays is seen to be left behind, later. */
export async function removeFences(folder: string, fences: readonly number[]): Promise<void> {
  for (const one of fences) await unlink(join(folder, generationName(one))).catch(() => undefined);
}

/** What stands in a name's folder, oldest first. Rejects with the system's error. */
export async function entriesIn(folder: string): Promise<readonly Entry[]> {
  const entries = await Promise.all((await fencesIn(folder)).map((one) => entryOf(folder, one)));
  return entries.filter((one) => one !== undefined);
}

/** The fences alone, oldest first; none when there is no such folder. Rejects with the system's error. */
export async function fencesIn(folder: string): Promise<readonly number[]> {
  try {
    return (await readdir(folder)).flatMap((name) => generationOf(name) ?? []).sort((a, b) => a - b);
  } catch (error) {
    if (isAbsence(error)) return [];
    throw error;
  }
}

/** Undefined for one that went meanwhile. */
async function entryOf(folder: string, fence: number): Promise<Entry | undefined> {
  try {
    return { fence, line: decodeLease(await readFile(join(folder, generationName(fence)))) };
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

/** Whether nobody lives who wrote it; `silence` judges those who cannot be seen from here. */
export async function isLeft(folder: string, { fence, line }: Entry, silence: Silence): Promise<boolean> {
  const owner = await stateOfProcess(line?.mark ?? '');
  return owner === 'unseen' ? await silence.isSilent(join(folder, generationName(fence))) : owner === 'gone';
}
