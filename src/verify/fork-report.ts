import { sha256Hex } from '../gomod/sha256.ts';
import { type Hash, hashBase64 } from '../gomod/sumdb/hash.ts';
import { type HashReader, proveTree } from '../gomod/sumdb/tree.ts';
import type { Ask } from '../std/ask.ts';
import { decodeUtf8, encodeUtf8 } from '../std/bytes.ts';
import { AppError, isAppError, messageOf } from '../std/errors.ts';
import { memoryBody } from '../std/spooled.ts';
import type { BlobStore } from '../storage/store.ts';
import type { SecurityEvent, VerifyObserver } from './observer.ts';
import type { SignedHead } from './signed-head.ts';

/** Two heads, both signed by the log, that cannot be of one history. */
interface Fork {
  /** The one with fewer records; of two with as many the one that was not adopted. */
  readonly older: SignedHead;
  readonly newer: SignedHead;
  /** What the newer tree has for the hash of the older one, and the hashes that prove it. */
  readonly proof: readonly Hash[];
}

/** The fork between two heads, given what `newer` has for the hash of `older`. Further hashes of the proof may not be to be had; the contradiction is certain all the same. */
export async function forkBetween(older: SignedHead, newer: SignedHead, inside: Hash, read: HashReader): Promise<Fork> {
  try {
    return { older, newer, proof: [inside, ...(await proveTree(newer.size, older.size, read))] };
  } catch {
    return { older, newer, proof: [inside] };
  }
}

/** The report that convinces anybody who has the log's key. */
function forkText({ older, newer, proof }: Fork): string {
  return [
    'SECURITY ERROR',
    'go.sum database server misbehavior detected!',
    '',
    'old database:',
    indented(older.note),
    'new database:',
    indented(newer.note),
    'proof of misbehavior:',
    ...proof.map((hash) => `\t${hashBase64(hash)}`),
  ].join('\n');
}

function indented(note: Uint8Array): string {
  return `\t${(decodeUtf8(note) ?? '').replaceAll('\n', '\n\t')}`;
}

export interface ForkReportsParts {
  /** Name of the database. */
  readonly database: string;
  readonly store: BlobStore;
  /** What the keys begin with. */
  readonly prefix: string;
  readonly observer: VerifyObserver;
}

/** The reports about one log. While there is one the log is not asked: an operator has to read it, and to remove it. */
export class ForkReports {
  readonly #parts: ForkReportsParts;

  constructor(parts: ForkReportsParts) {
    this.#parts = parts;
  }

  /** Rejects with SUMDB_INCONSISTENT while there is a report. */
  async requireNone(o: Ask): Promise<void> {
    const { database, store, prefix } = this.#parts;
    for await (const { key } of store.list(prefix, o)) throw refused(database, key);
  }

  /** Keeps the report and tells of it, once; returns the error for whoever asked. A report that cannot be kept is told of all the same. */
  async file(fork: Fork, o: Ask): Promise<AppError> {
    const { database, store, prefix, observer } = this.#parts;
    const bytes = encodeUtf8(forkText(fork));
    const sha256 = sha256Hex(bytes);
    const key = `${prefix}${sha256.slice(0, 16)}.txt`;
    try {
      if ((await store.putIfAbsent(key, memoryBody(bytes, sha256), o)) === 'created')
        observer.onSecurityEvent(eventOf(database, fork, { report: key }));
    } catch (error) {
      observer.onSecurityEvent(eventOf(database, fork, { unkept: messageOf(error), text: forkText(fork) }));
    }
    return refused(database, key);
  }
}

/** Whether `error` says that the log was forked, which no other way to it can mend. */
export function isFork(error: unknown): boolean {
  return isAppError(error, 'SUMDB_INCONSISTENT') && error.detail['report'] !== undefined;
}

function refused(database: string, report: string): AppError {
  const why = 'it signed two trees that contradict each other, so nothing new is taken from it';
  const advice = `read the report ${report} in the store; ${database} is asked again once it is removed`;
  return new AppError('SUMDB_INCONSISTENT', `ask ${database}: ${why}; ${advice}`, { detail: { report } });
}

function eventOf(database: string, { older, newer }: Fork, detail: SecurityEvent['detail']): SecurityEvent {
  const sizes = `${older.size} and ${newer.size} records`;
  return {
    kind: 'log-fork',
    subject: database,
    message: `${database} signed two trees that contradict each other, of ${sizes}; nothing new is taken from it`,
    detail: {
      database,
      older: `${older.size} ${hashBase64(older.hash)}`,
      newer: `${newer.size} ${hashBase64(newer.hash)}`,
      ...detail,
    },
  };
}
