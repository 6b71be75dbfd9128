import type { ModuleVersion } from '../gomod/module.ts';
import type { Ask } from '../std/ask.ts';
import type { Verification } from './verified.ts';

/** What must be true of the hash of a module before its bytes may be stored, and who says so. */
export type Expectation =
  /** Proven: the bytes must have `h1`. */
  | { readonly h1: string; readonly verification: Extract<Verification, { readonly by: 'sumdb' | 'ledger' }> }
  /** Nobody says anything, and the record must say why that was accepted. */
  | {
      readonly h1?: undefined;
      readonly verification: Extract<Verification, { readonly by: 'exemption' | 'unproven' }>;
    };

/** Finds out what the hash of a module must be. One for the whole process; asked for each `.mod` and `.zip`. */
export interface Expectations {
  /**
   * Asks the checksum database, or our ledger, or names the exemption. Rejects with SUMDB_UNAVAILABLE when nobody can tell (also when the database does not
   * know the version after all the time it was given), SUMDB_INCONSISTENT when its answer proves nothing or has no line for the module, or ABORTED.
   */
  of(kind: 'mod' | 'zip', module: ModuleVersion, o: Ask): Promise<Expectation>;
  /** Begins to ask, so that the answer is there when the bytes are. Never throws, tells nobody. */
  anticipate(module: ModuleVersion, o: Ask): void;
}
