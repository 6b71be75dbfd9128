import type { TreeFile, TreeFileType } from './snapshot.ts';

const FACTS = /^(\d{6}) (blob|tree|commit) [0-9a-f]+$/;

/** The entries in what `git ls-tree -r -t -z` of `directory` (empty: of the top) writes, named from the top. */
export function treeFilesIn(listing: Buffer, directory: string): TreeFile[] {
  const before = Buffer.from(directory === '' ? '' : `${directory}/`);
  const files: TreeFile[] = [];
  for (let at = 0; at < listing.length; ) {
    const end = listing.indexOf(0, at);
    const tab = listing.indexOf(0x09, at);
    files.push(treeFile(listing.toString('latin1', at, tab), Buffer.concat([before, listing.subarray(tab + 1, end)])));
    at = end + 1;
  }
  return files;
}

function treeFile(facts: string, name: Uint8Array): TreeFile {
  const [, mode = '', type = ''] = FACTS.exec(facts) ?? [];
  return { name, mode, type: type as TreeFileType };
}
