import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { diskFailure, isAbsence } from '../../io/disk-failure.ts';
import { compareBytewise } from '../../std/bytes.ts';
import { systemCodeOf } from '../../std/errors.ts';
import { isKey } from '../../std/key.ts';

/** What a file system keeps at the root of a volume for itself. */
const VOLUME_FOLDER = 'lost+found';

/** A name found below the root. */
export interface FoundFile {
  /** Relative to the root, with `/`; ends in one for a folder that may not be read. */
  readonly name: string;
  /** Whether it is a plain file with a name that a blob can have. */
  readonly isBlob: boolean;
}

export interface WalkOptions {
  /** Only names that start with it. */
  readonly prefix: string;
  /** Only names that come after it. */
  readonly after?: string;
}

/**
 * Everything below `root` that is not a folder, in byte order of the names; entries beginning with a dot are skipped with all
 * below them, and so is the volume's own `lost+found`. A folder that this user may not read is told of by its name; only when the walk
 * starts in it, it fails. Holds one sorted listing per level in memory, and enters only folders that can hold a match.
 */
export async function* walkFiles(root: string, o: WalkOptions): AsyncIterable<FoundFile> {
  const start = o.prefix.slice(0, o.prefix.lastIndexOf('/') + 1);
  yield* walkFolder(root, await entriesOf(root, start, o), o);
}

async function* walkFolder(root: string, entries: readonly Entry[], o: WalkOptions): AsyncIterable<FoundFile> {
  for (const entry of entries) {
    if (entry.isFolder) {
      const inside = await readableEntriesOf(root, entry.name, o);
      if (inside === undefined) yield { name: entry.name, isBlob: false };
      else yield* walkFolder(root, inside, o);
    } else yield { name: entry.name, isBlob: entry.isFile && isKey(entry.name) };
  }
}

interface Entry {
  /** From the root; folders end in `/`, which is what makes the order of a walk the byte order of the names. */
  readonly name: string;
  readonly isFolder: boolean;
  readonly isFile: boolean;
}

/** Undefined when this user may not look into the folder. */
async function readableEntriesOf(root: string, folder: string, o: WalkOptions): Promise<Entry[] | undefined> {
  try {
    return await entriesOf(root, folder, o);
  } catch (error) {
    const system = systemCodeOf((error as Error).cause);
    if (system === 'EACCES' || system === 'EPERM') return undefined;
    throw error;
  }
}

async function entriesOf(root: string, folder: string, o: WalkOptions): Promise<Entry[]> {
  const entries: Entry[] = [];
  try {
    for await (const found of await opendir(join(root, folder), { bufferSize: 256 })) {
      if (found.name.startsWith('.') || (folder === '' && found.name === VOLUME_FOLDER)) continue;
      const isFolder = found.isDirectory();
      const name = `${folder}${found.name}${isFolder ? '/' : ''}`;
      if (mayMatch(name, isFolder, o)) entries.push({ name, isFolder, isFile: found.isFile() });
    }
  } catch (error) {
    if (!isAbsence(error))
      throw diskFailure(error, `list ${folder === '' ? 'the data folder' : folder}`, join(root, folder));
  }
  return entries.sort((a, b) => compareBytewise(a.name, b.name));
}

function mayMatch(name: string, isFolder: boolean, { prefix, after }: WalkOptions): boolean {
  if (!name.startsWith(prefix) && !(isFolder && prefix.startsWith(name))) return false;
  if (after === undefined) return true;
  return compareBytewise(name, after) > 0 || (isFolder && after.startsWith(name));
}
