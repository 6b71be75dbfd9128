import type { Anchor } from '../gomod/anchor.ts';
import type { ModulePath, ModuleVersion, Version } from '../gomod/module.ts';
import type { RevInfo } from '../gomod/rev-info.ts';
import type { Ask } from '../std/ask.ts';
import type { Spooled } from '../std/spooled.ts';

/**
 * Bytes that nobody has checked, and where they came from. Attacker-controlled: only `verify/` may turn them into something
 * that is stored or served.
 */
export interface Unverified<T> {
  readonly unverified: T;
  /** Name of the source, for records and metrics. */
  readonly source: string;
  /** The `h1:` that the source itself says these bytes have (a module cache keeps it beside a zip). Differing bytes are damaged: UPSTREAM_BAD_RESPONSE. */
  readonly claimedH1?: string;
  /** Where in a repository it was made from; absent from sources that are none. */
  readonly anchor?: Anchor;
}

/**
 * A body while it comes in, to be read up to where it has come, by any number of readers at their own pace. As unchecked as the source that
 * sends it. It is there until it is given up or discarded.
 */
export interface GrowingBody {
  /** How much has come, bytes. */
  readonly receivedBytes: number;
  /** Copies what there is from byte `at` on into `into` and returns how many bytes that was; 0 = nothing, because it has not come yet or the body is gone. Rejects with STORE_UNAVAILABLE. */
  read(at: number, into: Uint8Array): Promise<number>;
  /** Lower-case hex SHA-256 of what has come. */
  sha256(): string;
}

/** Where a source puts a body while it arrives: bounded, hashed on the way. Made by io/spool.ts. */
export interface Spool {
  /**
   * Reads `body` to its end. Rejects with TOO_LARGE past the spool's cap, and with whatever the body fails with. Nothing is left
   * behind on failure. `expectedBytes` is what the source announced, when it did: for progress only, never trusted.
   * `onGrown` is called after each piece, always with the same object.
   */
  fill(body: AsyncIterable<Uint8Array>, o: FillAsk): Promise<Spooled>;
}

/** What a spool is told beside the body. */
export interface FillAsk extends Ask {
  readonly expectedBytes?: number;
  readonly onGrown?: (body: GrowingBody) => void;
}

/** What a source is told beside the version that it is asked for. */
export interface VersionAsk extends Ask {
  /** Where what is stored of this version already came from, if that was a repository. One that has the same one takes its answer from the same commit, or fails: a tag may have moved. */
  readonly anchored?: () => Promise<Anchor | undefined>;
}

/**
 * One place modules can come from. NOT_FOUND (or GONE) means "not here": the plan may go on. Any other code means "cannot tell":
 * UPSTREAM_UNAVAILABLE, UPSTREAM_TIMEOUT, UPSTREAM_BAD_RESPONSE, AUTH_REQUIRED, POLICY_DENIED, TOO_LARGE, ABORTED.
 * Answers are complete (a cut body is an error) but otherwise unchecked. Proven by sources/contract.ts.
 */
export interface Source {
  /** Short, unique in a plan, without secrets (so never a path of a URL): goes to records, logs and metric labels. */
  readonly name: string;
  /** Known tagged versions: valid, canonical, no pseudo-versions, semver order, no repeats. At most 100,000. */
  list(module: ModulePath, o: Ask): Promise<readonly Version[]>;
  /** What a version, branch, tag or revision is here: `.info` of it. For a canonical version the answer's version equals it (else UPSTREAM_BAD_RESPONSE); for anything else it is canonical but need not fit the path. */
  query(module: ModulePath, query: string, o: VersionAsk): Promise<Unverified<RevInfo>>;
  /** The newest version as this place tells it (`@latest`): canonical, but need not fit the path. */
  latest(module: ModulePath, o: Ask): Promise<Unverified<RevInfo>>;
  /** go.mod of the version; at most 16 MiB. */
  mod(mv: ModuleVersion, o: VersionAsk): Promise<Unverified<Uint8Array>>;
  /** The module zip, into `into`. The caller discards it. */
  zip(mv: ModuleVersion, into: Spool, o: VersionAsk): Promise<Unverified<Spooled>>;
}
