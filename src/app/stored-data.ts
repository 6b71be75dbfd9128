/** What the commands share that look at what is stored while no server, or another process, serves it. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/schema.ts';
import { isAbsence } from '../io/disk-failure.ts';
import { systemClock } from '../std/clock.ts';
import { FORMAT_FILE } from '../storage/disk/data-folder.ts';
import { Closing } from './closing.ts';
import type { Around } from './compose.ts';
import { type Observers, openObservers } from './observers.ts';
import { noData } from './start-failure.ts';

/** What work on stored data begins with. */
export interface OnStored {
  /** The configuration, without logs and metrics: the report says what went wrong, and a log between its lines would not help. */
  readonly config: Config;
  readonly observers: Observers;
  /** What the work opens is added here. */
  readonly closing: Closing;
}

/** The largest body there is: a zip of 500 MiB. */
export const MAX_BODY_BYTES = 512 * 1024 * 1024;
const PROGRESS_EVERY_MS = 200;

/**
 * Does `work` on the configured data folder, and closes what it opened. Rejects with CONFIG_INVALID when there is no data folder (none is made), and with
 * whatever `work` rejects with.
 */
export async function onStored<T>(config: Config, { logTo }: Around, work: (on: OnStored) => Promise<T>): Promise<T> {
  await requireData(config.data);
  const closing = new Closing();
  const quiet: Config = { ...config, log: { ...config.log, level: 'silent' }, metrics: { enabled: false } };
  try {
    const observers = openObservers(quiet, logTo);
    closing.add(() => observers.close());
    return await work({ config: quiet, observers, closing });
  } finally {
    await closing.close();
  }
}

/** Opening a data folder makes it, and what is made just now is sound: a misspelt name would pass as all well. */
async function requireData(folder: string): Promise<void> {
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
