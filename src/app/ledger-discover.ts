import type { ArtifactObserver } from '../artifacts/observer.ts';
import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import type { ModuleVersion } from '../gomod/module.ts';
import { sumLines } from '../gomod/sumdb/text.ts';
import type { Feed } from '../ledger/feed.ts';
import type { Discover, Ledger } from '../ledger/ledger.ts';
import type { Gate } from '../policy/gate.ts';
import type { Resolver } from '../resolver/resolver.ts';
import type { Ask } from '../std/ask.ts';
import { AppError } from '../std/errors.ts';
import type { ProvenExpectations } from '../verify/expectations.ts';
import type { Verification } from '../verify/verified.ts';
import type { Closing } from './closing.ts';
import type { Observers } from './observers.ts';

/** What it takes to find out the sums of a module. */
export interface DiscoverNeeds {
  readonly expectations: Pick<ProvenExpectations, 'once'>;
  readonly gate: Gate;
  readonly resolver: Pick<Resolver, 'artifact'>;
  readonly artifacts: Pick<ArtifactStore, 'find'>;
}

type Kind = 'mod' | 'zip';

/**
 * What our ledger says of a module: what the public database proves; of a module that is exempt from it the sums of what is stored here, which is fetched
 * for it if need be. Rejects with SUMDB_UNAVAILABLE while the database cannot be asked: a sum that nobody vouches for now is not vouched for for ever; and when what is
 * stored is of two commits.
 */
export function createDiscover(needs: DiscoverNeeds): Discover {
  return async (module, o) => {
    const [mod, zip] = await Promise.all([
      needs.expectations.once('mod', module, o),
      needs.expectations.once('zip', module, o),
    ]);
    if (mod.h1 !== undefined && zip.h1 !== undefined) return sumLines(module, { zip: zip.h1, mod: mod.h1 });
    for (const expectation of [mod, zip]) refuseUnproven(module, expectation);
    const stored = { mod: await storedSum(needs, 'mod', module, o), zip: await storedSum(needs, 'zip', module, o) };
    refuseMixed(module, stored);
    return sumLines(module, { mod: stored.mod.h1, zip: stored.zip.h1 });
  };
}

/** Offers to `feed` what was proven, and each zip: with a go.mod of an exempt module alone its zip would have to be fetched, which nobody asked for. */
export function feeding(feed: Feed): Pick<ArtifactObserver, 'onCommitted'> {
  return {
    onCommitted({ id, verification }) {
      if (id.kind === 'zip' || verification.by === 'sumdb') feed.offer(id.module);
    },
  };
}

/** Logs what `feed` is offered, until `closing`. Only where questions are answered: what a check or a repair commits is logged when somebody looks it up. */
export function startFeed(
  { feed, ledger }: { readonly feed: Feed; readonly ledger: Ledger | undefined },
  observers: Pick<Observers, 'ledger' | 'watch'>,
  closing: Closing,
): void {
  if (ledger === undefined) return;
  feed.start(ledger, observers.ledger);
  observers.watch('ledger_records', 'Records of our own checksum database.', () => ledger.size);
  closing.add(() => feed.close());
}

async function storedSum(
  { gate, resolver, artifacts }: DiscoverNeeds,
  kind: Kind,
  module: ModuleVersion,
  o: Ask,
): Promise<StoredSum> {
  const decision = gate.decide(module.path);
  if (!decision.allowed) throw decision.error;
  const { plan } = decision;
  const id = { module, kind };
  await resolver.artifact(id, { plan, mayFetch: 'yes', signal: o.signal });
  const record = (await artifacts.find(plan.scope, id, o))?.record;
  if (record?.h1 === undefined)
    throw new AppError('STORE_UNAVAILABLE', `log ${module.path}@${module.version}: its .${kind} is not stored`);
  refuseUnproven(module, record);
  return { h1: record.h1, commit: record.anchor?.commit };
}

interface StoredSum {
  readonly h1: string;
  /** That the bytes were made from, where they come from a repository. */
  readonly commit: string | undefined;
}

/** A tag may move between the fetches of the two; what is logged stays for ever. */
function refuseMixed({ path, version }: ModuleVersion, { mod, zip }: Readonly<Record<Kind, StoredSum>>): void {
  if (mod.commit === undefined || zip.commit === undefined || mod.commit === zip.commit) return;
  const what = `its go.mod is stored from commit ${mod.commit} and its zip from ${zip.commit}`;
  throw new AppError('SUMDB_UNAVAILABLE', `log ${path}@${version}: ${what}`);
}

/** A module that is exempt by its name is the operator's own; with the database off nobody can say which public ones are what they were. */
function refuseUnproven(
  { path, version }: ModuleVersion,
  { verification }: { readonly verification: Verification },
): void {
  const why = whyUnproven(verification);
  if (why !== undefined) throw new AppError('SUMDB_UNAVAILABLE', `log ${path}@${version}: ${why}`);
}

function whyUnproven(verification: Verification): string | undefined {
  if (verification.by === 'unproven') return verification.why;
  const isOff = verification.by === 'exemption' && verification.because === 'off';
  return isOff ? 'sumdb.database is off and noSumdb does not name it, so nobody proves it' : undefined;
}
