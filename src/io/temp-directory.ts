import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, readlink, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { diskFailure } from './disk-failure.ts';

/** Name of the folder that holds the temporary folders of all processes; no key can begin with a dot. */
export const TEMP_FOLDER = '.tmp';

const OWNER_FILE = 'OWNER';
/** How often a living process says so in its folder and looks for folders of dead ones. */
const BEAT_MS = 10 * 60_000;
/** A folder whose owner cannot be seen from here (another machine or container) is left alone until it was silent for so long. */
const SILENT_MS = 60 * 60_000;

/** Which process a temporary folder belongs to. */
interface Owner {
  readonly pid: number;
  /** Start time of the process in kernel ticks since boot, so that a reused pid is not taken for it; absent where the system does not tell. */
  readonly startedAt?: string;
  /** Within what `pid` means something: machine boot and process namespace. */
  readonly world: string;
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
  const bootId = randomBytes(8).toString('hex');
  const path = join(parent, bootId);
  const owner = await ownerOf(process.pid);
  try {
    await mkdir(parent, { recursive: true, mode: 0o700 });
    await mkdir(path, { mode: 0o700 });
    await writeFile(join(path, OWNER_FILE), JSON.stringify(owner), { flag: 'wx' });
  } catch (error) {
    throw diskFailure(error, `create temporary folder ${path}`);
  }
  let counter = 0;
  const beat = setInterval(() => void beatOnce(parent, bootId, owner), BEAT_MS).unref();
  return {
    path,
    newPath: () => join(path, (counter++).toString(36)),
    swept: sweep(parent, bootId, owner),
    async close() {
      clearInterval(beat);
      await rm(path, { recursive: true, force: true }).catch(() => undefined);
    },
  };
}

async function beatOnce(parent: string, bootId: string, owner: Owner): Promise<void> {
  const now = new Date();
  await utimes(join(parent, bootId, OWNER_FILE), now, now).catch(() => undefined);
  await sweep(parent, bootId, owner);
}

/** Removes the folders beside `ownBootId` whose process is gone, and returns how many. */
async function sweep(parent: string, ownBootId: string, self: Owner): Promise<number> {
  let removed = 0;
  const names = await readdir(parent).catch(() => []);
  for (const name of names) {
    if (name === ownBootId) continue;
    const folder = join(parent, name);
    if (!(await isAbandoned(folder, self).catch(() => false))) continue;
    const gone = await rm(folder, { recursive: true, force: true }).then(
      () => true,
      () => false,
    );
    if (gone) removed++;
  }
  return removed;
}

async function isAbandoned(folder: string, self: Owner): Promise<boolean> {
  const owner = await readOwner(folder);
  if (owner === undefined || owner.world !== self.world) return await isSilent(folder);
  const alive = await ownerOf(owner.pid);
  if (owner.startedAt !== undefined) return alive.startedAt !== owner.startedAt;
  return !isRunning(owner.pid);
}

/** Undefined for a folder whose making was cut short, or that is not ours. */
async function readOwner(folder: string): Promise<Owner | undefined> {
  try {
    const owner = JSON.parse(await readFile(join(folder, OWNER_FILE), 'utf8')) as Partial<Owner>;
    return typeof owner.pid === 'number' && typeof owner.world === 'string' ? (owner as Owner) : undefined;
  } catch {
    return undefined;
  }
}

async function isSilent(folder: string): Promise<boolean> {
  const { mtimeMs } = await stat(join(folder, OWNER_FILE)).catch(() => stat(folder));
  return Date.now() - mtimeMs > SILENT_MS;
}

async function ownerOf(pid: number): Promise<Owner> {
  const [startedAt, boot, namespace] = await Promise.all([
    readFile(`/proc/${pid}/stat`, 'utf8').then(startTimeOf, () => undefined),
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''),
    readlink('/proc/self/ns/pid').catch(() => ''),
  ]);
  return { pid, ...(startedAt === undefined ? {} : { startedAt }), world: `${hostname()} ${boot.trim()} ${namespace}` };
}

/** Field 22 of /proc/<pid>/stat; the name before it is in parentheses and may hold anything. A zombie counts as gone. */
function startTimeOf(procStat: string): string | undefined {
  const fields = procStat.slice(procStat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
