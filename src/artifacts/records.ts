import type { ArtifactKind, ModulePath, Version } from '../gomod/module.ts';
import { sortVersions } from '../gomod/semver.ts';
import { sha256Hex } from '../gomod/sha256.ts';
import type { Ask } from '../std/ask.ts';
import { AppError } from '../std/errors.ts';
import { memoryBody, type SpooledMemory } from '../std/spooled.ts';
import { readWhole } from '../std/whole.ts';
import type { BlobStore } from '../storage/store.ts';
import { meaningOf, type Place, recordKey, recordsPrefix } from './layout.ts';
import { decodeProvenance, encodeProvenance, MAX_RECORD_BYTES, type Provenance } from './provenance.ts';

/** As many versions of one module as are told of. */
const MAX_VERSIONS = 100_000;

/** The provenance records. A record is the commit point: an artifact exists when it has one. */
export class Records {
  readonly #store: BlobStore;

  constructor(store: BlobStore) {
    this.#store = store;
  }

  /** Rejects with STORE_CORRUPT when there is a record that cannot be read. */
  async read(place: Place, o: Ask): Promise<Provenance | undefined> {
    const key = recordKey(place);
    const blob = await this.#store.open(key, o);
    if (blob === undefined) return undefined;
    const bytes = await readWhole(blob.reader, blob.info.sizeBytes, MAX_RECORD_BYTES, o);
    const record = decodeProvenance(bytes, place.id);
    if (record === undefined) throw new AppError('STORE_CORRUPT', `read ${key}: not a provenance record`);
    return record;
  }

  async putIfAbsent(place: Place, record: Provenance, o: Ask): Promise<'created' | 'exists'> {
    return await this.#store.putIfAbsent(recordKey(place), inMemory(encodeProvenance(record)), o);
  }

  async delete(place: Place, o: Ask): Promise<void> {
    await this.#store.delete(recordKey(place), o);
  }

  /** Versions of which an info or a go.mod has a record, pseudo-versions among them, in semver order. */
  async versions(scope: string, module: ModulePath, o: Ask): Promise<readonly Version[]> {
    const found = new Set<Version>();
    for await (const { key } of this.#store.list(recordsPrefix(scope, module), o)) {
      const meaning = meaningOf(key);
      if (meaning.what === 'record' && isNamed(meaning.place.id.kind)) found.add(meaning.place.id.module.version);
      if (found.size >= MAX_VERSIONS) break;
    }
    return sortVersions([...found]);
  }
}

/** A zip alone is no version that a list should tell of: the go command asks for the others first. */
function isNamed(kind: ArtifactKind): boolean {
  return kind !== 'zip';
}

/** `bytes` as a body that can be stored. */
export function inMemory(bytes: Uint8Array): SpooledMemory {
  return memoryBody(bytes, sha256Hex(bytes));
}
