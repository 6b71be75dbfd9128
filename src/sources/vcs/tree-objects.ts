import type { GitObject } from './object-reader.ts';
import type { TreeFile, TreeFileType } from './snapshot.ts';

/** Folders that are read one by one; for more, one process is faster. */
const MOST_TREES = 48;
/** Of all names together: some 50,000. A small tree can stand for any number. */
const MOST_BYTES = 4 << 20;

interface TreeEntry {
  readonly file: TreeFile;
  readonly hash: string;
}

/** What there is left to list. */
interface Room {
  folders: number;
  bytes: number;
}

/** Reads a tree by its hash; undefined when there is none. */
type ReadTree = (hash: string) => Promise<GitObject | undefined>;

/**
 * What `git ls-tree -r -t` lists of the folder that `tree` is, named from the top of the repository (`directory`: where the folder is, empty for the top). Undefined when there are
 * many folders in it, or anything is not as git writes it: git itself has to be asked then. Rejects as `read` does.
 */
export async function filesOfTree(tree: GitObject, directory: string, read: ReadTree): Promise<TreeFile[] | undefined> {
  const files: TreeFile[] = [];
  const room: Room = { folders: MOST_TREES, bytes: MOST_BYTES };
  const list = async (object: GitObject | undefined, before: Uint8Array): Promise<boolean> => {
    const entries = object?.type === 'tree' ? entriesOf(object, before, room) : undefined;
    if (entries === undefined) return false;
    for (const { file, hash } of entries) {
      files.push(file);
      if (file.type === 'tree' && !(await list(await read(hash), Buffer.concat([file.name, SLASH])))) return false;
    }
    return true;
  };
  return (await list(tree, Buffer.from(directory === '' ? '' : `${directory}/`))) ? files : undefined;
}

const SLASH = Buffer.from('/');

/** `MODE NAME NUL HASH` one after the other, the hash in bytes. */
function entriesOf({ bytes, hash }: GitObject, before: Uint8Array, room: Room): TreeEntry[] | undefined {
  const tree = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: TreeEntry[] = [];
  for (let at = 0; at < tree.length; ) {
    const space = tree.indexOf(0x20, at);
    const end = tree.indexOf(0, space);
    const next = end + 1 + hash.length / 2;
    const mode = tree.toString('latin1', at, space);
    if (space < 0 || end <= space + 1 || next > tree.length || !/^[0-7]{5,6}$/.test(mode)) return undefined;
    const kind = kindOf(Number.parseInt(mode, 8));
    room.bytes -= before.length + end - space;
    room.folders -= kind.type === 'tree' ? 1 : 0;
    if (room.bytes < 0 || room.folders < 0) return undefined;
    const name = Buffer.concat([before, tree.subarray(space + 1, end)]);
    entries.push({ file: { name, ...kind }, hash: tree.toString('hex', end + 1, next) });
    at = next;
  }
  return entries;
}

/** As git reads modes: old repositories have others than it writes today. */
function kindOf(mode: number): { mode: string; type: TreeFileType } {
  const kind = mode & 0o170000;
  if (kind === 0o100000) return { mode: (mode & 0o100) === 0 ? '100644' : '100755', type: 'blob' };
  if (kind === 0o120000) return { mode: '120000', type: 'blob' };
  return kind === 0o040000 ? { mode: '040000', type: 'tree' } : { mode: '160000', type: 'commit' };
}
