import type { ArtifactId } from '../gomod/module.ts';
import type { Ask } from '../std/ask.ts';
import type { BlobReader, ByteRange } from '../storage/store.ts';
import type { Provenance } from './provenance.ts';
import { memoryReader } from './whole-blob.ts';

/** A committed artifact whose bytes were found to be what its record says. */
export interface Artifact {
  readonly id: ArtifactId;
  readonly record: Provenance;
  /** The whole body while it is kept in memory; the same object for as long. */
  readonly bytes?: Uint8Array;
  /** A reader of its own for each call; the caller closes it. Rejects with STORE_CORRUPT when the bytes were damaged or taken away since. */
  open(o: Ask & { readonly range?: ByteRange }): Promise<BlobReader>;
}

/** An artifact in memory. */
export class MemoryArtifact implements Artifact {
  readonly id: ArtifactId;
  readonly record: Provenance;
  readonly bytes: Uint8Array;

  constructor(id: ArtifactId, record: Provenance, bytes: Uint8Array) {
    this.id = id;
    this.record = record;
    this.bytes = bytes;
  }

  open({ range }: Ask & { readonly range?: ByteRange }): Promise<BlobReader> {
    return Promise.resolve(
      memoryReader(range === undefined ? this.bytes : this.bytes.subarray(range.start, range.end)),
    );
  }
}
