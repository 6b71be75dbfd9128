import { stat } from 'node:fs/promises';
import { fileMark } from '../config/file-mark.ts';
import type { ConfigFile, Loaded } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { CredentialRow } from '../credentials/rows.ts';
import type { AuditTrail } from '../observe/audit-trail.ts';
import type { Clock } from '../std/clock.ts';
import { type AppError, messageOf } from '../std/errors.ts';

/** What counts since a configuration file was read again. */
export interface Accepted {
  readonly credentials: readonly CredentialRow[];
  /** Of the file, as ConfigFile has it. */
  readonly mark: string;
}

/** Where the configuration comes from that is in force. */
export interface ConfigSource {
  readonly file: ConfigFile;
  /** Reads it anew, with the flags and the environment of the start. */
  readonly load: () => Promise<Loaded>;
  /** Told of each change that counts. */
  readonly onAccepted?: (accepted: Accepted) => void;
}

/** What a running server does when its configuration file changes. */
export interface ReloadParts extends ConfigSource {
  readonly everyMs: number;
  readonly clock: Clock;
  /** The configuration that is in force so far. */
  readonly config: Config;
  /** What its upstreams, peers, routes and bundles name and cannot be used, though they count from the next start only. */
  readonly findUnusable: (config: Config) => Promise<readonly AppError[]>;
  /** Rejects with CONFIG_INVALID, and changes nothing, when a row cannot be used. */
  readonly replaceRows: (rows: readonly CredentialRow[]) => Promise<void>;
  readonly audit: AuditTrail;
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
    // Not as it is now: it may have changed since it was read.
    let seen = file.mark;
    while (!signal.aborted) {
      await clock.sleep(everyMs, { signal }).catch(() => undefined);
      const mark = await markOf(file.path);
      if (signal.aborted || mark === undefined || mark === seen) continue;
      seen = mark;
      await this.#reload(mark);
    }
  }

  async #reload(mark: string): Promise<void> {
    const { load, findUnusable, replaceRows, onAccepted } = this.#parts;
    const file = this.#parts.file.path;
    try {
      const loaded = await load();
      if (!loaded.ok) return this.#refused({ file, problems: loaded.problems }, 'is wrong');
      const [unusable] = await findUnusable(loaded.config);
      if (unusable !== undefined) throw unusable;
      const { credentials } = loaded.config;
      await replaceRows(credentials);
      onAccepted?.({ credentials, mark });
      const atNextStart = keysThatDiffer(this.#config, loaded.config).filter((key) => key !== 'credentials');
      this.#config = { ...this.#config, credentials };
      this.#accepted({ file, ...(atNextStart.length > 0 && { atNextStart }) });
    } catch (error) {
      this.#refused({ file, why: messageOf(error) }, 'cannot be used');
    }
  }

  #accepted(facts: object): void {
    this.#parts.log.info(facts, 'configuration read again: credentials');
    this.#parts.audit.record('reload', { outcome: 'accepted', ...facts });
  }

  #refused(facts: object, what: string): void {
    this.#parts.log.error(facts, `the changed configuration ${what}; the old one stays`);
    this.#parts.audit.record('reload', { outcome: 'refused', ...facts });
  }
}

/** Undefined while there is none: editors take a file away for a moment. */
async function markOf(file: string): Promise<string | undefined> {
  const facts = await stat(file, { bigint: true }).catch(() => undefined);
  return facts && fileMark(facts);
}

/** Names of the sections, and of keys that are in none, whose values are not the same. */
function keysThatDiffer(one: Config, other: Config): readonly string[] {
  const keys = Object.keys(one) as (keyof Config)[];
  return keys.filter((key) => JSON.stringify(one[key]) !== JSON.stringify(other[key]));
}
