import type { Ask } from '../std/ask.ts';
import type { BlobInfo, BlobStore } from '../storage/store.ts';
import { type KeyMeaning, meaningOf, type Place } from './layout.ts';

/** Where artifacts and their records stand, public ones first. */
const TOP_FOLDERS = ['download/', 'meta/', 'scopes/'] as const;

/** A blob of that part of the store, and what its key says. */
export interface StoredKey {
  readonly info: BlobInfo;
  readonly meaning: KeyMeaning;
}

/** A provenance record that is there; not read yet. */
export interface StoredRecord {
  readonly info: BlobInfo;
  readonly place: Place;
}

/** Every key below the folders of artifacts, in byte order within each of them. */
export async function* storedKeys(store: BlobStore, o: Ask): AsyncIterable<StoredKey> {
  for (const prefix of TOP_FOLDERS)
    for await (const info of store.list(prefix, o)) yield { info, meaning: meaningOf(info.key) };
}

/** Every record, of all scopes. Those of one module stand together, mostly those of one version too. */
export async function* storedRecords(store: BlobStore, o: Ask): AsyncIterable<StoredRecord> {
  for await (const { info, meaning } of storedKeys(store, o))
    if (meaning.what === 'record') yield { info, place: meaning.place };
}
