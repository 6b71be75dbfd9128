import { hashGoMod } from '../gomod/dirhash.ts';
import type { ArtifactId } from '../gomod/module.ts';
import { MAX_GO_MOD_BYTES } from '../gomod/zip/limits.ts';
import type { Ask } from '../std/ask.ts';
import { AppError, isAppError } from '../std/errors.ts';
import type { Spooled } from '../std/spooled.ts';
import { readWhole } from '../std/whole.ts';
import type { BlobStore } from '../storage/store.ts';
import { dataKey, type Place } from './layout.ts';
import type { Provenance } from './provenance.ts';
import type { BodySpool } from './quarantine.ts';
import { chunksOf, sum, type Summed } from './whole-blob.ts';

export interface StoredBytesOptions {
  readonly store: BlobStore;
  /** Where bytes lie while a zip is read. */
  readonly spool: BodySpool;
  /** The h1 of a zip. `body` is discarded afterwards. Without it the h1 of zips is not compared. */
  readonly zipHash?: (id: ArtifactId, body: Spooled, o: Ask) => Promise<string>;
}

/** Whether stored bytes are what their record says: the one comparison of both, for every check of the store. */
export class StoredBytes {
  readonly #o: StoredBytesOptions;

  constructor(options: StoredBytesOptions) {
    this.#o = options;
  }

  /** Size and SHA-256 of the stored bytes; undefined when there are none. Rejects with STORE_CORRUPT when they cannot be read to their end. */
  async sum(place: Place, o: Ask): Promise<Summed | undefined> {
    const blob = await this.#o.store.open(dataKey(place), o);
    return blob && (await sum(blob.reader, o));
  }

  /** What is wrong with bytes that came to `found`; undefined when they are what `record` says. Rejects with STORE_CORRUPT when they cannot be read. */
  async fault(place: Place, record: Provenance, found: Summed, o: Ask): Promise<string | undefined> {
    const fault = sizeFault(found, record);
    if (fault !== undefined) return fault;
    if (found.sha256 !== record.sha256) return `its SHA-256 is ${found.sha256}, its record says ${record.sha256}`;
    // Only a changed record can have the right SHA-256 and a wrong h1.
    const h1 = await this.#h1(place, o);
    return h1 === undefined || h1 === record.h1 ? undefined : `its h1 is ${h1}, its record says ${record.h1}`;
  }

  /** Hands the stored bytes to `use` as a body; undefined when there are none. */
  async withBody<T>(place: Place, use: (body: Spooled) => Promise<T>, o: Ask): Promise<T | undefined> {
    const blob = await this.#o.store.open(dataKey(place), o);
    if (blob === undefined) return undefined;
    const body = await this.#o.spool.fill(copies(chunksOf(blob.reader, o)), o);
    try {
      return await use(body);
    } finally {
      await body.discard();
    }
  }

  async #h1(place: Place, o: Ask): Promise<string | undefined> {
    const { store, zipHash } = this.#o;
    if (place.id.kind === 'mod') {
      const blob = await store.open(dataKey(place), o);
      return blob && hashGoMod(await readWhole(blob.reader, blob.info.sizeBytes, MAX_GO_MOD_BYTES, o));
    }
    if (place.id.kind !== 'zip' || zipHash === undefined) return undefined;
    return await this.withBody(place, (body) => soundHash(zipHash(place.id, body, o)), o);
  }
}

/** What is wrong with the size of stored bytes, if anything. */
export function sizeFault(
  { sizeBytes }: { readonly sizeBytes: number },
  record: Pick<Provenance, 'sizeBytes'>,
): string | undefined {
  return sizeBytes === record.sizeBytes ? undefined : `it has ${sizeBytes} bytes, its record says ${record.sizeBytes}`;
}

async function soundHash(hashing: Promise<string>): Promise<string> {
  try {
    return await hashing;
  } catch (error) {
    throw isAppError(error, 'ZIP_INVALID') ? new AppError('STORE_CORRUPT', error.message, { cause: error }) : error;
  }
}

/** A spool keeps the chunks it is given for a while. */
async function* copies(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  for await (const chunk of chunks) yield Uint8Array.from(chunk);
}
