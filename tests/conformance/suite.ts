/** What a conformance suite is: one file of cases, and the function that drives it. */

import { textOfBytes } from '../../src/gomod/go-text.ts';

/** The parts of the product that can be driven on their own. */
export const GROUPS = ['core', 'goproxy', 'sumdb', 'git'] as const;
export type Group = (typeof GROUPS)[number];

export interface Suite {
  readonly group: Group;
  /** Relative to the data directory: `semver.json`; `golden/*.json` for every one of a folder. A file that is missing there counts as one skip. */
  readonly file: string;
  /** Checks every case in `data`, the parsed document. */
  run(data: unknown, t: Tally): void | Promise<void>;
}

/** Where a suite puts its verdicts. */
export interface Tally {
  /** Absolute path of the data directory, for suites that read more than their own file. */
  readonly directory: string;
  /** Counts one case. `detail` is asked for only when it failed. */
  check(name: string, ok: boolean, detail?: () => string): void;
  /** Counts one case that cannot be run here, and says why. */
  skip(name: string, reason: string): void;
}

/** A row of a table of cases, as it stands in the JSON. */
export type Row = Readonly<Record<string, unknown>>;

/** The rows under `key` of a document; none when the key is absent, so that a smaller collection can be driven too. */
export function rowsOf(data: unknown, key: string): readonly Row[] {
  const rows = (data as Row)[key];
  return Array.isArray(rows) ? (rows as Row[]) : [];
}

/** The text at `key` of a row. Bytes that are not UTF-8 stand under `key_b64`; they come back as gomod/go-text.ts represents them. */
export function textOf(row: Row, key: string): string {
  const encoded = row[`${key}_b64`];
  return typeof encoded === 'string' ? textOfBytes(Buffer.from(encoded, 'base64')) : stringAt(row, key);
}

/** The string at `key`; empty when there is none. */
export function stringAt(row: Row, key: string): string {
  const value = row[key];
  return typeof value === 'string' ? value : '';
}

/** What `run` returns, or undefined when it throws. */
export function orUndefined<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}

/** Whether `run` ends without throwing. */
export function succeeds(run: () => unknown): boolean {
  try {
    run();
    return true;
  } catch {
    return false;
  }
}
