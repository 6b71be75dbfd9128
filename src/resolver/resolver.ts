import { createAdmission } from '../admission/admission.ts';
import type { Asker } from '../admission/turns.ts';
import type { ArtifactId, ModulePath } from '../gomod/module.ts';
import type { Level } from '../ladder/level.ts';
import type { RoutePlan } from '../policy/plan.ts';
import type { Ask } from '../std/ask.ts';
import type { BlobReader, ByteRange } from '../storage/store.ts';
import { Consultant } from './consult.ts';
import { Filler } from './fill.ts';
import { Immutables } from './immutable.ts';
import { DEFAULT_LIMITS, type ResolverLimits } from './limits.ts';
import { Mutables } from './mutable.ts';
import { MutableAsker } from './mutable-question.ts';
import type { ResolverParts } from './needs.ts';
import { RememberedAnswers } from './remembered.ts';
import { SharedFiller } from './shared-fill.ts';
import { Unstored } from './unstored.ts';

/** How a question is to be answered. */
export interface Question extends Ask, Asker {
  readonly plan: RoutePlan;
  /** `no` = from what is stored only (Disable-Module-Fetch, /cached-only): a miss is NOT_FOUND. */
  readonly mayFetch: 'yes' | 'no';
  /** Given = a zip may also be one that is still arriving; absent = only what is committed, so that its entity tag is known and any part can be read. */
  readonly accepts?: 'arriving' | undefined;
}

/** `hit` stored already · `miss` this request led the fetch · `joined` another request's fetch · `stale` an old answer because a new one could not be had or is on its way · `negative` a remembered "not here". */
export type CacheResult = 'hit' | 'miss' | 'joined' | 'stale' | 'negative';

/** Where an answer came from, for the access log and metrics. */
interface Provenanced {
  readonly result: CacheResult;
  /** Name of the source the bytes came from, now or when they were stored. */
  readonly source: string;
  /** The level of the ladder that they were fetched at just now; undefined when they were here, or in another folder of this machine. */
  readonly level?: Level | undefined;
}

/** An immutable artifact that can be sent. */
export interface ArtifactAnswer extends Provenanced {
  readonly sizeBytes: number;
  /** Hex SHA-256 of the whole body: the entity tag. Undefined while the body is still arriving; its last bytes come when it is proven and stored, or never. */
  readonly sha256: string | undefined;
  /** The whole body when it is small enough to be kept in memory. The same object for as long as it is kept, so what is prepared from it can be remembered in a WeakMap. */
  readonly bytes?: Uint8Array;
  /** A reader of its own for each call; the caller closes it. */
  open(o: Ask & { readonly range?: ByteRange }): Promise<BlobReader>;
}

/** A mutable answer: a list, a latest, what a branch is now. */
export interface MutableAnswer extends Provenanced {
  /** The body. The same object while the answer is unchanged. */
  readonly bytes: Uint8Array;
  /** Hex SHA-256 of the body. */
  readonly sha256: string;
  /** Time since a source confirmed it, ms. */
  readonly ageMs: number;
  /** How long it may still be used without asking, ms; 0 when stale. */
  readonly freshForMs: number;
}

/** Names one mutable answer. */
export interface MutableSubject {
  readonly kind: 'list' | 'latest' | 'query';
  readonly module: ModulePath;
  /** The branch, revision or other name that is asked; absent for list and latest. */
  readonly query?: string;
}

/**
 * The questions a go command asks, answered from the store or through the plan.
 * Rejects with AppError: NOT_FOUND or GONE only when every source of the plan said so (or mayFetch is 'no' and nothing is stored); any other code
 * means "cannot tell" or "must not".
 */
export interface Resolver {
  /** `.info` of a canonical version, `.mod` or `.zip`. */
  artifact(id: ArtifactId, q: Question): Promise<ArtifactAnswer>;
  /** The same without waiting, when it is in memory: the hot path. */
  artifactInMemory(id: ArtifactId, q: Pick<Question, 'plan'>): ArtifactAnswer | undefined;
  /** `.info` of a branch, tag, revision or non-canonical version. */
  query(module: ModulePath, query: string, q: Question): Promise<MutableAnswer>;
  list(module: ModulePath, q: Question): Promise<MutableAnswer>;
  latest(module: ModulePath, q: Question): Promise<MutableAnswer>;
  /** The answer to one of these three without waiting, while a fresh one is in memory: the hot path. */
  mutableInMemory(of: MutableSubject, q: Pick<Question, 'plan'>): MutableAnswer | undefined;
}

/** A resolver with its end. */
export interface RunningResolver extends Resolver {
  /** Resolves when no refresh and no write of a remembered answer is under way. */
  idle(): Promise<void>;
  /** Cancels fetches, lets writes end, gives up bodies that could not be stored. What is asked afterwards is ABORTED, but for stored things. */
  close(): Promise<void>;
}

/** A resolver over `parts`. */
export function createResolver(parts: ResolverParts): RunningResolver {
  const { clock, observer, random, registers, sources } = parts;
  const limits: ResolverLimits = { ...DEFAULT_LIMITS, ...parts.limits };
  const admission = parts.admission ?? createAdmission(clock);
  const shared = { ...parts, limits, admission };
  const unstored = new Unstored(parts.openSpooled, clock, { bytes: limits.unstoredBytes, keepMs: limits.unstoredMs });
  const consultant = new Consultant({
    sources,
    observer,
    clock,
    random,
    limits,
    ...(parts.local && { local: parts.local }),
  });
  const mutables = new Mutables({
    answers: new RememberedAnswers(registers),
    observer,
    clock,
    random,
    limits,
    admission,
    changes: parts.changes,
  });
  const filler = new Filler({ ...shared, consultant, unstored });
  const immutables = new Immutables({
    ...shared,
    filler: parts.leases === undefined ? filler : new SharedFiller({ ...shared, leases: parts.leases, filler }),
    newestKnown: (module, plan) => mutables.newestKnown(module, plan),
    onFetched: (module, plan) => mutables.noteVersion(module, plan),
  });
  const asker = new MutableAsker({ ...shared, consultant, immutables, mutables });
  return {
    artifact: (id, q) => immutables.answer(id, q),
    artifactInMemory: (id, { plan }) => immutables.inMemory(id, plan),
    list: (module, q) => mutables.find(asker.list(module, q.plan), q),
    latest: (module, q) => mutables.find(asker.latest(module, q.plan), q),
    query: (module, query, q) => mutables.find(asker.query(module, query, q.plan), q),
    mutableInMemory: (of, { plan }) => mutables.freshInMemory(of, plan),
    idle: () => mutables.idle(),
    close: async () => {
      immutables.close();
      await mutables.close();
      unstored.close();
    },
  };
}
