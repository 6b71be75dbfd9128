import type { ArtifactId } from '../gomod/module.ts';
import type { Ask } from '../std/ask.ts';
import type { Clock } from '../std/clock.ts';
import { AppError } from '../std/errors.ts';
import type { BlobReader, ByteRange } from '../storage/store.ts';
import type { Verified } from '../verify/verified.ts';
import type { OpenSpooled, StoredArtifact } from './needs.ts';

interface Kept {
  readonly key: string;
  readonly verified: Verified;
  cancelTimer: () => void;
  readers: number;
  isOver: boolean;
}

/**
 * Verified bodies that the store could not take. They are served from where they were spooled, so that a full or unreachable
 * store does not fail a build, and given up when they have been kept long enough and the last reader is closed.
 * Bounded by the bytes held.
 */
export class Unstored {
  readonly #openSpooled: OpenSpooled;
  readonly #clock: Clock;
  readonly #limits: { readonly bytes: number; readonly keepMs: number };
  readonly #kept = new Set<Kept>();
  /** Of those, what the next asker gets: the newest of each, until its time is over. */
  readonly #findable = new Map<string, Kept>();
  #isClosed = false;
  #bytes = 0;

  constructor(openSpooled: OpenSpooled, clock: Clock, limits: { readonly bytes: number; readonly keepMs: number }) {
    this.#openSpooled = openSpooled;
    this.#clock = clock;
    this.#limits = limits;
  }

  /** What is kept of the artifact, for whoever asks next: it is not fetched again while it is here. */
  find(scope: string, id: ArtifactId): StoredArtifact | undefined {
    const kept = this.#findable.get(keyOf(scope, id));
    return kept && this.#artifactOf(kept);
  }

  /** An artifact that reads `verified` from its spool; undefined when there is no room, and then the body stays the caller's. Otherwise it is ours to discard. */
  keep(scope: string, verified: Verified): StoredArtifact | undefined {
    if (this.#isClosed || this.#bytes + verified.body.sizeBytes > this.#limits.bytes) return undefined;
    const key = keyOf(scope, verified.id);
    const kept: Kept = { key, verified, readers: 0, isOver: false, cancelTimer: () => undefined };
    kept.cancelTimer = this.#clock.after(this.#limits.keepMs, () => this.#end(kept));
    this.#kept.add(kept);
    this.#findable.set(key, kept);
    this.#bytes += verified.body.sizeBytes;
    return this.#artifactOf(kept);
  }

  /** Gives up everything that nobody reads; for the end of the process. */
  close(): void {
    this.#isClosed = true;
    for (const kept of this.#kept) this.#end(kept);
  }

  #artifactOf(kept: Kept): StoredArtifact {
    const { id, body, source } = kept.verified;
    return {
      id,
      record: { sha256: body.sha256, sizeBytes: body.sizeBytes, source },
      bytes: body.kind === 'memory' ? body.bytes : undefined,
      open: (o) => this.#open(kept, o),
    };
  }

  async #open(kept: Kept, o: Ask & { readonly range?: ByteRange }): Promise<BlobReader> {
    const { id, body } = kept.verified;
    if (!this.#kept.has(kept)) {
      throw new AppError(
        'STORE_UNAVAILABLE',
        `read ${id.module.path}@${id.module.version}: it could not be stored and is no longer held`,
      );
    }
    kept.readers++;
    let isOpen = true;
    const release = (): void => {
      if (isOpen) this.#released(kept);
      isOpen = false;
    };
    try {
      return released(await this.#openSpooled(body, o), release);
    } catch (error) {
      release();
      throw error;
    }
  }

  #released(kept: Kept): void {
    kept.readers--;
    if (kept.isOver) this.#end(kept);
  }

  #end(kept: Kept): void {
    kept.isOver = true;
    if (this.#findable.get(kept.key) === kept) this.#findable.delete(kept.key);
    kept.cancelTimer();
    if (kept.readers > 0 || !this.#kept.delete(kept)) return;
    this.#bytes -= kept.verified.body.sizeBytes;
    void kept.verified.body.discard();
  }
}

function keyOf(scope: string, { module, kind }: ArtifactId): string {
  return `${scope} ${kind} ${module.path}@${module.version}`;
}

/** `reader`, telling `release` when it is closed. */
function released(reader: BlobReader, release: () => void): BlobReader {
  return {
    pull: (into) => reader.pull(into),
    close: async () => {
      await reader.close();
      release();
    },
  };
}
