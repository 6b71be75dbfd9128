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

/** What an index says it has: the records of that log below `size`, when its root hash was `root`. */
export interface Covered {
  readonly log: string;
  readonly size: number;
  readonly root: string;
}

/**
 * Which record a version has: an SQLite file beside the log, derived from it and made anew whenever it does not fit. Its memory does not grow
 * with the log. Synchronous, microseconds per call. Several processes may share the file.
 */
export class RecordIndex {
  readonly #path: string;
  #database: DatabaseSync;
  #find: StatementSync;
  #insert: StatementSync;

  /** `path` of the file, whose folder is made when it is not there; `:memory:` for none. A file that cannot be used is replaced. STORE_UNAVAILABLE when none can be made. */
  constructor(path: string) {
    this.#path = path;
    this.#database = openOrReplace(path);
    [this.#find, this.#insert] = statements(this.#database);
  }

  /** What is in it. `size` 0 when nothing is. */
  covered(): Covered {
    const row = this.#do(() => this.#database.prepare('SELECT log, size, root FROM covered').get());
    return { log: String(row?.['log'] ?? ''), size: Number(row?.['size'] ?? 0), root: String(row?.['root'] ?? '') };
  }

  /** The number of the module's record, or undefined when it is not among those that are covered. */
  find({ path, version }: ModuleVersion): number | undefined {
    const row = this.#do(() => this.#find.get(`${path}@${version}`));
    return row === undefined ? undefined : Number(row['number']);
  }

  /** Adds the records up to `head` of `log`, as one change. Of two records of one version the first stays. */
  add(entries: readonly IndexEntry[], log: string, head: TreeHead): void {
    this.#do(() => {
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        for (const { module, number } of entries) this.#insert.run(`${module.path}@${module.version}`, number);
        this.#database
          .prepare(
            'INSERT INTO covered VALUES (1, ?, ?, ?) ON CONFLICT DO UPDATE SET log = excluded.log, size = excluded.size, root = excluded.root WHERE excluded.size > size',
          )
          .run(log, head.size, hashBase64(head.hash));
        this.#database.exec('COMMIT');
      } catch (error) {
        this.#database.exec('ROLLBACK');
        throw error;
      }
    });
  }

  /** Makes it empty, as a new file. */
  clear(): void {
    this.#database.close();
    this.#database = this.#do(() => replace(this.#path));
    [this.#find, this.#insert] = statements(this.#database);
  }

  close(): void {
    this.#database.close();
  }

  #do<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw indexFailure(error);
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
    try {
      return replace(path);
    } catch (error) {
      throw indexFailure(error);
    }
  }
}

function replace(path: string): DatabaseSync {
  if (path !== ':memory:') for (const suffix of ['', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
  return open(path);
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

function statements(database: DatabaseSync): [StatementSync, StatementSync] {
  return [
    database.prepare('SELECT number FROM record WHERE module = ?'),
    database.prepare('INSERT INTO record VALUES (?, ?) ON CONFLICT DO NOTHING'),
  ];
}
