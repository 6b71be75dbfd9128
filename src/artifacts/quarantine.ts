import type { Ask } from '../std/ask.ts';
import type { Clock } from '../std/clock.ts';
import { isAppError } from '../std/errors.ts';
import type { Spooled } from '../std/spooled.ts';
import { readWhole } from '../std/whole.ts';
import type { BlobReader, BlobStore } from '../storage/store.ts';
import { type Place, quarantinePrefix } from './layout.ts';
import { type DatedNote, decodeNote, encodeNote, MAX_NOTE_BYTES, type QuarantineNote } from './quarantine-note.ts';
import { inMemory } from './records.ts';
import { chunksOf } from './whole-blob.ts';

/** Different bytes kept per artifact: evidence for an operator, not a way to fill the disk. */
const MAX_COPIES = 8;
/** What the name of a note ends in; the rest is the name of its copy. */
const NOTE = '.json';

/** Takes a body in; io/spool.ts makes it. */
export interface BodySpool {
  fill(body: AsyncIterable<Uint8Array>, o: Ask): Promise<Spooled>;
}

/** Bytes that were put aside, as they can be told of. */
export interface QuarantinedCopy extends Partial<DatedNote> {
  /** Lower-case hex. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** Bytes that must not be served, kept for whoever wants to know what happened. The same bytes are kept once, and at most 8 different ones per artifact. */
export class Quarantine {
  readonly #store: BlobStore;
  readonly #spool: BodySpool;
  readonly #clock: Clock;

  constructor({
    store,
    spool,
    clock,
  }: { readonly store: BlobStore; readonly spool: BodySpool; readonly clock: Clock }) {
    this.#store = store;
    this.#spool = spool;
    this.#clock = clock;
  }

  /** Keeps a copy of `body`, which stays the caller's. */
  async keep(place: Place, body: Spooled, note: QuarantineNote, o: Ask): Promise<void> {
    const key = `${quarantinePrefix(place)}${body.sha256}`;
    if ((await this.#copies(place, o)) >= MAX_COPIES) return;
    if ((await this.#store.putIfAbsent(key, body, o)) === 'exists') return;
    const at = new Date(this.#clock.now()).toISOString();
    await this.#store.putIfAbsent(`${key}${NOTE}`, inMemory(encodeNote({ ...note, at }, body)), o);
  }

  /** Puts the blob under `key` aside and frees the key. Rejects, with the blob still there, when no copy can be kept; but what cannot even be read goes without a copy. */
  async move(key: string, place: Place, note: QuarantineNote, o: Ask): Promise<void> {
    try {
      await this.#copy(key, place, note, o);
    } catch (error) {
      if (!isAppError(error, 'STORE_CORRUPT')) throw error;
    }
    await this.#store.delete(key, o);
  }

  async #copy(key: string, place: Place, note: QuarantineNote, o: Ask): Promise<void> {
    const blob = await this.#store.open(key, o);
    if (blob === undefined) return;
    const body = await this.#spool.fill(ownChunks(blob.reader, o), o);
    try {
      await this.keep(place, body, note, o);
    } finally {
      await body.discard();
    }
  }

  async #copies(place: Place, o: Ask): Promise<number> {
    let copies = 0;
    for await (const { key } of this.#store.list(quarantinePrefix(place), o)) if (!key.endsWith(NOTE)) copies++;
    return copies;
  }
}

/** What was put aside of the artifact, with the notes that can be read; in the order of the hashes. Rejects with STORE_UNAVAILABLE or ABORTED. */
export async function quarantinedCopies(store: BlobStore, place: Place, o: Ask): Promise<readonly QuarantinedCopy[]> {
  const copies: QuarantinedCopy[] = [];
  for await (const { key, sizeBytes } of store.list(quarantinePrefix(place), o)) {
    if (key.endsWith(NOTE)) continue;
    const note = await readNote(store, `${key}${NOTE}`, o);
    copies.push({ sha256: key.slice(quarantinePrefix(place).length), sizeBytes, ...note });
    if (copies.length >= MAX_COPIES) break;
  }
  return copies;
}

async function readNote(store: BlobStore, key: string, o: Ask): Promise<DatedNote | undefined> {
  try {
    const blob = await store.open(key, o);
    return blob && decodeNote(await readWhole(blob.reader, blob.info.sizeBytes, MAX_NOTE_BYTES, o));
  } catch (error) {
    if (!isAppError(error, 'STORE_CORRUPT')) throw error;
    return undefined;
  }
}

/** A spool keeps the chunks it is given for a while. */
async function* ownChunks(reader: BlobReader, o: Ask): AsyncIterable<Uint8Array> {
  for await (const chunk of chunksOf(reader, o)) yield Uint8Array.from(chunk);
}
