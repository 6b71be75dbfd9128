import type { ModulePath } from '../gomod/module.ts';
import { isPseudoVersion } from '../gomod/pseudo.ts';
import { encodeUtf8 } from '../std/bytes.ts';
import { messageOf } from '../std/errors.ts';
import type { Clock } from '../std/clock.ts';
import type { BlobStore } from '../storage/store.ts';
import { listFileKey } from './layout.ts';
import type { ArtifactObserver } from './observer.ts';
import type { Records } from './records.ts';

/** How long commits of one module are gathered before its list is written. */
const GATHER_MS = 500;
/** Modules whose list waits to be written. A module beyond it gets its list with its next commit. */
const MAX_WAITING = 10_000;
/** A list that takes longer is given up: it is a convenience. */
const WRITE_MS = 30_000;

export interface ListFilesParts {
  readonly store: BlobStore;
  readonly records: Records;
  readonly clock: Clock;
  readonly observer: ArtifactObserver;
}

/**
 * Writes `@v/list` beside the artifacts, for static file servers and `file://`: the stored tagged versions. Best effort, one module
 * after the other, behind the commits. Larder itself never reads these files.
 */
export class ListFiles {
  readonly #parts: ListFilesParts;
  readonly #waiting = new Map<string, { readonly scope: string; readonly module: ModulePath }>();
  readonly #stop = new AbortController();
  #working: Promise<void> | undefined;
  #hurry = new AbortController();

  constructor(parts: ListFilesParts) {
    this.#parts = parts;
  }

  /** Has the list of `module` written soon. */
  touch(scope: string, module: ModulePath): void {
    const key = listFileKey(scope, module);
    if (this.#stop.signal.aborted || this.#waiting.has(key) || this.#waiting.size >= MAX_WAITING) return;
    this.#waiting.set(key, { scope, module });
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
  }

  /** Resolves when no list waits any more. */
  async flush(): Promise<void> {
    this.#hurry.abort();
    while (this.#working !== undefined) await this.#working;
    this.#hurry = new AbortController();
  }

  /** Writes what waits, for at most `graceMs`, then stops. Never rejects. */
  async close(graceMs: number): Promise<void> {
    const timer = setTimeout(() => this.#stop.abort(), graceMs);
    await this.flush();
    clearTimeout(timer);
    this.#stop.abort();
  }

  async #work(): Promise<void> {
    while (this.#waiting.size > 0) {
      const signal = AbortSignal.any([this.#stop.signal, this.#hurry.signal]);
      await this.#parts.clock.sleep(GATHER_MS, { signal }).catch(() => undefined);
      // One round: what is touched during it waits for the next, and is gathered again.
      for (const [key, { scope, module }] of Array.from(this.#waiting)) {
        this.#waiting.delete(key);
        if (!this.#stop.signal.aborted) await this.#write(key, scope, module);
      }
    }
  }

  async #write(key: string, scope: string, module: ModulePath): Promise<void> {
    const { store, records, observer } = this.#parts;
    const o = { signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(WRITE_MS)]) };
    try {
      const versions = (await records.versions(scope, module, o)).filter((version) => !isPseudoVersion(version));
      if (versions.length > 0) await store.publish(key, encodeUtf8(`${versions.join('\n')}\n`), o);
    } catch (error) {
      observer.onViewFailure?.(key, messageOf(error));
    }
  }
}
