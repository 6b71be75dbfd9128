/** A folder of bundles, and which of them counts: STORE/<id>/, STORE/current -> <id>, STORE/previous -> <id>. */
import { lstat, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { VerifierKey } from '../../gomod/sumdb/key.ts';
import type { Ask } from '../../std/ask.ts';
import { AppError, messageOf, systemCodeOf } from '../../std/errors.ts';
import { isBundleId, SIGNATURE_FILE } from './manifest.ts';
import { type OpenedBundle, openBundle } from './opened-bundle.ts';

/** The two links of a store. */
export const CURRENT = 'current';
export const PREVIOUS = 'previous';

/** The id that the link `name` of `store` leads to, or undefined when there is no such link. Rejects with UPSTREAM_BAD_RESPONSE when it leads anywhere else than to a bundle of the store. */
export async function linkedId(store: string, name: typeof CURRENT | typeof PREVIOUS): Promise<string | undefined> {
  try {
    const id = await readlink(join(store, name));
    if (isBundleId(id)) return id;
    throw new AppError('UPSTREAM_BAD_RESPONSE', `read link ${name} of the bundle store: it leads out of the store`);
  } catch (error) {
    const system = systemCodeOf(error);
    if (system === 'ENOENT' || system === 'ENOTDIR') return undefined;
    if (error instanceof AppError) throw error;
    const code = system === 'EINVAL' ? 'UPSTREAM_BAD_RESPONSE' : 'UPSTREAM_UNAVAILABLE';
    throw new AppError(code, `read link ${name} of the bundle store: ${system ?? messageOf(error)}`, { cause: error });
  }
}

/** Opens the bundle `id` of `store`. Rejects as openBundle does, and with UPSTREAM_BAD_RESPONSE when another bundle stands under that name. */
export async function openStored(
  store: string,
  id: string,
  o: Ask & { readonly keys: readonly VerifierKey[] },
): Promise<OpenedBundle> {
  const bundle = await openBundle(join(store, id), o.keys, o);
  if (bundle.manifest.id === id) return bundle;
  throw new AppError('UPSTREAM_BAD_RESPONSE', `open bundle ${id}: it is ${bundle.manifest.id}`);
}

/** What tells one state of a stored bundle from another without reading it: differs when the folder was made anew. */
export async function stateOf(store: string, id: string): Promise<string> {
  const facts = await lstat(join(store, id, SIGNATURE_FILE)).catch(() => undefined);
  return `${id} ${facts?.ino} ${facts?.mtimeMs} ${facts?.size}`;
}
