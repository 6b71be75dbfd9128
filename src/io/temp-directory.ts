import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, readlink, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { systemCodeOf } from '../std/errors.ts';
import { diskFailure } from './disk-failure.ts';
import { makeFolder } from './make-folder.ts';

/** Name of the folder that holds the temporary folders of all processes; no key can begin with a dot. */
export const TEMP_FOLDER = '.tmp';

/** How often a living process says so on its folder and looks for folders of dead ones. */
const BEAT_MS = 10 * 60_000;
/** A folder whose owner cannot be seen from here (another machine or container) is left alone until it was silent for so long. */
const SILENT_MS = 60 * 60_000;

/**
 * Which process a temporary folder belongs to. It stands in the folder's name, so that it is there as soon as the folder is and goes no earlier:
 * a file inside could be missing after a kill during making or removing.
 */
interface Owner {
  /** What makes `pid` mean something: a hash of host, machine boot and process namespace. */
  readonly world: string;
  readonly pid: number;
  /** Start time of the process in kernel ticks since boot, so that a reused pid is not taken for it; 0 where the system does not tell. */
  readonly startedAt: number;
}

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
  const self: Owner = {
    world: await worldOfThisProcess(),
    pid: process.pid,
    startedAt: (await startTimeOf(process.pid)) ?? 0,
  };
  const bootId = `${self.world}-${self.pid}-${self.startedAt}-${randomBytes(4).toString('hex')}`;
  const path = join(parent, bootId);
  const attempted = `create temporary folder ${path}`;
  try {
    await makeFolder(parent, { attempted, mode: 0o700 });
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    throw diskFailure(error, attempted);
  }
  let counter = 0;
  const beat = setInterval(() => void beatOnce(parent, bootId, self), BEAT_MS).unref();
  return {
    path,
    newPath: () => join(path, (counter++).toString(36)),
    swept: sweep(parent, bootId, self),
    async close() {
      clearInterval(beat);
      await rm(path, { recursive: true, force: true }).catch(() => undefined);
    },
  };
}

async function beatOnce(parent: string, bootId: string, self: Owner): Promise<void> {
  const now = new Date();
  await utimes(join(parent, bootId), now, now).catch(() => undefined);
  await sweep(parent, bootId, self);
}

/** Removes the folders beside `ownBootId` whose process is gone, and returns how many. */
async function sweep(parent: string, ownBootId: string, self: Owner): Promise<number> {
  let removed = 0;
  const names = await readdir(parent).catch(() => []);
  for (const name of names) {
    if (name === ownBootId || !(await isAbandoned(parent, name, self).catch(() => false))) continue;
    const gone = await rm(join(parent, name), { recursive: true, force: true }).then(
      () => true,
      () => false,
    );
    if (gone) removed++;
  }
  return removed;
}

async function isAbandoned(parent: string, name: string, self: Owner): Promise<boolean> {
  const owner = ownerIn(name);
  if (owner?.world !== self.world) return Date.now() - (await stat(join(parent, name))).mtimeMs > SILENT_MS;
  if (owner.startedAt === 0) return !isRunning(owner.pid);
  return (await startTimeOf(owner.pid)) !== owner.startedAt;
}

/** The owner a folder's name tells of, or undefined for a name that this program does not give. */
function ownerIn(name: string): Owner | undefined {
  const [, world = '', pid, startedAt] = /^([0-9a-f]{16})-(\d+)-(\d+)-[0-9a-f]{8}$/.exec(name) ?? [];
  return world === '' ? undefined : { world, pid: Number(pid), startedAt: Number(startedAt) };
}

async function worldOfThisProcess(): Promise<string> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  const namespace = await readlink('/proc/self/ns/pid').catch(() => '');
  return createHash('sha256').update(`${hostname()} ${boot} ${namespace}`).digest('hex').slice(0, 16);
}

/** Field 22 of /proc/<pid>/stat; the name before it is in parentheses and may hold anything. Undefined when there is no such process; a zombie counts as gone. */
async function startTimeOf(pid: number): Promise<number | undefined> {
  const procStat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = procStat.slice(procStat.lastIndexOf(')') + 2).split(' ');
  return fields[19] === undefined || fields[0] === 'Z' || fields[0] === 'X' ? undefined : Number(fields[19]);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCodeOf(error) === 'EPERM';
  }
}
