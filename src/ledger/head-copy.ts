/**
 * The last published head in a second place, apart from the log: a log that was set back (a restored backup, a volume that lost writes) is shorter than
 * the head that clients remember, and to go on from there would look to them like a forged log.
 */
import { equalHashes } from '../gomod/sumdb/hash.ts';
import type { SignerKey, VerifierKey } from '../gomod/sumdb/key.ts';
import { openNote, signNote } from '../gomod/sumdb/note.ts';
import { formatTreeHead, parseTreeHead } from '../gomod/sumdb/text.ts';
import type { TreeHead } from '../gomod/sumdb/tree.ts';
import type { Ask } from '../std/ask.ts';
import { AppError, isAppError } from '../std/errors.ts';
import type { Log } from './log.ts';

/** The second place. Holds one signed tree head, which is a few hundred bytes. */
export interface HeadCopy {
  /** Undefined when nothing was written yet. */
  read(o: Ask): Promise<Uint8Array | undefined>;
  /** Replaces it; durable when resolved. */
  write(bytes: Uint8Array, o: Ask): Promise<void>;
}

/** Why a ledger must not be opened: `detail.fault` of the CONFIG_INVALID. */
export type LedgerFault =
  /** There is no log, and none was ever published. */
  | 'no-log'
  /** A head was published, and there is no log. */
  | 'log-gone'
  /** The log belongs to another key. */
  | 'other-key'
  /** The log is shorter than what was published. */
  | 'behind'
  /** The log is not the one whose head was published. */
  | 'forked'
  /** The copy of the published head cannot be read. */
  | 'copy-unusable';

/** The signed note of `head`: always the same bytes for the same head and key. */
export function signHead(head: TreeHead, signer: SignerKey): Uint8Array {
  return signNote({ text: formatTreeHead(head) }, signer);
}

/** The head in the second place, its signature checked; undefined when there is none. CONFIG_INVALID 'copy-unusable' when it is not one of `key`. */
export async function readCopy(copy: HeadCopy, key: VerifierKey, o: Ask): Promise<TreeHead | undefined> {
  const bytes = await copy.read(o);
  return bytes && openCopy(bytes, key);
}

/** The same of bytes that were read before. */
export function openCopy(bytes: Uint8Array, key: VerifierKey): TreeHead {
  try {
    return parseTreeHead(openNote(bytes, [key]).text);
  } catch (error) {
    if (!isAppError(error, 'SUMDB_INCONSISTENT')) throw error;
    throw ledgerFault('copy-unusable', `the copy of its last head is not signed by ${key.name}`, { name: key.name });
  }
}

/** Throws CONFIG_INVALID 'behind' or 'forked' unless the log contains all that `copied` had. */
export async function checkAgainstCopy({ head, view, key }: Log, copied: TreeHead | undefined, o: Ask): Promise<void> {
  if (copied === undefined) return;
  const facts = { name: key.name, size: head.size, published: copied.size };
  if (head.size < copied.size)
    throw ledgerFault('behind', `the log has ${head.size} records, its last published head ${copied.size}`, facts);
  if (!equalHashes(await view.rootHash(copied.size, o), copied.hash))
    throw ledgerFault('forked', `its first ${copied.size} records are not those of its last published head`, facts);
}

/** Throws CONFIG_INVALID 'other-key' unless `signer` is the key of the log, which more than its name decides. */
export function requireKeyOf({ key }: Pick<Log, 'key'>, signer: SignerKey): void {
  if (key.text === signer.verifier.text) return;
  const [own, given] = [idOf(key), idOf(signer.verifier)];
  throw ledgerFault('other-key', `it is the log of ${own}, the key is ${given}`, { name: own, given });
}

/** What tells keys apart in words: `NAME+HASH`. */
export function idOf({ text }: Pick<VerifierKey, 'text'>): string {
  return text.split('+', 2).join('+');
}

/** CONFIG_INVALID with `detail.fault`. */
export function ledgerFault(
  fault: LedgerFault,
  why: string,
  facts: Readonly<Record<string, string | number>> = {},
): AppError {
  return new AppError('CONFIG_INVALID', `open the ledger: ${why}`, { detail: { ...facts, fault } });
}
