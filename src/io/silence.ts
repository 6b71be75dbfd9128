import { stat } from 'node:fs/promises';
import type { Clock } from '../std/clock.ts';

/** What an owner that cannot be seen from here left is left alone until it did not change for so long. Who lives changes it at least six times in that time. */
const SILENT_MS = 60 * 60_000;
/** What one look can add: a process that slept between two looks has not seen that nothing happened, and who slept with it had no time to speak. */
const MOST_BETWEEN_LOOKS_MS = 15 * 60_000;
/** Paths that are watched at a time. Those beyond have to wait until others are gone. */
const MAX_WATCHED = 10_000;

interface Watched {
  readonly sign: string;
  readonly lookedAt: number;
  readonly silentMs: number;
}

/**
 * How long files and folders of others have not changed, judged by what this process saw itself and its own monotonic time. The times in a file are never compared with a clock: when that is set, or the machine
 * slept, all that lives would look dead. So nothing is silent at the first look, and a process that looks for less than an hour finds nobody silent.
 */
export class Silence {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #watched = new Map<string, Watched>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** Looks at `path`; true when it has been the same for an hour of looks. False for what is gone. To be asked every few minutes. Never rejects. */
  async isSilent(path: string): Promise<boolean> {
    const facts = await stat(path, { bigint: true }).catch(() => undefined);
    if (facts === undefined) {
      this.#watched.delete(path);
      return false;
    }
    return this.#look(path, `${facts.ino} ${facts.mtimeNs}`) >= SILENT_MS;
  }

  /** How long it has been the same, ms. */
  #look(path: string, sign: string): number {
    const lookedAt = this.#clock.monotonic();
    const before = this.#watched.get(path);
    if (before === undefined && !this.#hasRoom(lookedAt)) return 0;
    const sinceMs = Math.min(lookedAt - (before?.lookedAt ?? lookedAt), MOST_BETWEEN_LOOKS_MS);
    const silentMs = before?.sign === sign ? before.silentMs + sinceMs : 0;
    this.#watched.set(path, { sign, lookedAt, silentMs });
    return silentMs;
  }

  /** Forgets what nobody has looked at for long when there is no room: most of it is gone. */
  #hasRoom(now: number): boolean {
    if (this.#watched.size < MAX_WATCHED) return true;
    for (const [path, { lookedAt }] of this.#watched) if (now - lookedAt > SILENT_MS) this.#watched.delete(path);
    return this.#watched.size < MAX_WATCHED;
  }
}
