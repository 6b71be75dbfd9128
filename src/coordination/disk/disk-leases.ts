/**
 * Leases on a file system. A name is a folder, and who holds it has linked a file into it that is named for its fence: of several only one can. The holder writes over its file in place to
 * say that it lives, which is not durable and need not be. Who comes after a dead holder links the next one, then removes what was before. A name that is given back leaves nothing; its
 * fence lives on in the floor.
 *
 * Between looking and linking a process may sleep while others come and go. So after linking it looks whether nobody stands there whom it had not seen, and whether the floor has passed its
 * fence; if so it takes its file back. What such a file does in between: others wait for it, or the holder it stands behind gives up. Nobody holds more. No fence comes again, so whoever
 * wakes late removes no file but its own.
 */
import { open, readdir, rmdir, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { diskFailure } from '../../io/disk-failure.ts';
import { newProcessMark, stateOfProcess } from '../../io/process-mark.ts';
import { Silence } from '../../io/silence.ts';
import type { TempDirectory } from '../../io/temp-directory.ts';
import { type Ask, throwIfAborted } from '../../std/ask.ts';
import { systemClock } from '../../std/clock.ts';
import { systemCodeOf } from '../../std/errors.ts';
import type { LeaseBoard, Place, Sighting } from '../lease.ts';
import { FenceFloor } from './fence-floor.ts';
import { encodeLease, type LeaseLine } from './lease-file.ts';
import { entriesIn, type Entry, fencesIn, isLeft, linkInto, removeFences } from './lease-folder.ts';

export interface DiskLeasesOptions {
  /** Absolute path of the data folder; it exists. */
  readonly root: string;
  /** On the same file system. */
  readonly temp: TempDirectory;
}

/** Name of the folder in a data folder; no key can begin with a dot. */
const LEASES_FOLDER = '.leases';
const FLOOR_FOLDER = '.floor';
/** How deep names may lie, for the sweep. */
const MAX_DEPTH = 8;

/** A board of files below `root`, for all processes that share the folder. */
export class DiskLeaseBoard implements LeaseBoard {
  readonly #root: string;
  readonly #temp: TempDirectory;
  readonly #floor: FenceFloor;
  readonly #silence = new Silence(systemClock);
  #mark: Promise<string> | undefined;

  constructor({ root, temp }: DiskLeasesOptions) {
    this.#root = join(resolve(root), LEASES_FOLDER);
    this.#temp = temp;
    this.#floor = new FenceFloor(join(this.#root, FLOOR_FOLDER));
  }

  async look(name: string, o: Ask): Promise<Sighting | undefined> {
    throwIfAborted(o.signal);
    try {
      const entries = await entriesIn(join(this.#root, name));
      return entries.length === 0 ? undefined : await seenIn(entries);
    } catch (error) {
      throw diskFailure(error, `look at lease ${name}`);
    }
  }

  async claim(name: string, after: Sighting | undefined, o: Ask): Promise<Place | undefined> {
    throwIfAborted(o.signal);
    const folder = join(this.#root, name);
    try {
      const line = { mark: await this.#ownMark(), beats: 0, share: 0 };
      const fence = Math.max(after?.fence ?? 0, await this.#floor.read()) + 1;
      const file = await this.#put(folder, fence, line);
      if (file === undefined) return undefined;
      const place = new DiskPlace({ folder, fence, line, file, floor: this.#floor });
      return (await stands(place, after)) ? place : undefined;
    } catch (error) {
      throw diskFailure(error, `hold lease ${name}`);
    }
  }

  async sweep(): Promise<void> {
    await this.#sweepFolder(this.#root, 0).catch(() => undefined);
  }

  #ownMark(): Promise<string> {
    this.#mark ??= newProcessMark();
    return this.#mark;
  }

  /** The open file, or undefined when the fence is taken. */
  async #put(folder: string, fence: number, line: LeaseLine): Promise<FileHandle | undefined> {
    const temp = this.#temp.newPath();
    const file = await open(temp, 'wx+');
    try {
      await file.write(encodeLease(line), 0, undefined, 0);
      await linkInto(folder, temp, fence);
      return file;
    } catch (error) {
      await file.close();
      if (systemCodeOf(error) === 'EEXIST') return undefined;
      throw error;
    } finally {
      await unlink(temp).catch(() => undefined);
    }
  }

  async #sweepFolder(folder: string, depth: number): Promise<void> {
    for (const found of await readdir(folder, { withFileTypes: true })) {
      if (!found.isDirectory() || found.name.startsWith('.') || depth === MAX_DEPTH) continue;
      const path = join(folder, found.name);
      await this.#sweepFolder(path, depth + 1);
      await this.#sweepName(path);
      await rmdir(path).catch(() => undefined);
    }
  }

  /** Takes away what a name's folder has when all of it was left behind. */
  async #sweepName(folder: string): Promise<void> {
    const entries = await entriesIn(folder);
    const left = await Promise.all(entries.map((one) => isLeft(folder, one, this.#silence)));
    if (left.length === 0 || !left.every(Boolean)) return;
    const fences = entries.map(({ fence }) => fence);
    await this.#floor.raise(Math.max(...fences));
    await removeFences(folder, fences);
  }
}

interface PlaceParts {
  readonly folder: string;
  readonly fence: number;
  readonly line: LeaseLine;
  /** Open for writing; the place closes it. */
  readonly file: FileHandle;
  readonly floor: FenceFloor;
}

class DiskPlace implements Place {
  readonly #parts: PlaceParts;
  #beats = 0;

  constructor(parts: PlaceParts) {
    this.#parts = parts;
  }

  get fence(): number {
    return this.#parts.fence;
  }

  /** Whether nobody stands before it who was not seen, and nobody has passed it. Who was before is removed then. */
  async isBehind(after: Sighting | undefined): Promise<boolean> {
    const { folder, fence, floor } = this.#parts;
    const fences = await fencesIn(folder);
    const before = fences.slice(0, -1);
    const isUnseen = (one: number): boolean => one > (after?.fence ?? 0);
    if (fences.at(-1) !== fence || before.some(isUnseen) || (await floor.read()) >= fence) return false;
    await removeFences(folder, before);
    return true;
  }

  async beat(share: number): Promise<boolean> {
    const { file, line, folder, fence } = this.#parts;
    try {
      await file.write(encodeLease({ ...line, beats: ++this.#beats, share }), 0, undefined, 0);
      // Who comes after links its own file before it removes this one.
      return (await file.stat()).nlink > 0 && (await fencesIn(folder)).at(-1) === fence;
    } catch (error) {
      throw diskFailure(error, 'say that a lease is held');
    }
  }

  async leave(): Promise<void> {
    const { file, floor, folder } = this.#parts;
    try {
      const isOurs = (await file.stat()).nlink > 0;
      if (isOurs) await floor.raise(this.fence);
      if (isOurs) await this.#remove();
      await rmdir(folder).catch(() => undefined);
    } catch (error) {
      throw diskFailure(error, 'give a lease back');
    } finally {
      await file.close().catch(() => undefined);
    }
  }

  /** Undoes a claim. */
  async takeBack(): Promise<void> {
    await this.#remove();
    await this.#parts.file.close();
  }

  async #remove(): Promise<void> {
    await removeFences(this.#parts.folder, [this.#parts.fence]);
  }
}

/** Whether `place` is behind `after`. If not, and when that cannot be told, it is taken back: nobody would ever give it back. */
async function stands(place: DiskPlace, after: Sighting | undefined): Promise<boolean> {
  let isBehind = false;
  try {
    isBehind = await place.isBehind(after);
    return isBehind;
  } finally {
    if (!isBehind) await place.takeBack();
  }
}

/** All that stand there count: one that has linked and not yet looked is no holder, and the one before it still lives. */
async function seenIn(entries: readonly Entry[]): Promise<Sighting> {
  const states = await Promise.all(entries.map(async ({ line }) => await stateOfProcess(line?.mark ?? '')));
  const newest = entries.at(-1);
  return {
    fence: newest?.fence ?? 0,
    sign: entries.map(({ fence, line }) => `${fence}:${line?.beats}`).join(' '),
    share: newest?.line?.share ?? 0,
    isGone: states.every((state) => state === 'gone'),
  };
}
