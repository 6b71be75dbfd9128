/** What a hash stands on: the rule by which a record, stored proofs and go.sum files are weighed. Pure. */
import type { ArtifactId } from '../gomod/module.ts';
import { TOOLCHAIN_MODULE } from '../gomod/version.ts';
import { type PinVerdictOf, pinFault } from './pin-fault.ts';
import type { Provenance } from './provenance.ts';

/** Where in a checksum database a hash was found. */
export interface LogPlace {
  readonly database: string;
  /** Number of the record in the log. */
  readonly record: number;
  /** Of the signed tree that it was proven in. */
  readonly treeSize: number;
}

/** What checking a stored proof again came to. Databases without a stored proof of the module have none of these. */
export type CheckedProof =
  /** It holds; `zip` and `mod` are the `h1:` hashes that the record has for exactly this version. */
  | (LogPlace & { readonly holds: true; readonly zip: readonly string[]; readonly mod: readonly string[] })
  | { readonly holds: false; readonly database: string; readonly why: string };

/** Why nothing proves a hash that something should prove. */
export type UnprovenReason =
  /** The database could not be asked when it came. */
  | 'outage'
  /** The record says that it was proven, and the proof is not stored (any more). */
  | 'proof-not-stored'
  /** The same, by a database that is not in the configuration: nobody knows its key. */
  | 'database-not-configured'
  /** The record says that the toolchain was exempt, which it never is. */
  | 'never-exempt'
  /** The record does not say why it was believed, in words known here. */
  | 'not-recorded';

/** What a stored artifact stands on, the firmest first. */
export type Standing =
  | { readonly is: 'proven'; readonly by: readonly LogPlace[] }
  /** Only a go.sum file that the operator trusts, or trusted then, vouches for it. */
  | { readonly is: 'pinned'; readonly file: string }
  /** The operator wants no proof of it. */
  | { readonly is: 'exempt'; readonly because: 'off' | 'pattern'; readonly pattern?: string }
  | {
      readonly is: 'unproven';
      readonly why: UnprovenReason;
      readonly database?: string;
      /** What the record says of an outage; from outside, not safe to print as it is. */
      readonly outage?: string;
    }
  /** An `.info`: nothing in the Go world vouches for those. */
  | { readonly is: 'form' }
  | Wrong;

/**
 * Not what it should be. `damaged` the bytes or the record are not what was stored · `mismatch` a proof or a go.sum has another hash · `proof` a stored proof
 * does not hold, or is of something else.
 */
export interface Wrong {
  readonly is: 'wrong';
  readonly fault: 'damaged' | 'mismatch' | 'proof';
  readonly what: string;
}

/** All there is beside the record. */
export interface Evidence {
  readonly proofs: readonly CheckedProof[];
  /** Names of the databases whose proofs can be checked. */
  readonly databases: readonly string[];
  readonly pinVerdict: PinVerdictOf;
}

/** What the artifact of `record`, whose bytes are sound, stands on. A contradiction outweighs every agreement; a proof counts whatever the record says. */
export function standingOf(id: ArtifactId, record: Provenance, evidence: Evidence): Standing {
  if (id.kind === 'info' || record.h1 === undefined) return { is: 'form' };
  const { h1 } = record;
  const pinned = pinFault(evidence.pinVerdict, id, h1);
  if (pinned !== undefined) return { is: 'wrong', fault: 'mismatch', what: pinned.what };
  const faults = evidence.proofs.map((proof) => proofFault(proof, id, record));
  return faults.find((fault) => fault !== undefined) ?? agreed(id, record, evidence);
}

/** How `proof` contradicts the record, or why it proves nothing; undefined when it agrees. */
function proofFault(proof: CheckedProof, { kind }: ArtifactId, { h1, verification }: Provenance): Wrong | undefined {
  const { database } = proof;
  if (!proof.holds)
    return { is: 'wrong', fault: 'proof', what: `its proof by ${database} does not hold: ${proof.why}` };
  const name = `record ${proof.record} of ${database}`;
  const hashes = kind === 'info' ? [] : hashesFor(kind, proof);
  if (hashes.length === 0) return { is: 'wrong', fault: 'proof', what: `${name} has no line for it` };
  if (h1 === undefined || !hashes.includes(h1))
    return { is: 'wrong', fault: 'mismatch', what: `its h1 is ${h1}, ${name} has ${hashes.join(' and ')}` };
  const isOther = isLogged(verification) && verification.database === database && verification.record !== proof.record;
  return isOther
    ? {
        is: 'wrong',
        fault: 'proof',
        what: `it was proven by record ${verification.record} of ${database}, stored is a proof by record ${proof.record}`,
      }
    : undefined;
}

/** What a stored proof that does not hold makes of whatever it is about. */
export function brokenProof({ database, why }: Extract<CheckedProof, { readonly holds: false }>): Wrong {
  return { is: 'wrong', fault: 'proof', what: `its proof by ${database} does not hold: ${why}` };
}

/** Nothing contradicts it. */
function agreed(id: ArtifactId, { h1 = '', verification }: Provenance, evidence: Evidence): Standing {
  const by = evidence.proofs.flatMap((proof) => (proof.holds ? [placeOf(proof)] : []));
  if (by.length > 0) return { is: 'proven', by };
  const pin = id.kind === 'info' ? undefined : evidence.pinVerdict(id.kind, id.module, h1);
  if (pin?.verdict === 'match') return { is: 'pinned', file: pin.file ?? '' };
  if (verification.by === 'go.sum') return { is: 'pinned', file: verification.file };
  if (verification.by === 'exemption') return exemption(id, verification);
  return { is: 'unproven', ...unproven(verification, evidence.databases) };
}

function exemption(
  { module }: ArtifactId,
  { because, pattern }: Extract<Provenance['verification'], { readonly by: 'exemption' }>,
): Standing {
  if (module.path === TOOLCHAIN_MODULE) return { is: 'unproven', why: 'never-exempt' };
  return { is: 'exempt', because, ...(pattern === undefined ? {} : { pattern }) };
}

function unproven(
  verification: Provenance['verification'],
  databases: readonly string[],
): { readonly why: UnprovenReason; readonly database?: string; readonly outage?: string } {
  if (verification.by === 'unproven')
    return { why: 'outage', database: verification.database, outage: verification.why };
  // What a newer Larder wrote has words that are not known here.
  if (!isLogged(verification)) return { why: 'not-recorded' };
  const { database } = verification;
  return { why: databases.includes(database) ? 'proof-not-stored' : 'database-not-configured', database };
}

function isLogged(
  verification: Provenance['verification'],
): verification is Extract<Provenance['verification'], { readonly by: 'sumdb' | 'ledger' }> {
  return verification.by === 'sumdb' || verification.by === 'ledger';
}

/** The hashes that a proven record has for the go.mod or the zip. */
export function hashesFor(
  kind: 'mod' | 'zip',
  { mod, zip }: Extract<CheckedProof, { readonly holds: true }>,
): readonly string[] {
  return kind === 'mod' ? mod : zip;
}

/** Where the proof found its record, without the hashes. */
export function placeOf({ database, record, treeSize }: LogPlace): LogPlace {
  return { database, record, treeSize };
}
