/** Takes what is left of a volume, until not one byte or not one name more fits. */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemCodeOf } from '../../src/std/errors.ts';

/** All room: into the file at `path`, in ever smaller pieces. */
export function takeBytes(path: string): void {
  for (const bytes of [1 << 20, 4096, 1]) {
    const piece = Buffer.alloc(bytes);
    untilRefused(() => appendFileSync(path, piece));
  }
}

/** All names: with empty files in `folder`, which is made. */
export function takeInodes(folder: string): void {
  mkdirSync(folder);
  let made = 0;
  untilRefused(() => writeFileSync(join(folder, `${made++}`), ''));
}

function untilRefused(take: () => void): void {
  for (;;) {
    try {
      take();
    } catch (error) {
      if (systemCodeOf(error) === 'ENOSPC') return;
      throw error;
    }
  }
}
