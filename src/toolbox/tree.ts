import { opendir } from 'node:fs/promises';
import { textOfBytes } from '../gomod/go-text.ts';
import { type Ask, throwIfAborted } from '../std/ask.ts';

/** What stands in a folder. `other` = sockets, pipes and devices. */
export interface TreeEntry {
  /** Below the folder, with `/`, as go-text.ts writes bytes that are no UTF-8. */
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  /** Where it is, byte for byte. */
  readonly place: Buffer;
}

const SLASH = Buffer.from('/');

/** Everything below `root`, in no order, folders before what is in them; links are told and not followed. Rejects with the system's error when a folder cannot be read. */
export async function* walkTree(root: string, o: Ask): AsyncGenerator<TreeEntry, void, undefined> {
  const waiting: { readonly place: Buffer; readonly name: string }[] = [{ place: Buffer.from(root), name: '' }];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    // The types know folders whose names are text only.
    const entries = (await opendir(folder.place, {
      encoding: 'buffer' as BufferEncoding,
    })) as unknown as AsyncIterable<{
      readonly name: Buffer;
      isFile(): boolean;
      isDirectory(): boolean;
      isSymbolicLink(): boolean;
    }>;
    for await (const entry of entries) {
      throwIfAborted(o.signal);
      const text = textOfBytes(entry.name);
      const name = folder.name === '' ? text : `${folder.name}/${text}`;
      const place = Buffer.concat([folder.place, SLASH, entry.name]);
      const kind = kindOf(entry);
      if (kind === 'folder') waiting.push({ place, name });
      yield { name, kind, place };
    }
  }
}

function kindOf(entry: { isFile(): boolean; isDirectory(): boolean; isSymbolicLink(): boolean }): TreeEntry['kind'] {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'folder';
  return entry.isSymbolicLink() ? 'link' : 'other';
}
