import type { ModulePath, Version } from '../gomod/module.ts';
import { isPseudoVersion } from '../gomod/pseudo.ts';
import type { Ask } from '../std/ask.ts';
import { encodeUtf8 } from '../std/bytes.ts';
import { messageOf } from '../std/errors.ts';
import type { Clock } from '../std/clock.ts';
import { recentEntries } from '../std/recent.ts';
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
/** How often a list is written again because versions came meanwhile; what comes after that has it written by itself. */
const MAX_ROUNDS = 5;
/** Modules whose list is known to be there. Forgetting one costs a look at the file. */
const REMEMBERED = 20_000;

export interface ListFilesParts {
  readonly store: BlobStore;
  readonly records: Records;
  readonly clock: Clock;
  readonly observer: ArtifactObserver;
}

/** What the list of a module with these stored versions says; undefined when there is nothing to tell: pseudo-versions are in no list. */
export function listText(versions: readonly Version[]): string | undefined {
  const tagged = versions.filter((version) => !isPseudoVersion(version));
  return tagged.length === 0 ? undefined : `${tagged.join('\n')}\n`;
}

interface Waiting {
  readonly scope: string;
  readonly module: ModulePath;
  /** Whether it is written also when there is one. */
  isStale: boolean;
}

/**
 * Writes `@v/list` beside the artifacts, for static file servers and `file://`: the stored tagged versions. Best effort, one module
 * after the other, behind the commits. Larder itself never reads these files.
 */
export class ListFiles {
  readonly #parts: ListFilesParts;
  readonly #waiting = new Map<string, Waiting>();
  readonly #there = recentEntries<string, true>(REMEMBERED);
  readonly #stop = new AbortController();
  #working: Promise<void> | undefined;
  #hurry = new AbortController();

  constructor(parts: ListFilesParts) {
    this.#parts = parts;
  }

  /** Has the list of `module` written soon. */
  touch(scope: string, module: ModulePath): void {
    this.#enqueue({ scope, module, isStale: true });
  }

  /** Has the list of `module` written soon if there is none: a kill can have come between a commit and it. One look per module. */
  ensure(scope: string, module: ModulePath): void {
    if (!this.#there.has(listFileKey(scope, module))) this.#enqueue({ scope, module, isStale: false });
  }

  #enqueue(wanted: Waiting): void {
    const key = listFileKey(wanted.scope, wanted.module);
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) waiting.isStale ||= wanted.isStale;
    if (this.#stop.signal.aborted || waiting !== undefined || this.#waiting.size >= MAX_WAITING) return;
    this.#waiting.set(key, wanted);
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
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      this.#stop.abort();
      late.resolve();
    }, graceMs);
    // A disk that hangs hears no signal.
    await Promise.race([this.flush(), late.promise]);
    clearTimeout(timer);
    this.#stop.abort();
  }

  async #work(): Promise<void> {
    while (this.#waiting.size > 0) {
      const signal = AbortSignal.any([this.#stop.signal, this.#hurry.signal]);
      await this.#parts.clock.sleep(GATHER_MS, { signal }).catch(() => undefined);
      // One round: what is touched during it waits for the next, and is gathered again.
      for (const [key, wanted] of Array.from(this.#waiting)) {
        this.#waiting.delete(key);
        if (!this.#stop.signal.aborted) await this.#write(key, wanted);
      }
    }
  }

  async #write(key: string, { scope, module, isStale }: Waiting): Promise<void> {
    const { store, observer } = this.#parts;
    const o = { signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(WRITE_MS)]) };
    try {
      if (isStale || (await store.head(key, o)) === undefined) await this.#publish(key, { scope, module }, o);
      this.#there.set(key, true);
    } catch (error) {
      observer.onViewFailure?.(key, messageOf(error));
    }
  }

  /** Another process may have written a longer list since we looked, which ours has replaced: whoever was last looks again. */
  async #publish(key: string, { scope, module }: Pick<Waiting, 'scope' | 'module'>, o: Ask): Promise<void> {
    const { store, records } = this.#parts;
    const look = async (): Promise<string | undefined> => listText(await records.versions(scope, module, o));
    let text = await look();
    for (let i = 0; i < MAX_ROUNDS && text !== undefined; i++) {
      await store.publish(key, encodeUtf8(text), o);
      const now = await look();
      if (now === text) return;
      text = now;
    }
  }
}
