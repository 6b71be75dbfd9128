import type { HttpCredential } from '../io/http-client.ts';
import { type Ask, throwIfAborted } from '../std/ask.ts';
import { type AppError, isAppError } from '../std/errors.ts';
import { httpAdvice, sshAdvice } from './advice.ts';
import type { Credentials, SshIdentity } from './credentials.ts';
import { environmentWays } from './environment-ways.ts';
import { coveredPath, placeOf } from './place.ts';
import { childEnvironmentOf } from './program.ts';
import { aboutRow, checkSshFiles, type OpenRow, openRow, secretNamesOf } from './row-ways.ts';
import type { CredentialRow } from './rows.ts';
import type { Given, Way, WayParts } from './way.ts';

/** What credentials are made from. */
export interface CredentialSetting extends Omit<WayParts, 'childEnvironment' | 'closing'> {
  readonly rows: readonly CredentialRow[];
  /** Of the process: NETRC, GOAUTH, what `env:` names, and what helpers and commands inherit. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly home: string | undefined;
  /** Hears of what GOAUTH of the environment names and that does not work: requests go on without it, as the go command does. Free of secrets. */
  readonly onTrouble: (message: string) => void;
}

/**
 * The credentials of the operator: rows of the configuration, then what GOAUTH and netrc of the environment have. Throws CONFIG_INVALID for rows and
 * for a GOAUTH that cannot be used; reads and runs nothing yet. Close it to end what runs.
 */
export function createCredentials(setting: CredentialSetting): ConfiguredCredentials {
  return new ConfiguredCredentials(setting);
}

const TELL_EVERY_MS = 60_000;
const MOST_TOLD = 64;

/** See createCredentials. */
export class ConfiguredCredentials implements Credentials {
  readonly #setting: CredentialSetting;
  readonly #closing = new AbortController();
  #rows: readonly OpenRow[] = [];
  #around: readonly Way[] = [];
  readonly #told = new Map<string, number>();
  /** What of the environment let us speak to an origin, for advice. */
  readonly #gave = new Map<string, string>();

  constructor(setting: CredentialSetting) {
    this.#setting = setting;
    ({ rows: this.#rows, around: this.#around } = this.#open(setting.rows));
  }

  /**
   * These rows count as soon as each is checked as `check` does. Rejects with CONFIG_INVALID, and keeps the old ones, when one cannot be used. What helpers said
   * is asked for anew.
   */
  async replaceRows(rows: readonly CredentialRow[]): Promise<void> {
    const opened = this.#open(rows);
    const [unusable] = await failuresOf(opened.rows.flatMap(checksOf));
    if (unusable !== undefined) throw unusable;
    ({ rows: this.#rows, around: this.#around } = opened);
  }

  #open(rows: readonly CredentialRow[]): { readonly rows: readonly OpenRow[]; readonly around: readonly Way[] } {
    const { environment, known, clock, run } = this.#setting;
    const childEnvironment = childEnvironmentOf(environment, secretNamesOf(rows));
    const parts: WayParts = { known, clock, run, childEnvironment, closing: this.#closing.signal };
    const opened = rows.map((row, index) => openRow(row, index, { ...parts, environment }));
    return { rows: opened, around: environmentWays(this.#setting, parts) };
  }

  async http(url: URL, o: Ask): Promise<HttpCredential | undefined> {
    throwIfAborted(o.signal);
    for (const { row, path } of this.#matching(url)) {
      const given = await aboutRow(row, () => row.way?.given(url, o));
      if (given !== undefined) return credentialAt(url, path, given);
    }
    return url.protocol === 'https:' ? await this.#aroundUs(url, o) : undefined;
  }

  refused(url: URL, status?: number): void {
    for (const { row } of this.#matching(url)) row.way?.refused(url, status);
    for (const way of this.#around) way.refused(url, status);
  }

  ssh(url: URL): SshIdentity {
    const rows = this.#matching(url).map(({ row }) => row.row);
    const first = (key: 'username' | 'sshKey' | 'knownHosts'): string | undefined =>
      rows.find((row) => row[key] !== undefined)?.[key];
    const [user, keyFile, knownHostsFile] = [first('username'), first('sshKey'), first('knownHosts')];
    return {
      ...(user !== undefined && { user }),
      ...(keyFile !== undefined && { keyFile }),
      ...(knownHostsFile !== undefined && { knownHostsFile }),
    };
  }

  advice(url: URL): string {
    const matching = this.#matching(url).map(({ row }) => row);
    return url.protocol === 'ssh:'
      ? sshAdvice(url, this.ssh(url))
      : httpAdvice(url, matching, this.#gave.get(url.origin));
  }

  /** Reads every secret that is in a variable or a file, and nothing else; runs nothing. What cannot be used, each with `detail.key` where a row is to blame. */
  async check(): Promise<readonly AppError[]> {
    return failuresOf([...this.#rows.flatMap(checksOf), ...this.#around.map((way) => way.check())]);
  }

  /** Ends the helpers and commands that run. */
  close(): void {
    this.#closing.abort();
  }

  /** The rows for `url`, the narrowest first, in their order where two are equally narrow. */
  #matching(url: URL): readonly { readonly row: OpenRow; readonly path: string }[] {
    const at = placeOf(url);
    if (at === undefined) return [];
    return this.#rows
      .flatMap((row) => {
        const path = coveredPath(row.place, at);
        return path === undefined ? [] : [{ row, path }];
      })
      .toSorted((a, b) => b.row.place.path.length - a.row.place.path.length);
  }

  /** Once a minute each: a program that fails is met by every request. */
  #tell(message: string): void {
    const now = this.#setting.clock.monotonic();
    if (now < (this.#told.get(message) ?? Number.NEGATIVE_INFINITY) + TELL_EVERY_MS) return;
    if (this.#told.size >= MOST_TOLD) this.#told.clear();
    this.#told.set(message, now);
    this.#setting.onTrouble(message);
  }

  #remember(origin: string, text: string): void {
    if (this.#gave.size >= MOST_TOLD) this.#gave.clear();
    this.#gave.set(origin, text);
  }

  async #aroundUs(url: URL, o: Ask): Promise<HttpCredential | undefined> {
    for (const way of this.#around) {
      try {
        const given = await way.given(url, o);
        if (given === undefined) continue;
        this.#remember(url.origin, way.text);
        return credentialAt(url, '/', given);
      } catch (error) {
        if (!isAppError(error, 'CONFIG_INVALID')) throw error;
        this.#tell(error.message);
      }
    }
    return undefined;
  }
}

/** Begins to look at what `row` needs that can be looked at without running anything. */
function checksOf(row: OpenRow): readonly Promise<void>[] {
  return [aboutRow(row, () => row.way?.check()), aboutRow(row, () => checkSshFiles(row.row))];
}

/** What `checks` reject with, in their order. */
async function failuresOf(checks: readonly Promise<void>[]): Promise<readonly AppError[]> {
  const outcomes = await Promise.allSettled(checks);
  return outcomes.flatMap((outcome) => {
    if (outcome.status === 'fulfilled') return [];
    if (isAppError(outcome.reason)) return [outcome.reason];
    throw outcome.reason;
  });
}

function credentialAt(url: URL, rowPath: string, { headers, path }: Given): HttpCredential {
  return { origin: url.origin, pathPrefix: path.length > rowPath.length ? path : rowPath, headers };
}
