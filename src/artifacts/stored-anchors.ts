import type { Anchor } from '../gomod/anchor.ts';
import type { AnchorLine } from '../gomod/anchor-file.ts';
import type { Ask } from '../std/ask.ts';
import { isAppError } from '../std/errors.ts';
import type { BlobStore } from '../storage/store.ts';
import type { Place } from './layout.ts';
import { Records } from './records.ts';
import { storedRecords } from './stored-keys.ts';

/**
 * Where the stored module versions came from, as far as that was a repository: one line a version, of all scopes. Of artifacts of one version with different anchors each is
 * told. Reads every record; damaged ones are passed over, fsck tells of them. Rejects with STORE_UNAVAILABLE or ABORTED.
 */
export async function* storedAnchors(
  store: BlobStore,
  o: Ask & { readonly onRecord?: () => void },
): AsyncGenerator<AnchorLine, void, undefined> {
  const records = new Records(store);
  // Records of one module stand together, those of its versions not quite: `v1.0.0-a.j` comes between two files of `v1.0.0-a`.
  let told = new Set<string>();
  let module = '';
  for await (const { place } of storedRecords(store, o)) {
    o.onRecord?.();
    const { path, version } = place.id.module;
    const anchor = await readAnchor(records, place, o);
    if (anchor === undefined) continue;
    const name = `${place.scope} ${path}`;
    if (name !== module) told = new Set();
    module = name;
    const key = `${version} ${JSON.stringify(anchor)}`;
    if (told.has(key)) continue;
    told.add(key);
    yield { module: place.id.module, anchor };
  }
}

async function readAnchor(records: Records, place: Place, o: Ask): Promise<Anchor | undefined> {
  try {
    return (await records.read(place, o))?.anchor;
  } catch (error) {
    if (isAppError(error, 'STORE_CORRUPT')) return undefined;
    throw error;
  }
}
