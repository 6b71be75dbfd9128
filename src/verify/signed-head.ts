import { EMPTY_TREE_HASH, equalHashes } from '../gomod/sumdb/hash.ts';
import type { VerifierKey } from '../gomod/sumdb/key.ts';
import { openNote, signNote } from '../gomod/sumdb/note.ts';
import { parseTreeHead } from '../gomod/sumdb/text.ts';
import type { TreeHead } from '../gomod/sumdb/tree.ts';
import { inOwnMemory } from '../std/bytes.ts';
import { AppError } from '../std/errors.ts';

/** A tree head and the note in which the log signed it. */
export interface SignedHead extends TreeHead {
  /** With the log's own signature and no other: whoever stands between could have added any. */
  readonly note: Uint8Array;
}

/** Largest note that is kept, bytes. Real ones have 200. */
const MAX_NOTE_BYTES = 8 * 1024;

/** The head in `message` (attacker-controlled), whose signature by `key` is valid. Throws SUMDB_INCONSISTENT for anything else. */
export function openHead(message: Uint8Array, key: VerifierKey): SignedHead {
  const { text, signatures } = openNote(message, [key]);
  const { size, hash } = parseTreeHead(text);
  const note = signNote({ text, signatures });
  if (note.length > MAX_NOTE_BYTES) throw inconsistent(key, `the note has more than ${MAX_NOTE_BYTES} bytes`);
  if (size === 0 && !equalHashes(hash, EMPTY_TREE_HASH)) throw inconsistent(key, 'an empty tree with a hash');
  // Whatever is prepared with it keeps it.
  return { size, hash: inOwnMemory(hash), note: inOwnMemory(note) };
}

/** The log before anything of it was heard. Nobody signed it, so it is not given out. */
export const NOTHING_KNOWN: TreeHead = { size: 0, hash: EMPTY_TREE_HASH };

function inconsistent({ name }: VerifierKey, fault: string): AppError {
  return new AppError('SUMDB_INCONSISTENT', `open tree head of ${name}: ${fault}`);
}
