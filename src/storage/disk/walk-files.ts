import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { diskFailure, isAbsence } from '../../io/disk-failure.ts';
import { compareBytewise } from '../../std/bytes.ts';
import { isKey } from '../../std/key.ts';

/** A name found below the root. */
export interface FoundFile {
  /** Relative to the root, with `/`. */
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
 * below them. Holds one sorted listing per level in memory, and enters only folders that can hold a match.
 */
export async function* walkFiles(root: string, o: WalkOptions): AsyncIterable<FoundFile> {
  const start = o.prefix.slice(0, o.prefix.lastIndexOf('/') + 1);
  yield* walkFolder(root, start, o);
}

async function* walkFolder(root: string, folder: string, o: WalkOptions): AsyncIterable<FoundFile> {
  for (const entry of await entriesOf(root, folder, o)) {
    if (entry.isFolder) yield* walkFolder(root, entry.name, o);
    else yield { name: entry.name, isBlob: entry.isFile && isKey(entry.name) };
  }
}

interface Entry {
  /** From the root; folders end in `/`, which is what makes the order of a walk the byte order of the names. */
  readonly name: string;
  readonly isFolder: boolean;
  readonly isFile: boolean;
}

async function entriesOf(root: string, folder: string, o: WalkOptions): Promise<Entry[]> {
  const entries: Entry[] = [];
  try {
    for await (const found of await opendir(join(root, folder), { bufferSize: 256 })) {
      if (found.name.startsWith('.')) continue;
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
