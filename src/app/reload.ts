import { stat } from 'node:fs/promises';
import type { Loaded } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { CredentialRow } from '../credentials/rows.ts';
import type { Clock } from '../std/clock.ts';
import { messageOf } from '../std/errors.ts';

/** What a running server does when its configuration file changes. */
export interface ReloadParts {
  /** Absolute. */
  readonly file: string;
  readonly everyMs: number;
  readonly clock: Clock;
  /** The configuration that is in force so far. */
  readonly config: Config;
  /** Reads it anew, with the flags and the environment of the start. */
  readonly load: () => Promise<Loaded>;
  /** Rejects with CONFIG_INVALID, and changes nothing, when a row cannot be used. */
  readonly replaceRows: (rows: readonly CredentialRow[]) => Promise<void>;
  readonly log: {
    info(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
}

/**
 * Looks at the configuration file from time to time. When it has changed, `credentials` count at once; what else has changed is told of, and counts from the next start.
 * A file that is wrong changes nothing.
 */
export class ConfigReload {
  readonly #parts: ReloadParts;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #config: Config;

  /** Begins at once. */
  constructor(parts: ReloadParts) {
    this.#parts = parts;
    this.#config = parts.config;
    this.#running = this.#watch(this.#stop.signal);
  }

  /** Never rejects. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { file, everyMs, clock } = this.#parts;
    let seen = await stateOf(file);
    while (!signal.aborted) {
      await clock.sleep(everyMs, { signal }).catch(() => undefined);
      const state = await stateOf(file);
      if (signal.aborted || state === seen) continue;
      seen = state;
      await this.#reload();
    }
  }

  async #reload(): Promise<void> {
    const { file, load, log, replaceRows } = this.#parts;
    try {
      const loaded = await load();
      if (!loaded.ok)
        return log.error({ file, problems: loaded.problems }, 'the changed configuration is wrong; the old one stays');
      await replaceRows(loaded.config.credentials);
      const atNextStart = keysThatDiffer(this.#config, loaded.config).filter((key) => key !== 'credentials');
      this.#config = { ...this.#config, credentials: loaded.config.credentials };
      log.info({ file, ...(atNextStart.length > 0 && { atNextStart }) }, 'configuration read again: credentials');
    } catch (error) {
      log.error({ file, why: messageOf(error) }, 'the changed configuration cannot be used; the old one stays');
    }
  }
}

/** Empty while there is none: editors take a file away for a moment. */
async function stateOf(file: string): Promise<string> {
  const facts = await stat(file, { bigint: true }).catch(() => undefined);
  return facts === undefined ? '' : `${facts.ino} ${facts.size} ${facts.mtimeNs}`;
}

/** Names of the sections, and of keys that are in none, whose values are not the same. */
function keysThatDiffer(one: Config, other: Config): readonly string[] {
  const keys = Object.keys(one) as (keyof Config)[];
  return keys.filter((key) => JSON.stringify(one[key]) !== JSON.stringify(other[key]));
}
