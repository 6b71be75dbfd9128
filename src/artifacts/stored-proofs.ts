import type { ModuleVersion } from '../gomod/module.ts';
import { sumsIn } from '../gomod/sumdb/text.ts';
import type { Ask } from '../std/ask.ts';
import { isAppError } from '../std/errors.ts';
import { type CheckedProof, type LogPlace } from './standing.ts';

/** A checksum database, as far as what is stored of it goes. */
export interface Prover {
  readonly name: string;
  /**
   * The record of `module`, proven again from what is stored alone: no packet leaves. Undefined when no proof of it is stored. Rejects with
   * SUMDB_INCONSISTENT or STORE_CORRUPT when what is stored proves nothing.
   */
  proveStored(module: ModuleVersion, o: Ask): Promise<(LogPlace & { readonly text: string }) | undefined>;
}

/** The proofs of modules by all databases that have one stored. Artifacts of one module mostly come one after the other, so the last answer is kept. */
export class StoredProofs {
  /** Of the databases that are asked. */
  readonly names: readonly string[];
  readonly #provers: readonly Prover[];
  #last: { readonly name: string; readonly proofs: readonly CheckedProof[] } | undefined;

  constructor(provers: readonly Prover[]) {
    this.#provers = provers;
    this.names = provers.map(({ name }) => name);
  }

  /** Rejects with STORE_UNAVAILABLE or ABORTED; a proof that does not hold is an answer. */
  async of(module: ModuleVersion, o: Ask): Promise<readonly CheckedProof[]> {
    const name = `${module.path}@${module.version}`;
    if (this.#last?.name === name) return this.#last.proofs;
    const proofs: CheckedProof[] = [];
    for (const prover of this.#provers) {
      const proof = await checked(prover, module, o);
      if (proof !== undefined) proofs.push(proof);
    }
    this.#last = { name, proofs };
    return proofs;
  }
}

async function checked(prover: Prover, module: ModuleVersion, o: Ask): Promise<CheckedProof | undefined> {
  try {
    const proven = await prover.proveStored(module, o);
    if (proven === undefined) return undefined;
    const { database, record, treeSize, text } = proven;
    return { holds: true, database, record, treeSize, ...sumsIn(text, module) };
  } catch (error) {
    if (!isAppError(error, 'SUMDB_INCONSISTENT', 'STORE_CORRUPT')) throw error;
    return { holds: false, database: prover.name, why: error.message };
  }
}
