/** The keys of signed notes, as text: `NAME+HASH+KEY` to verify, `PRIVATE+KEY+NAME+HASH+KEY` to sign. */
import { encodeUtf8 } from '../../std/bytes.ts';
import { AppError } from '../../std/errors.ts';
import { sha256Bytes } from '../sha256.ts';
import { base64Of, strictBase64 } from './base64.ts';
import { KEY_BYTES, keysOfSeed, publicKeyOf, signBytes, verifyBytes } from './ed25519.ts';

/** The first four bytes of SHA-256(name, newline, key), big-endian: tells keys of one name apart. */
export type KeyHash = number;

/** A key that verifies. */
export interface VerifierKey {
  readonly name: string;
  readonly hash: KeyHash;
  /** As parseVerifierKey reads it. */
  readonly text: string;
  verify(text: Uint8Array, signature: Uint8Array): boolean;
}

/** A key that signs. Its secret is nowhere in its members, so that nothing can print it. */
export interface SignerKey {
  readonly name: string;
  readonly hash: KeyHash;
  readonly verifier: VerifierKey;
  readonly sign: (text: Uint8Array) => Uint8Array;
}

const ED25519 = 1;
/** How the text of every signer key begins, and no other. */
export const SIGNER_START = 'PRIVATE+KEY+';

/** The verifier key in `text`. Throws CONFIG_INVALID. */
export function parseVerifierKey(text: string): VerifierKey {
  const { name, hash, key } = parseKey(text, 'verifier key');
  if (hash !== keyHash(name, key)) throw unusable('verifier key', 'its hash is not that of its name and key');
  return verifierKey(name, key.subarray(1));
}

/** The signer key in `text`. Throws CONFIG_INVALID; the message holds nothing of the key. */
export function parseSignerKey(text: string): SignerKey {
  if (!text.startsWith(SIGNER_START)) throw unusable('signer key', `it does not start with ${SIGNER_START}`);
  const { name, hash, key } = parseKey(text.slice(SIGNER_START.length), 'signer key');
  const { privateKey, publicBytes } = keysOfSeed(key.subarray(1));
  const verifier = verifierKey(name, publicBytes);
  if (verifier.hash !== hash) throw unusable('signer key', 'its hash is not that of its name and key');
  return { name, hash, verifier, sign: (message) => signBytes(privateKey, message) };
}

/** A new pair for `name`, as text, from 32 random bytes. Throws CONFIG_INVALID for a name that no note can carry. `signer` is secret. */
export function generateKey(name: string, seed: Uint8Array): { readonly signer: string; readonly verifier: string } {
  if (!isKeyName(name)) throw unusable('key name', 'it is empty, or has a space or a +');
  const { publicBytes } = keysOfSeed(seed);
  const verifier = verifierKey(name, publicBytes);
  const secret = base64Of(Buffer.concat([Buffer.of(ED25519), seed]));
  return { signer: `${SIGNER_START}${name}+${hex(verifier.hash)}+${secret}`, verifier: verifier.text };
}

/** Whether a note can carry `name`: not empty, no Unicode space, no `+`. */
export function isKeyName(name: string): boolean {
  return name !== '' && name.isWellFormed() && !/[\p{White_Space}+]/u.test(name);
}

function verifierKey(name: string, publicBytes: Uint8Array): VerifierKey {
  const key = Buffer.concat([Buffer.of(ED25519), publicBytes]);
  const hash = keyHash(name, key);
  const publicKey = publicKeyOf(publicBytes);
  return {
    name,
    hash,
    text: `${name}+${hex(hash)}+${base64Of(key)}`,
    verify: (message, signature) => verifyBytes(publicKey, message, signature),
  };
}

function keyHash(name: string, key: Uint8Array): KeyHash {
  return Buffer.from(sha256Bytes(Buffer.concat([encodeUtf8(`${name}\n`), key]))).readUInt32BE(0);
}

function hex(hash: KeyHash): string {
  return hash.toString(16).padStart(8, '0');
}

/** `NAME+HASH+KEY`; the base64 of the key may hold further `+`. */
function parseKey(
  text: string,
  what: string,
): { readonly name: string; readonly hash: KeyHash; readonly key: Uint8Array } {
  const [, name = '', hash = '', base64 = ''] = /^([^+]*)\+([0-9a-fA-F]{8})\+(.*)$/s.exec(text) ?? [];
  const key = strictBase64(base64);
  if (!isKeyName(name) || key === undefined || key.length === 0) throw unusable(what, 'malformed');
  if (key[0] !== ED25519) throw unusable(what, 'its algorithm is not known');
  if (key.length !== 1 + KEY_BYTES) throw unusable(what, 'malformed');
  return { name, hash: Number.parseInt(hash, 16), key };
}

function unusable(what: string, why: string): AppError {
  return new AppError('CONFIG_INVALID', `read ${what}: ${why}`);
}
