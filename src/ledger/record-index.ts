import { mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { ModuleVersion } from '../gomod/module.ts';
import { hashBase64 } from '../gomod/sumdb/hash.ts';
import type { TreeHead } from '../gomod/sumdb/tree.ts';
import { AppError, messageOf } from '../std/errors.ts';

/** Of the form of the file; another one is made anew. */
const FORM = 1;
/** How long another process may hold the file, ms. */
const BUSY_MS = 5000;
/** What SQLite says of a file that is damaged, or none of its own. */
const DAMAGED: readonly unknown[] = [11, 26];

// Write-ahead logging: a power cut loses the newest rows and never mixes old pages with new ones, and lost rows are read from the log again.
const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA cache_size = -8192;
  CREATE TABLE IF NOT EXISTS record (module TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS covered (one INTEGER PRIMARY KEY CHECK (one = 1), log TEXT NOT NULL, size INTEGER NOT NULL, root TEXT NOT NULL) STRICT;
  PRAGMA user_version = ${FORM};
`;

/** A record's place: which module, which number. */
export interface IndexEntry {
  readonly module: ModuleVersion;
  readonly number: number;
}

/** What entries are the records of: those of `log` from number `from` to the end, when its head was `head`. */
export interface Coverage {
  readonly log: string;
  readonly from: number;
  readonly head: TreeHead;
}

/** What an index says it has: the records of that log below `size`, when its root hash was `root`. */
export interface Covered {
  readonly log: string;
  readonly size: number;
  readonly root: string;
}

/**
 * Which record a version has: an SQLite file beside the log, derived from it and made anew whenever it does not fit. Its memory does not grow
 * with the log. Synchronous, microseconds per call. Several processes may share the file. One that turns out to be damaged is emptied: whoever does not
 * find a module asks what is covered before believing that it has no record.
 */
export class RecordIndex {
  readonly #path: string;
  #database: DatabaseSync;
  #find: StatementSync;
  #insert: StatementSync;
  #covered: StatementSync;

  /** `path` of the file, whose folder is made when it is not there; `:memory:` for none. A file that cannot be used is replaced. STORE_UNAVAILABLE when none can be made. */
  constructor(path: string) {
    this.#path = path;
    this.#database = openOrReplace(path);
    [this.#find, this.#insert, this.#covered] = statements(this.#database);
  }

  /** What is in it. `size` 0 when nothing is. */
  covered(): Covered {
    const row = this.#do(() => this.#covered.get());
    return { log: String(row?.['log'] ?? ''), size: Number(row?.['size'] ?? 0), root: String(row?.['root'] ?? '') };
  }

  /** How many modules have a record in it. Reads all of it: 20 ms for a million. */
  count(): number {
    return Number(this.#do(() => this.#database.prepare('SELECT COUNT(*) AS n FROM record').get())?.['n'] ?? 0);
  }

  /** The number of the module's record, or undefined when it is not among those that are covered. */
  find({ path, version }: ModuleVersion): number | undefined {
    const row = this.#do(() => this.#find.get(`${path}@${version}`));
    return row === undefined ? undefined : Number(row['number']);
  }

  /** Adds records, as one change. Of two records of one version the first stays. Does nothing when it lacks any before `from`: those come first. */
  add(entries: readonly IndexEntry[], { log, from, head }: Coverage): void {
    this.#do(() => {
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        if (Number(this.#covered.get()?.['size'] ?? 0) >= from) this.#insertAll(entries, log, head);
        this.#database.exec('COMMIT');
      } catch (error) {
        this.#database.exec('ROLLBACK');
        throw error;
      }
    });
  }

  /** Makes it empty, as a new file. */
  clear(): void {
    if (this.#database.isOpen) this.#database.close();
    this.#database = replace(this.#path);
    [this.#find, this.#insert, this.#covered] = statements(this.#database);
  }

  close(): void {
    this.#database.close();
  }

  #insertAll(entries: readonly IndexEntry[], log: string, head: TreeHead): void {
    for (const { module, number } of entries) this.#insert.run(`${module.path}@${module.version}`, number);
    this.#database
      .prepare(
        'INSERT INTO covered VALUES (1, ?, ?, ?) ON CONFLICT DO UPDATE SET log = excluded.log, size = excluded.size, root = excluded.root WHERE excluded.size > size',
      )
      .run(log, head.size, hashBase64(head.hash));
  }

  /** The result of `work`; undefined when the file is damaged, which is then empty. */
  #do<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!DAMAGED.includes((error as { errcode?: unknown }).errcode)) throw indexFailure(error);
      this.clear();
      return undefined;
    }
  }
}

function indexFailure(error: unknown): AppError {
  return new AppError('STORE_UNAVAILABLE', `use the index of the ledger: ${messageOf(error)}`, { cause: error });
}

function openOrReplace(path: string): DatabaseSync {
  try {
    return open(path);
  } catch {
    return replace(path);
  }
}

function replace(path: string): DatabaseSync {
  try {
    if (path !== ':memory:') for (const suffix of ['', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
    return open(path);
  } catch (error) {
    throw indexFailure(error);
  }
}

function open(path: string): DatabaseSync {
  if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true });
  const database = new DatabaseSync(path, { timeout: BUSY_MS });
  try {
    const form = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
    if (form !== 0 && form !== FORM) throw new Error(`its form is ${form}, not ${FORM}`);
    database.exec(SCHEMA);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function statements(database: DatabaseSync): [find: StatementSync, insert: StatementSync, covered: StatementSync] {
  return [
    database.prepare('SELECT number FROM record WHERE module = ?'),
    database.prepare('INSERT INTO record VALUES (?, ?) ON CONFLICT DO NOTHING'),
    database.prepare('SELECT log, size, root FROM covered'),
  ];
}
