import type { ArtifactId } from '../gomod/module.ts';
import { MAX_END_RECORD_BYTES } from '../gomod/zip/limits.ts';
import type { GrowingBody } from '../sources/source.ts';
import { type Ask, throwIfAborted, waitFor } from '../std/ask.ts';
import { AppError } from '../std/errors.ts';
import type { BlobReader, ByteRange } from '../storage/store.ts';
import type { Sendable, StoredArtifact } from './needs.ts';

/**
 * The last bytes of a zip, which nobody gets before the whole is proven and stored: as far as an end record can reach. What comes before is a zip
 * to nobody, and shorter than announced.
 */
export const HELD_BACK_BYTES = MAX_END_RECORD_BYTES;

/** What an arriving zip is made of. */
export interface ArrivingParts {
  readonly id: ArtifactId;
  readonly source: string;
  /** As the source announced it; not believed before the end. */
  readonly sizeBytes: number;
  readonly body: GrowingBody;
  /** Keeps the fetch going until the function returned is called; calling that again does nothing. */
  readonly hold: () => () => void;
}

/** How an arriving zip stands. */
type Stand =
  | {
      readonly is: 'coming';
      readonly body: GrowingBody;
      /** Resolves at the next change. */
      readonly change: Promise<void>;
    }
  | { readonly is: 'stored'; readonly artifact: StoredArtifact };

/**
 * A zip that is sent while it comes in, unchecked: all but its last bytes at once, those when it is committed. Its readers fail when it does not
 * come to that. It ends once, by `settle`, `fail` or `continueAs`.
 */
export class Arriving implements Sendable {
  readonly id: ArtifactId;
  readonly record: { readonly sha256: undefined; readonly sizeBytes: number; readonly source: string };
  /** What has come of it so far. */
  readonly body: GrowingBody;
  readonly #hold: () => () => void;
  #end: StoredArtifact | AppError | Arriving | undefined;
  #change = Promise.withResolvers<void>();

  constructor({ id, source, sizeBytes, body, hold }: ArrivingParts) {
    this.id = id;
    this.record = { sha256: undefined, sizeBytes, source };
    this.body = body;
    this.#hold = hold;
  }

  /** More has come. */
  grew(): void {
    const { resolve } = this.#change;
    this.#change = Promise.withResolvers();
    resolve();
  }

  /**
   * All of it came, with the hex SHA-256 `sha256`, was proven, and is stored as `stored`. When someone else was first to store the same content
   * zipped otherwise, its readers fail: what they have does not go with the rest.
   */
  settle(stored: StoredArtifact, sha256: string): void {
    const { record } = stored;
    const isSame = record.sha256 === sha256 && record.sizeBytes === this.record.sizeBytes;
    const { path, version } = this.id.module;
    this.#endAs(isSame ? stored : new AppError('CONFLICT', `send ${path}@${version}: other bytes were stored first`));
  }

  /** It comes to nothing. */
  fail(error: AppError): void {
    this.#endAs(error);
  }

  /** It broke off, and `heir` begins with all that had come of it: that must have been proven. */
  continueAs(heir: Arriving): void {
    this.#endAs(heir);
  }

  /** How it stands, or what it has become. Throws what it failed with. */
  stand(): Stand {
    const end = this.#end;
    if (end === undefined) return { is: 'coming', body: this.body, change: this.#change.promise };
    if (end instanceof AppError) throw end;
    return end instanceof Arriving ? end.stand() : { is: 'stored', artifact: end };
  }

  /** A reader of its own for each call; the caller closes it. A range is given when all is stored. */
  async open(o: Ask & { readonly range?: ByteRange }): Promise<BlobReader> {
    const release = this.#hold();
    try {
      if (o.range === undefined) return new ArrivingReader(this, o, release);
      const stored = await this.#whenStored(o);
      release();
      return await stored.open(o);
    } catch (error) {
      release();
      throw error;
    }
  }

  async #whenStored({ signal }: Ask): Promise<StoredArtifact> {
    for (;;) {
      const stand = this.stand();
      if (stand.is === 'stored') return stand.artifact;
      await waitFor(stand.change, signal);
    }
  }

  #endAs(end: StoredArtifact | AppError | Arriving): void {
    this.#end ??= end;
    this.grew();
  }
}

/** Follows one arriving zip: what has come but for the last bytes, then the rest from the store. Holds no bytes of its own. */
class ArrivingReader implements BlobReader {
  readonly #arriving: Arriving;
  readonly #o: Ask;
  readonly #release: () => void;
  #at = 0;
  #rest: BlobReader | undefined;

  constructor(arriving: Arriving, { signal }: Ask, release: () => void) {
    this.#arriving = arriving;
    this.#o = { signal };
    this.#release = release;
  }

  async pull(into: Uint8Array): Promise<number> {
    while (this.#rest === undefined) {
      throwIfAborted(this.#o.signal);
      const stand = this.#arriving.stand();
      if (stand.is === 'stored') this.#rest = await this.#openRest(stand.artifact);
      else {
        const length = await this.#readFree(stand.body, into);
        if (length > 0) return length;
        await waitFor(stand.change, this.#o.signal);
      }
    }
    return this.#rest.pull(into);
  }

  async close(): Promise<void> {
    await this.#rest?.close();
    this.#release();
  }

  async #readFree(body: GrowingBody, into: Uint8Array): Promise<number> {
    const free = this.#arriving.record.sizeBytes - HELD_BACK_BYTES - this.#at;
    if (free <= 0) return 0;
    const length = await body.read(this.#at, into.subarray(0, free));
    this.#at += length;
    return length;
  }

  #openRest(artifact: StoredArtifact): Promise<BlobReader> {
    return artifact.open({ ...this.#o, range: { start: this.#at, end: artifact.record.sizeBytes } });
  }
}
