/** The signature of a bundle: a signed note about its manifest, by the same keys as tree heads. */
import { sha256Hex } from '../../gomod/sha256.ts';
import type { SignerKey, VerifierKey } from '../../gomod/sumdb/key.ts';
import { openNote, signNote } from '../../gomod/sumdb/note.ts';
import { AppError, messageOf } from '../../std/errors.ts';

/** A note of a few keys. */
export const MAX_SIGNATURE_BYTES = 64 * 1024;

/** What is signed begins with words that no tree head begins with, so that a key may serve for both. */
function signedText(manifest: Uint8Array): string {
  return `larder bundle manifest\n${manifest.length}\n${sha256Hex(manifest)}\n`;
}

/** The bytes of `manifest.sig` for these bytes of the manifest. */
export function signManifest(manifest: Uint8Array, signer: SignerKey): Uint8Array {
  return signNote({ text: signedText(manifest) }, signer);
}

/** The names of the keys among `keys` that signed `manifest`; at least one. Throws UPSTREAM_BAD_RESPONSE when there is none, or a wrong signature. */
export function requireSigned(
  manifest: Uint8Array,
  signature: Uint8Array,
  keys: readonly VerifierKey[],
): readonly string[] {
  const { text, signatures } = opened(signature, keys);
  if (text !== signedText(manifest)) throw refused('it is one of another manifest');
  return signatures.map(({ name }) => name);
}

function opened(signature: Uint8Array, keys: readonly VerifierKey[]): ReturnType<typeof openNote> {
  try {
    return openNote(signature, keys);
  } catch (error) {
    throw refused(messageOf(error), error);
  }
}

function refused(why: string, cause?: unknown): AppError {
  return new AppError('UPSTREAM_BAD_RESPONSE', `check bundle signature: ${why}`, { cause });
}
