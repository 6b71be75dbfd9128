import type { LRUCache } from 'lru-cache';
import type { Admission } from '../admission/admission.ts';
import { type ArtifactId, isCanonicalFor, type ModulePath, type ModuleVersion, type Version } from '../gomod/module.ts';
import { type RevInfo, withoutVolatileOrigin } from '../gomod/rev-info.ts';
import type { Anchor } from '../gomod/anchor.ts';
import { compareVersions } from '../gomod/semver.ts';
import type { Level } from '../ladder/level.ts';
import type { RoutePlan, Scope } from '../policy/plan.ts';
import type { Ask } from '../std/ask.ts';
import type { Clock } from '../std/clock.ts';
import { AppError, isAppError, toAppError } from '../std/errors.ts';
import { recentEntries } from '../std/recent.ts';
import type { BlobReader, ByteRange } from '../storage/store.ts';
import { withDeadline } from './deadline.ts';
import { attemptOf, subjectOf } from './fill.ts';
import { Flights, type Landed, type Work } from './flight.ts';
import { jittered, type ResolverLimits } from './limits.ts';
import type { Artifacts, Fetched, Sendable, StoredArtifact, Verifying } from './needs.ts';
import { Absences, notStored } from './negative.ts';
import type { ResolverObserver } from './observer.ts';
import type { ArtifactAnswer, CacheResult, Question } from './resolver.ts';
import type { ArtifactFiller } from './shared-fill.ts';
import { spaceOf } from './space.ts';
import { isNotHere, isNowhere } from './walk.ts';

interface ImmutablesParts {
  readonly artifacts: Artifacts;
  readonly filler: ArtifactFiller;
  readonly verifier: Verifying;
  readonly observer: ResolverObserver;
  readonly clock: Clock;
  readonly random: () => number;
  readonly limits: ResolverLimits;
  readonly admission: Admission;
  /** The highest version of the module that a list has told of, as far as it is in memory. */
  readonly newestKnown: (module: ModulePath, plan: RoutePlan) => Version | undefined;
  /** Told of each version of which something was stored just now. */
  readonly onFetched: (module: ModuleVersion, plan: RoutePlan) => void;
}

/** What the store said: an artifact, nothing, or that it could not tell. */
interface Looked {
  readonly found?: StoredArtifact;
  readonly failure?: AppError;
}

/** An info that answered another question, and where it came from. */
interface AdoptedInfo {
  readonly info: RevInfo;
  readonly source: string;
  readonly anchor: Anchor | undefined;
}

/** Keys of fills that ended a moment ago; who looked just before that must look again instead of fetching again. */
const RECENT_FILLS = 10_000;

/**
 * `.info` of canonical versions, `.mod` and `.zip`: from memory, else from the store, else by one shared fill. A hit takes no lock,
 * no turn and no upstream. Metadata and zips wait for their turns apart, so that a go.mod never queues behind zips.
 */
export class Immutables {
  readonly #parts: ImmutablesParts;
  readonly #metadata: Flights<Fetched<StoredArtifact>, Fetched>;
  readonly #zips: Flights<Fetched<StoredArtifact>, Fetched>;
  readonly #absences: Absences;
  readonly #recent: LRUCache<string, true>;

  constructor(parts: ImmutablesParts) {
    const { clock, limits, admission } = parts;
    this.#parts = parts;
    this.#metadata = new Flights(clock, limits, admission.metadata);
    this.#zips = new Flights(clock, limits, admission.zips);
    this.#absences = new Absences(clock, limits.negativeEntries);
    this.#recent = recentEntries(RECENT_FILLS);
  }

  /** The answer when it is in memory: no waiting, no promise. */
  inMemory(id: ArtifactId, plan: RoutePlan): ArtifactAnswer | undefined {
    const artifact = this.#parts.artifacts.inMemory(plan.scope, id);
    return artifact === undefined ? undefined : new Answer(artifact, 'hit');
  }

  /** See Resolver.artifact. A store that fails is a failure only when the artifact cannot be fetched either. */
  async answer(id: ArtifactId, q: Question): Promise<ArtifactAnswer> {
    const inMemory = this.inMemory(id, q.plan);
    if (inMemory !== undefined) return inMemory;
    const { found, failure } = await this.#look(q.plan.scope, id, q);
    const unstored = found === undefined ? this.#parts.filler.unstored(q.plan.scope, id) : undefined;
    if (unstored !== undefined) return new Answer(unstored, 'hit');
    if (found !== undefined)
      return new Answer(found, 'hit', q.mayFetch === 'yes' ? { replace: () => this.#replaced(found, q) } : {});
    if (q.mayFetch === 'no') throw failure ?? notStored(attemptOf(id));
    refuseImpossible(id);
    try {
      const { value, led } = await (q.accepts === 'arriving' ? this.#arriving(id, q) : this.#fetched(id, q));
      return new Answer(value.artifact, led ? 'miss' : 'joined', { level: value.level });
    } catch (error) {
      throw failure !== undefined && isAppError(error) && isNotHere(error) ? failure : error;
    }
  }

  /** Stores an info that answered another question (a branch, latest) under its own version, when it fits the path. Never rejects: it is a by-product. */
  async adoptInfo(module: ModulePath, { info, source, anchor }: AdoptedInfo, plan: RoutePlan, o: Ask): Promise<void> {
    const { scope } = plan;
    if (!isCanonicalFor(module, info.version)) return;
    const id: ArtifactId = { module: { path: module, version: info.version }, kind: 'info' };
    if (this.#parts.artifacts.inMemory(scope, id) !== undefined) return;
    const { clock, limits, filler, verifier } = this.#parts;
    const attempted = `store .info of ${module}@${info.version}`;
    try {
      const verified = verifier.info(id, withoutVolatileOrigin(info), source, { anchor });
      await withDeadline(
        { clock, ms: limits.storeDeadlineMs, signal: o.signal, attempted, code: 'STORE_UNAVAILABLE' },
        (signal) => filler.commit(scope, verified, { signal }),
      );
      this.#parts.onFetched(id.module, plan);
    } catch (error) {
      this.#tellTrouble('commit', id, toAppError(error, attempted));
    }
  }

  /** Stops what is under way; for the end of the process. */
  close(): void {
    this.#metadata.close();
    this.#zips.close();
  }

  /** Damaged bytes, and names too long to be stored, are as good as none. */
  async #look(scope: Scope, id: ArtifactId, o: Ask): Promise<Looked> {
    try {
      return { found: await this.#parts.artifacts.find(scope, id, o) };
    } catch (error) {
      if (!isAppError(error, 'STORE_UNAVAILABLE', 'STORE_CORRUPT', 'TOO_LARGE')) throw error;
      this.#tellTrouble('read', id, error);
      return error.code === 'STORE_UNAVAILABLE' ? { failure: error } : {};
    }
  }

  async #fetched(id: ArtifactId, q: Question): Promise<Landed<Fetched<StoredArtifact>>> {
    const { key, flights } = this.#flightOf(id, q.plan);
    return flights.join(key, (work) => this.#fill(key, id, q.plan, work), q);
  }

  /** The same, or what has come of it. */
  async #arriving(id: ArtifactId, q: Question): Promise<Landed<Fetched>> {
    const { key, flights } = this.#flightOf(id, q.plan);
    return flights.joinEarly(key, (work) => this.#fill(key, id, q.plan, work), q);
  }

  /** Where a fetch is shared. Throws what a source said a moment ago: that it is not there. */
  #flightOf(id: ArtifactId, plan: RoutePlan): { key: string; flights: Flights<Fetched<StoredArtifact>, Fetched> } {
    const key = `${spaceOf(plan)} ${id.kind} ${id.module.path}@${id.module.version}`;
    const absent = this.#absences.get(key);
    if (absent !== undefined) throw absent;
    return { key, flights: id.kind === 'zip' ? this.#zips : this.#metadata };
  }

  async #fill(key: string, id: ArtifactId, plan: RoutePlan, work: Work<Fetched>): Promise<Fetched<StoredArtifact>> {
    if (this.#recent.has(key)) {
      const { found } = await this.#look(plan.scope, id, work);
      if (found !== undefined) return { artifact: found, level: undefined };
    }
    try {
      const fetched = await this.#parts.filler.fill(plan, id, work);
      this.#recent.set(key, true);
      this.#parts.onFetched(id.module, plan);
      return fetched;
    } catch (error) {
      if (isAppError(error) && isNotHere(error)) this.#absences.remember(key, error, this.#absenceMs(id, plan, error));
      throw error;
    }
  }

  /** Short, and never past its bound, for what may be a tag that was made a moment ago, and for what somebody may have who could not be asked. */
  #absenceMs({ module }: ArtifactId, plan: RoutePlan, absence: AppError): number {
    const { limits, random, newestKnown } = this.#parts;
    const newest = newestKnown(module.path, plan);
    const mayBeNew = newest === undefined || compareVersions(module.version, newest) > 0;
    if (!mayBeNew && isNowhere(absence)) return jittered(limits.negativeVersionMs, limits.jitter, random);
    return Math.min(limits.negativeNewVersionMs, jittered(limits.negativeNewVersionMs, limits.jitter, random));
  }

  /** The same bytes again, when what the store holds turned out to be damaged at the moment of reading. */
  async #replaced(damaged: StoredArtifact, q: Question): Promise<StoredArtifact | undefined> {
    const { found } = await this.#look(q.plan.scope, damaged.id, q);
    const sound = found ?? (await this.#fetched(damaged.id, q)).value.artifact;
    return sound.record.sha256 === damaged.record.sha256 ? sound : undefined;
  }

  #tellTrouble(operation: 'read' | 'commit', id: ArtifactId, { code, message }: AppError): void {
    this.#parts.observer.onStoreTrouble?.({ operation, code, message, subject: subjectOf(id) });
  }
}

/** What no source can have is not asked for. */
function refuseImpossible(id: ArtifactId): void {
  const { path, version } = id.module;
  if (isCanonicalFor(path, version)) return;
  throw new AppError('NOT_FOUND', `${attemptOf(id)}: not a canonical version of this module`);
}

interface Provenance {
  /** Of the ladder, when it was fetched. */
  readonly level?: Level | undefined;
  /** The same bytes again, should what is stored turn out to be damaged. */
  readonly replace?: () => Promise<StoredArtifact | undefined>;
}

const NOTHING_MORE: Provenance = {};

class Answer implements ArtifactAnswer {
  readonly result: CacheResult;
  readonly source: string;
  readonly sizeBytes: number;
  readonly sha256: string | undefined;
  readonly bytes?: Uint8Array;
  readonly level: Level | undefined;
  readonly #artifact: Sendable;
  readonly #replace: (() => Promise<StoredArtifact | undefined>) | undefined;

  constructor(artifact: Sendable, result: CacheResult, { level, replace }: Provenance = NOTHING_MORE) {
    this.level = level;
    this.result = result;
    this.source = artifact.record.source;
    this.sizeBytes = artifact.record.sizeBytes;
    this.sha256 = artifact.record.sha256;
    this.bytes = artifact.bytes;
    this.#artifact = artifact;
    this.#replace = replace;
  }

  async open(o: Ask & { readonly range?: ByteRange }): Promise<BlobReader> {
    try {
      return await this.#artifact.open(o);
    } catch (error) {
      if (this.#replace === undefined || !isAppError(error, 'STORE_CORRUPT')) throw error;
      const sound = await this.#replace();
      if (sound === undefined) throw error;
      return sound.open(o);
    }
  }
}
