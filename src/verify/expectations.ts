import { escapePath, escapeVersion, type ModuleVersion } from '../gomod/module.ts';
import { sumsIn } from '../gomod/sumdb/text.ts';
import { type Ask, throwIfAborted, waitFor } from '../std/ask.ts';
import type { Clock } from '../std/clock.ts';
import { AppError, isAppError } from '../std/errors.ts';
import { TOOLCHAIN_MODULE } from '../gomod/version.ts';
import type { ProvenRecord } from './checksum-database.ts';
import type { Exemptions } from './exemptions.ts';
import type { Expectation, Expectations } from './expectation.ts';
import type { VerifyObserver } from './observer.ts';

/** A checksum database, as far as it is asked here. */
export interface Prover {
  readonly name: string;
  /** Questions about one module that come at once are one. Rejects with NOT_FOUND when the database says that it does not know the module, and as ChecksumDatabase does. */
  prove(module: ModuleVersion, o: Ask): Promise<ProvenRecord>;
}

/** Our own ledger, as far as it is asked here. */
export interface KnownSums {
  find(module: ModuleVersion, o: Ask): Promise<ProvenRecord | undefined>;
}

/** Bounds, and the operator's choice. */
export interface ExpectationLimits {
  /** How long a database is asked again about a version that it does not know. */
  readonly newVersionMs: number;
  /** Whether what a database that cannot be asked would prove is refused or goes through unproven. */
  readonly onOutage: 'refuse' | 'serve-unverified';
}

/** Everything expectations are made of. */
export interface ExpectationParts {
  /** Asked about whatever is not exempt. */
  readonly database: Prover;
  readonly exemptions: Exemptions;
  /** Whose first sum of an exempt module holds for ever; absent = no ledger is kept. */
  readonly ledger?: KnownSums;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly observer: VerifyObserver;
  readonly limits: ExpectationLimits;
}

type Kind = 'mod' | 'zip';

/** Longest wait for one answer of a database, over all ways to it. Less than the proof of a go.mod may take, so that its failure is told as the database's. */
const LONGEST_ASK_MS = 15_000;
/** Between two questions about a version that is not known yet: the first wait, and the longest. */
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5000;
/** Questions asked ahead of need that may be under way; one more is left to be asked in need. */
const MOST_ANTICIPATED = 256;
/** Characters of a reason that go into a record. */
const LONGEST_REASON = 200;

/** Asks the checksum database about every module that the operator does not exempt, and the ledger about those. */
export class ProvenExpectations implements Expectations {
  readonly #parts: ExpectationParts;
  #anticipated = 0;

  constructor(parts: ExpectationParts) {
    this.#parts = parts;
  }

  async of(kind: Kind, module: ModuleVersion, o: Ask): Promise<Expectation> {
    return (await this.#exempt(kind, module, o)) ?? (await this.#patiently(kind, module, o));
  }

  /** The same, asked once and without mercy: NOT_FOUND when the database does not know the module, SUMDB_UNAVAILABLE when it cannot be asked. */
  async once(kind: Kind, module: ModuleVersion, o: Ask): Promise<Expectation> {
    return (await this.#exempt(kind, module, o)) ?? (await this.#proven(kind, module, o));
  }

  anticipate({ path, version }: ModuleVersion, o: Ask): void {
    if (this.#anticipated >= MOST_ANTICIPATED || this.#parts.exemptions.of(path) !== undefined) return;
    this.#anticipated++;
    this.#ask({ path, version }, o)
      .catch(() => undefined) // whoever needs the answer asks again
      .finally(() => this.#anticipated--);
  }

  async #exempt(kind: Kind, module: ModuleVersion, o: Ask): Promise<Expectation | undefined> {
    const exemption = this.#parts.exemptions.of(module.path);
    if (exemption === undefined) return undefined;
    const record = await this.#parts.ledger?.find(module, o);
    return record === undefined ? { verification: exemption } : this.#expectation('ledger', kind, module, record);
  }

  /** A version may have been published a moment ago: the database learns of it by being asked, and needs a moment too. */
  async #patiently(kind: Kind, module: ModuleVersion, o: Ask): Promise<Expectation> {
    const { clock, random, limits } = this.#parts;
    const until = clock.monotonic() + limits.newVersionMs;
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
      try {
        return await this.#provenOrMarked(kind, module, o);
      } catch (error) {
        if (!saysUnknown(error)) throw error;
        const jitteredMs = waitMs * (0.5 + random() / 2);
        if (clock.monotonic() + jitteredMs > until) throw this.#unknown(module, error);
        await clock.sleep(jitteredMs, o);
      }
    }
  }

  /** Only that the database cannot be asked may be put up with: an answer, whatever it says, may not. */
  async #provenOrMarked(kind: Kind, module: ModuleVersion, o: Ask): Promise<Expectation> {
    const { database } = this.#parts;
    try {
      return await this.#proven(kind, module, o);
    } catch (error) {
      if (!isAppError(error, 'SUMDB_UNAVAILABLE') || saysUnknown(error) || !this.#mayBeMarked(module)) throw error;
      return {
        verification: { by: 'unproven', database: database.name, why: error.message.slice(0, LONGEST_REASON) },
      };
    }
  }

  /** What a go command runs without being asked is never believed unproven. */
  #mayBeMarked({ path }: ModuleVersion): boolean {
    return this.#parts.limits.onOutage === 'serve-unverified' && path !== TOOLCHAIN_MODULE;
  }

  async #proven(kind: Kind, module: ModuleVersion, o: Ask): Promise<Expectation> {
    return this.#expectation('sumdb', kind, module, await this.#ask(module, o));
  }

  async #ask(module: ModuleVersion, o: Ask): Promise<ProvenRecord> {
    const { database, clock } = this.#parts;
    throwIfAborted(o.signal);
    const late = new AbortController();
    const cancel = clock.after(LONGEST_ASK_MS, () => late.abort(tooLate(module, database.name)));
    const signal = AbortSignal.any([o.signal, late.signal]);
    try {
      return await waitFor(database.prove(module, { signal }), signal);
    } finally {
      cancel();
    }
  }

  /** What `record` says. A record without one unmistakable sum is no proof of anything, and no honest database has one. */
  #expectation(by: 'sumdb' | 'ledger', kind: Kind, module: ModuleVersion, proven: ProvenRecord): Expectation {
    const { database, record, treeSize, text } = proven;
    const [h1, ...others] = new Set(sumsIn(text, module)[kind]);
    if (h1 !== undefined && others.length === 0) return { h1, verification: { by, database, record, treeSize } };
    const message = `verify .${kind} of ${module.path}@${module.version}: record ${record} of ${database} has ${h1 === undefined ? 'no' : 'more than one'} hash of it`;
    const detail = { database, record, treeSize };
    this.#parts.observer.onSecurityEvent({ kind: 'record-missing', subject: subjectOf(module), message, detail });
    throw new AppError('SUMDB_INCONSISTENT', message, { detail });
  }

  #unknown({ path, version }: ModuleVersion, cause: unknown): AppError {
    const { database, limits } = this.#parts;
    const message = `prove ${path}@${version}: ${database.name} does not know it, after ${Math.round(limits.newVersionMs / 1000)} s`;
    return new AppError('SUMDB_UNAVAILABLE', message, { cause, detail: { database: database.name } });
  }
}

/** Whether a way to the database said that it does not know the module, though others may have said nothing. */
function saysUnknown(error: unknown): boolean {
  return isAppError(error, 'NOT_FOUND', 'GONE') || (isAppError(error) && error.detail['unknown'] === true);
}

function tooLate({ path, version }: ModuleVersion, database: string): AppError {
  return new AppError(
    'SUMDB_UNAVAILABLE',
    `prove ${path}@${version}: no answer of ${database} within ${LONGEST_ASK_MS} ms`,
  );
}

/** The module and its version in escaped form, as events name it. */
export function subjectOf({ path, version }: ModuleVersion): string {
  return `${escapePath(path)}@${escapeVersion(version)}`;
}
