import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../src/std/errors.ts';
import { takeBytes, takeInodes } from '../fault/full-volume.ts';
import type { Disk } from './ground.ts';

const INODES = 60_000;

/** A small volume of its own, which can be full. Only in a mount namespace: nobody else sees it, and it goes with us. */
export class TmpfsVolume implements Disk {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** One at `folder`, or why there can be none. */
  static mount(folder: string, megabytes: number): TmpfsVolume | string {
    mkdirSync(folder, { recursive: true });
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,nr_inodes=${INODES}`, 'larder-chaos', folder], {
        stdio: 'pipe',
      });
      return new TmpfsVolume(folder);
    } catch (error) {
      return messageOf(error);
    }
  }

  fill(what: 'bytes' | 'inodes'): void {
    mkdirSync(this.#ballast);
    const at = join(this.#ballast, what);
    if (what === 'bytes') takeBytes(at);
    else takeInodes(at);
  }

  free(): void {
    rmSync(this.#ballast, { recursive: true, force: true });
  }

  /** Takes it away with all that is on it, also while something dying still holds a file there. */
  unmount(): void {
    execFileSync('umount', ['--lazy', this.#folder], { stdio: 'pipe' });
  }

  get #ballast(): string {
    return join(this.#folder, 'ballast');
  }
}
