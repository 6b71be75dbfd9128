/** Signed notes: a text, a blank line, and a line for each signature. */
import { decodeUtf8, encodeUtf8 } from '../../std/bytes.ts';
import { AppError } from '../../std/errors.ts';
import { base64Of, strictBase64 } from './base64.ts';
import { isPlainText } from './plain-text.ts';
import { type KeyHash, type SignerKey, isKeyName, type VerifierKey } from './key.ts';

/** A line of a note's signature block. */
export interface Signature {
  readonly name: string;
  /** The first four bytes of the hash of name and key. */
  readonly hash: KeyHash;
  /** Key hash and signature. */
  readonly base64: string;
}

export interface Note {
  /** What is signed; ends with a newline. */
  readonly text: string;
  /** Signatures by known keys; all of them were verified. */
  readonly signatures: readonly Signature[];
  /** Signatures by unknown keys: they say nothing. */
  readonly unverified: readonly Signature[];
}

/** More lines than any note has. */
const MAX_SIGNATURES = 100;
const MAX_NOTE_BYTES = 1 << 20;
const LINE_START = '— ';

/**
 * The note in `message`, with at least one signature by one of `keys` and no wrong one by any of them. Throws SUMDB_INCONSISTENT for a message that is
 * no note, a wrong signature, or none by a known key.
 */
export function openNote(message: Uint8Array, keys: readonly VerifierKey[]): Note {
  const { text, lines } = splitNote(message);
  const signed = encodeUtf8(text);
  const signatures: Signature[] = [];
  const unverified: Signature[] = [];
  for (const line of lines) {
    const signature = parseSignature(line);
    const key = keyOf(signature, keys);
    if (key === undefined)
      addOnce(unverified, signature, (one) => one.base64 === signature.base64 && isBySame(one, signature));
    else if (!signatures.some((one) => isBySame(one, signature))) {
      if (!key.verify(signed, bytesOf(signature).subarray(4)))
        throw refused(`the signature by ${key.name} is not one of this text`);
      signatures.push(signature);
    }
  }
  if (signatures.length === 0) throw refused('no signature by a known key');
  return { text, signatures, unverified };
}

function addOnce<T>(list: T[], item: T, isSame: (one: T) => boolean): void {
  if (!list.some(isSame)) list.push(item);
}

function isBySame(a: Signature, b: Signature): boolean {
  return a.name === b.name && a.hash === b.hash;
}

/** Two keys of one name and hash would leave it open which of them is meant. */
function keyOf({ name, hash }: Signature, keys: readonly VerifierKey[]): VerifierKey | undefined {
  const found = keys.filter((key) => key.name === name && key.hash === hash);
  if (found.length > 1) throw refused(`more than one key is called ${name}`);
  return found[0];
}

/** At the last blank line: the text may hold others. */
function splitNote(message: Uint8Array): { readonly text: string; readonly lines: readonly string[] } {
  const whole = message.length <= MAX_NOTE_BYTES ? decodeUtf8(message) : undefined;
  if (whole === undefined || !isPlainText(whole)) throw malformed();
  const split = whole.lastIndexOf('\n\n');
  const block = whole.slice(split + 2);
  if (split < 0 || !block.endsWith('\n')) throw malformed();
  const lines = block.slice(0, -1).split('\n');
  if (lines.length > MAX_SIGNATURES) throw malformed();
  return { text: whole.slice(0, split + 1), lines };
}

function parseSignature(line: string): Signature {
  const space = line.indexOf(' ', LINE_START.length);
  const name = line.slice(LINE_START.length, space);
  const base64 = line.slice(space + 1);
  const bytes = strictBase64(base64);
  if (!line.startsWith(LINE_START) || space < 0 || !isKeyName(name) || bytes === undefined || bytes.length < 5)
    throw malformed();
  return { name, hash: hashAtStart(bytes), base64 };
}

function hashAtStart(bytes: Uint8Array): KeyHash {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).readUInt32BE(0);
}

function bytesOf({ base64 }: Signature): Uint8Array {
  return strictBase64(base64) ?? new Uint8Array();
}

/**
 * The note with the signatures it has, those of `signers` after them. A signer's new signature replaces its old one. Throws SUMDB_INCONSISTENT
 * when the text does not end with a newline, or a signature that is there is malformed.
 */
export function signNote(note: Partial<Note> & Pick<Note, 'text'>, ...signers: readonly SignerKey[]): Uint8Array {
  if (!note.text.endsWith('\n')) throw malformed();
  const signed = encodeUtf8(note.text);
  const added = signers.map((signer) => signatureBy(signer, signed));
  const kept = [...(note.signatures ?? []), ...(note.unverified ?? [])].filter(
    (one) => !added.some((other) => isBySame(one, other)),
  );
  for (const one of kept) requireWellFormed(one);
  const lines = [...kept, ...added].map(({ name, base64 }) => `${LINE_START}${name} ${base64}\n`);
  return encodeUtf8(`${note.text}\n${lines.join('')}`);
}

function signatureBy({ name, hash, sign }: SignerKey, text: Uint8Array): Signature {
  const start = Buffer.alloc(4);
  start.writeUInt32BE(hash);
  return { name, hash, base64: base64Of(Buffer.concat([start, sign(text)])) };
}

function requireWellFormed({ name, hash, base64 }: Signature): void {
  const bytes = strictBase64(base64);
  if (!isKeyName(name) || bytes === undefined || bytes.length < 4 || hashAtStart(bytes) !== hash) throw malformed();
}

function malformed(): AppError {
  return refused('malformed');
}

function refused(why: string): AppError {
  return new AppError('SUMDB_INCONSISTENT', `open note: ${why}`);
}
