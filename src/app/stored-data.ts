/** What the commands share that look at what is stored, beside a server or without one. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/schema.ts';
import { isAbsence } from '../io/disk-failure.ts';
import { systemClock } from '../std/clock.ts';
import { FORMAT_FILE } from '../storage/disk/data-folder.ts';
import { noData } from './start-failure.ts';

const PROGRESS_EVERY_MS = 200;

/** Rejects with CONFIG_INVALID when no data are in the configured folder. Opening it would make it, and what is made just now is sound: a misspelt name would pass as all well. */
export async function requireData({ data: folder }: Pick<Config, 'data'>): Promise<void> {
  try {
    await stat(join(folder, FORMAT_FILE));
  } catch (error) {
    // What is there and cannot be read is told by opening it.
    if (!isAbsence(error)) return;
    const isThere = await stat(folder).then(
      () => true,
      (cause: unknown) => !isAbsence(cause),
    );
    throw noData(folder, isThere ? `it has no ${FORMAT_FILE} file` : 'no such folder');
  }
}

/** `tell`, called a few times a second at most. */
export function everySoOften(tell: (checked: number) => void): (checked: number) => void {
  let toldAt = Number.NEGATIVE_INFINITY;
  return (checked) => {
    if (systemClock.monotonic() - toldAt < PROGRESS_EVERY_MS) return;
    toldAt = systemClock.monotonic();
    tell(checked);
  };
}
