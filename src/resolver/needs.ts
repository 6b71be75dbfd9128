/** What the resolver needs from outside, in its own words. app/engine.ts hands it in. */
import type { Admission } from '../admission/admission.ts';
import type { Anchor } from '../gomod/anchor.ts';
import type { ArtifactId, ModulePath, ModuleVersion, Version } from '../gomod/module.ts';
import type { RevInfo } from '../gomod/rev-info.ts';
import type { Level } from '../ladder/level.ts';
import type { Changes } from '../coordination/changes.ts';
import type { Leases } from '../coordination/lease.ts';
import type { Register } from '../coordination/register.ts';
import type { Spool } from '../sources/source.ts';
import type { Ask } from '../std/ask.ts';
import type { Clock } from '../std/clock.ts';
import type { Spooled, SpooledMemory } from '../std/spooled.ts';
import type { BlobReader, ByteRange } from '../storage/store.ts';
import type { Pool } from '../upstream/asking.ts';
import type { Verified } from '../verify/verified.ts';
import type { Claims } from '../verify/verifier.ts';
import type { ResolverLimits } from './limits.ts';
import type { ResolverObserver } from './observer.ts';

/** An artifact that can be sent. */
export interface Sendable {
  readonly id: ArtifactId;
  /** The hash is undefined while the artifact is still arriving. */
  readonly record: { readonly sha256: string | undefined; readonly sizeBytes: number; readonly source: string };
  /** Present while it is small enough to be kept in memory; the same object for as long as it is kept. */
  readonly bytes?: Uint8Array;
  /** A reader of its own for each call; the caller closes it. */
  open(o: Ask & { readonly range?: ByteRange }): Promise<BlobReader>;
}

/** A committed artifact. Its bytes never change. */
export interface StoredArtifact extends Sendable {
  readonly record: {
    readonly sha256: string;
    readonly sizeBytes: number;
    readonly source: string;
    /** Where in a repository it was made from, when it was. */
    readonly anchor?: Anchor;
  };
}

/** An artifact that was just fetched, or is arriving, and what level of the ladder it came from: undefined when from a folder of this machine. */
export interface Fetched<A extends Sendable = Sendable> {
  readonly artifact: A;
  readonly level: Level | undefined;
}

/** The committed artifacts. Absence is undefined, and so is what was found to be damaged. */
export interface Artifacts {
  inMemory(scope: string, id: ArtifactId): StoredArtifact | undefined;
  find(scope: string, id: ArtifactId, o: Ask): Promise<StoredArtifact | undefined>;
  /** Rejects with CHECKSUM_MISMATCH when other bytes were committed before. The body stays the caller's. */
  commit(scope: string, verified: Verified, o: Ask): Promise<StoredArtifact>;
  /** Versions of which something is stored, pseudo-versions among them. */
  versions(scope: string, module: ModulePath, o: Ask): Promise<readonly Version[]>;
  /** Keeps a copy of bytes that were refused, for whoever looks into it. The body stays the caller's. */
  keepRefused(
    scope: string,
    id: ArtifactId,
    body: Spooled,
    note: { readonly reason: string; readonly source?: string },
    o: Ask,
  ): Promise<void>;
}

/** The checks that make bytes believable. Rejects with CHECKSUM_MISMATCH, ZIP_INVALID or UPSTREAM_BAD_RESPONSE. */
export interface Verifying {
  /** Tells that a go.mod or a zip of the module is about to be fetched, so that what proves it can be looked up meanwhile. Never throws. */
  anticipate(module: ModuleVersion, o: Ask): void;
  /** What the source says of the bytes beside them is checked, or goes on to their record. */
  info(id: ArtifactId, info: RevInfo, source: string, claims?: Pick<Claims, 'anchor'>): Verified;
  mod(id: ArtifactId, body: SpooledMemory, source: string, o: Ask & Pick<Claims, 'anchor'>): Promise<Verified>;
  zip(id: ArtifactId, body: Spooled, source: string, o: Ask & Claims): Promise<Verified>;
}

/** Room for bodies while they arrive. */
export interface Spools {
  /** A spool for bodies of at most `capBytes`. `what` is named in errors. */
  spool(capBytes: number, what?: string): Spool;
}

/** Reads a body that is stored nowhere else. The caller closes the reader. */
export type OpenSpooled = (body: Spooled, o: Ask & { readonly range?: ByteRange }) => Promise<BlobReader>;

/**
 * Whether those who would have to vouch for a version say that there is none such. False when they need not be asked, or cannot tell. In little time: a list
 * waits for it.
 */
export type IsDenied = (module: ModuleVersion, o: Ask) => Promise<boolean>;

/** Everything a resolver is made of. */
export interface ResolverParts {
  readonly artifacts: Artifacts;
  /** Where list, latest and query answers survive a restart. */
  readonly registers: Register;
  /** Where processes on one store tell each other what they fetch; absent = this one is alone. */
  readonly leases?: Leases | undefined;
  /** Where they tell each other that lists and what branches are have changed; likewise. */
  readonly changes?: Changes | undefined;
  /** By the names that plans use: a pool of one for what has no others that stand in for it. */
  readonly sources: ReadonlyMap<string, Pool>;
  /** Names of those that are folders of this machine: their answers are of no level of their own. */
  readonly local?: ReadonlySet<string>;
  readonly verifier: Verifying;
  readonly spools: Spools;
  readonly openSpooled: OpenSpooled;
  /** Whether plans of several routes are asked with; absent = one. */
  readonly routes?: 'one' | 'several';
  /** Absent = every listed version is believed to be there. */
  readonly isDenied?: IsDenied;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly observer: ResolverObserver;
  /** Absent = one of its own with the default limits, and no sensors. */
  readonly admission?: Admission;
  /** Replaces some of DEFAULT_LIMITS. */
  readonly limits?: Partial<ResolverLimits>;
}
