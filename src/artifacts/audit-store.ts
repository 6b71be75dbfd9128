/** Audits of many artifacts: all that are stored, those of some modules, those of a go.sum file. They change nothing; a server may run on the same store meanwhile. */
import type { GoSumLine } from '../gomod/gosum.ts';
import {
  type ArtifactKind,
  isCanonicalFor,
  isModulePath,
  type ModulePath,
  type ModuleVersion,
} from '../gomod/module.ts';
import { type Ask, throwIfAborted } from '../std/ask.ts';
import type { BlobStore } from '../storage/store.ts';
import type { Audit, Audited } from './audit.ts';
import { type AuditReport, AuditTally } from './audit-report.ts';
import { brokenProof, type CheckedProof, hashesFor, placeOf, type Wrong } from './standing.ts';
import { storedRecords } from './stored-keys.ts';

/** How an audit is done. */
export interface AuditRun extends Ask {
  readonly audit: Audit;
  /** Called after each artifact, with how many that makes. */
  readonly onProgress?: (checked: number) => unknown;
}

/** The scope that a module is looked for in. */
export type ScopeOf = (module: ModulePath) => string;

/** A go.sum file and where its modules are looked for. */
export interface AuditedGoSum {
  /** What findings call the file. */
  readonly name: string;
  readonly lines: readonly GoSumLine[];
  readonly scopeOf: ScopeOf;
}

const KINDS: readonly ArtifactKind[] = ['info', 'mod', 'zip'];

/** Every artifact in `store`. Rejects with STORE_UNAVAILABLE, OVERLOADED or ABORTED. */
export async function auditAll(store: BlobStore, run: AuditRun): Promise<AuditReport> {
  const tally = new AuditTally();
  for await (const { place } of storedRecords(store, run)) {
    const audited = await run.audit.look(place, run);
    if (audited !== undefined) tally.looked(nameOf(place.id.module), place.id.kind, audited);
    goOn(tally, run);
  }
  return tally.report();
}

/** What is stored of `modules`; a module of which nothing is stored is missing. Rejects likewise. */
export async function auditModules(
  { modules, scopeOf }: { readonly modules: readonly ModuleVersion[]; readonly scopeOf: ScopeOf },
  run: AuditRun,
): Promise<AuditReport> {
  const tally = new AuditTally();
  for (const module of modules) {
    const before = tally.checked;
    for (const kind of KINDS) {
      const audited = await run.audit.look({ scope: scopeOf(module.path), id: { module, kind } }, run);
      if (audited !== undefined) tally.looked(nameOf(module), kind, audited);
      goOn(tally, run);
    }
    if (tally.checked === before) tally.found({ is: 'missing', why: 'not-stored', module: nameOf(module) });
  }
  return tally.report();
}

/** What each line of a go.sum file is about: audited, and compared with the line. Rejects likewise. */
export async function auditGoSum({ name, lines, scopeOf }: AuditedGoSum, run: AuditRun): Promise<AuditReport> {
  const tally = new AuditTally();
  for (const line of lines) {
    const target = targetOf(line);
    if (target === undefined) {
      tally.found({ is: 'missing', why: 'not-a-module', module: `${line.path}@${line.version}` });
      continue;
    }
    const { module, kind } = target;
    const audited = await run.audit.look({ scope: scopeOf(module.path), id: { module, kind } }, run);
    const claim = { ...target, file: name, hash: line.hash };
    if (audited === undefined) tallyMissing(tally, claim, await run.audit.proofs(module, run));
    else tally.looked(nameOf(module), kind, audited, contradiction(claim, audited));
    goOn(tally, run);
  }
  return tally.report();
}

/** A line of a go.sum file that is about a module there can be. */
interface Claim {
  readonly file: string;
  readonly module: ModuleVersion;
  readonly kind: 'mod' | 'zip';
  readonly hash: string;
}

function targetOf({ path, version }: GoSumLine): Pick<Claim, 'module' | 'kind'> | undefined {
  const isGoMod = version.endsWith(GO_MOD);
  const plain = isGoMod ? version.slice(0, -GO_MOD.length) : version;
  if (!isModulePath(path) || !isCanonicalFor(path, plain)) return undefined;
  return { module: { path, version: plain }, kind: isGoMod ? 'mod' : 'zip' };
}

const GO_MOD = '/go.mod';

/** How the line contradicts what is stored; undefined when it agrees, or when what is stored is wrong already. */
function contradiction({ file, hash }: Claim, { record, standing }: Audited): Wrong | undefined {
  if (standing.is === 'wrong' || !isComparable(hash) || hash === record?.h1) return undefined;
  return { is: 'wrong', fault: 'mismatch', what: `its h1 is ${record?.h1}, ${file} has ${hash}` };
}

/** Not stored, but a proof may be, and it knows whether the line is right. */
function tallyMissing(tally: AuditTally, claim: Claim, proofs: readonly CheckedProof[]): void {
  const about = { module: nameOf(claim.module), kind: claim.kind };
  const faults = proofs.map((proof) => lineFault(claim, proof));
  const fault = faults.find((one) => one !== undefined);
  if (fault !== undefined) return tally.found({ ...fault, ...about });
  const proof = isComparable(claim.hash) ? proofs.find((one) => one.holds) : undefined;
  tally.found({ is: 'missing', why: 'not-stored', ...(proof && { proven: placeOf(proof) }), ...about });
}

function lineFault({ kind, file, hash }: Claim, proof: CheckedProof): Wrong | undefined {
  if (!proof.holds) return brokenProof(proof);
  if (!isComparable(hash) || hashesFor(kind, proof).includes(hash)) return undefined;
  const proven = hashesFor(kind, proof).join(' and ') || 'no line for it';
  const what = `record ${proof.record} of ${proof.database} has ${proven}, ${file} has ${hash}`;
  return { is: 'wrong', fault: 'mismatch', what };
}

/** The go command passes over the hashes of algorithms that it does not know. */
function isComparable(hash: string): boolean {
  return hash.startsWith('h1:');
}

function nameOf({ path, version }: ModuleVersion): string {
  return `${path}@${version}`;
}

function goOn(tally: AuditTally, { onProgress, signal }: AuditRun): void {
  onProgress?.(tally.checked);
  throwIfAborted(signal);
}
