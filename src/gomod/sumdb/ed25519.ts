/** Ed25519, over node:crypto: raw 32-byte keys in, 64-byte signatures out. */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

// What DER puts in front of the 32 bytes: PKCS#8 for a seed, SubjectPublicKeyInfo for a public key.
const SEED_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** Bytes in a seed and in a public key. */
export const KEY_BYTES = 32;

/** A key that signs. Secret: it must not be printed. */
export type PrivateKey = KeyObject;
export type PublicKey = KeyObject;

/** The key pair of a 32-byte seed. */
export function keysOfSeed(seed: Uint8Array): {
  readonly privateKey: PrivateKey;
  readonly publicKey: PublicKey;
  /** The 32 bytes of the public key. */
  readonly publicBytes: Uint8Array;
} {
  const privateKey = createPrivateKey({ key: Buffer.concat([SEED_PREFIX, seed]), format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(privateKey);
  const der = publicKey.export({ format: 'der', type: 'spki' });
  return { privateKey, publicKey, publicBytes: der.subarray(PUBLIC_PREFIX.length) };
}

/** The public key of its 32 bytes. */
export function publicKeyOf(bytes: Uint8Array): PublicKey {
  return createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, bytes]), format: 'der', type: 'spki' });
}

/** The signature of `message`: the same for the same key and bytes. */
export function signBytes(key: PrivateKey, message: Uint8Array): Uint8Array {
  return sign(null, message, key);
}

/** Whether `signature` is one of `message` by `key`. */
export function verifyBytes(key: PublicKey, message: Uint8Array, signature: Uint8Array): boolean {
  return signature.length === 64 && verify(null, message, key, signature);
}
