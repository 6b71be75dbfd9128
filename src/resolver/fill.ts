import { sha256Hex } from '../gomod/sha256.ts';
import { type ArtifactId, escapePath, escapeVersion } from '../gomod/module.ts';
import { withoutVolatileOrigin } from '../gomod/rev-info.ts';
import { MAX_ZIP_BYTES } from '../gomod/zip/limits.ts';
import type { RoutePlan } from '../policy/plan.ts';
import type { Source, Spool, VersionAsk } from '../sources/source.ts';
import { type Ask, throwIfAborted } from '../std/ask.ts';
import type { Clock } from '../std/clock.ts';
import { type AppError, isAppError, toAppError } from '../std/errors.ts';
import { memoryBody, type Spooled } from '../std/spooled.ts';
import type { Verified } from '../verify/verified.ts';
import type { Consultant } from './consult.ts';
import type { Got, LevelledAttempt } from './put.ts';
import { withDeadline } from './deadline.ts';
import { Delivery, type Turn } from './delivery.ts';
import type { Work } from './flight.ts';
import type { ResolverLimits } from './limits.ts';
import type { Artifacts, Fetched, Spools, StoredArtifact, Verifying } from './needs.ts';
import type { ResolverObserver, StoreTrouble } from './observer.ts';
import { ORIGIN, proveOrigin, requireProven } from './origin.ts';
import { storedAnchor } from './stored-anchor.ts';
import type { Unstored } from './unstored.ts';

interface FillerParts {
  readonly artifacts: Artifacts;
  readonly consultant: Consultant;
  readonly verifier: Verifying;
  readonly spools: Spools;
  readonly unstored: Unstored;
  readonly observer: ResolverObserver;
  readonly clock: Clock;
  readonly limits: ResolverLimits;
}

/** Gets one artifact from the plan: source, spool, checks, commit. Each kind on its own: a question about a go.mod never moves a zip. */
export class Filler {
  readonly #parts: FillerParts;

  constructor(parts: FillerParts) {
    this.#parts = parts;
  }

  /**
   * The artifact, committed; or readable without being stored when only the store failed. Bytes that contradict what was committed
   * before are a failure of their source: the next one is asked. Rejects with the failure of the walk, or UPSTREAM_TIMEOUT.
   */
  async fill(plan: RoutePlan, id: ArtifactId, work: Work<Fetched>): Promise<Fetched<StoredArtifact>> {
    const delivery = new Delivery({ id, work, aboveBytes: this.#parts.limits.streamAboveBytes });
    try {
      const fetched = await this.#walk(plan, id, work, delivery);
      delivery.end();
      return fetched;
    } catch (error) {
      delivery.end(toAppError(error, attemptOf(id)));
      throw error;
    }
  }

  /** What could not be stored but is still at hand. */
  unstored(scope: string, id: ArtifactId): StoredArtifact | undefined {
    return this.#parts.unstored.find(scope, id);
  }

  /** Stores `verified`, or keeps it readable for a while when the store cannot. Owns its body from here on. */
  async commit(scope: string, verified: Verified, o: Ask): Promise<StoredArtifact> {
    let isHeld = false;
    try {
      return await this.#parts.artifacts.commit(scope, verified, o);
    } catch (error) {
      if (!isAppError(error, 'STORE_UNAVAILABLE', 'STORE_CORRUPT', 'CONFLICT', 'TOO_LARGE')) throw error;
      this.#tellTrouble('commit', verified.id, error);
      const kept = this.#parts.unstored.keep(scope, verified);
      if (kept === undefined) throw error;
      isHeld = true;
      return kept;
    } finally {
      if (!isHeld) await verified.body.discard();
    }
  }

  #walk(plan: RoutePlan, id: ArtifactId, work: Work<Fetched>, delivery: Delivery): Promise<Fetched<StoredArtifact>> {
    const { clock, limits, consultant, verifier } = this.#parts;
    const ms = deadlineMs(id, limits);
    const attempted = attemptOf(id);
    const question = {
      kind: id.kind,
      key: id.module.path,
      subject: subjectOf(id),
      attempted,
      isPatient: true,
      ask: (source: Source, o: LevelledAttempt) =>
        this.#fillFrom(source, plan.scope, id, {
          ...o,
          anchored: () => storedAnchor(this.#parts.artifacts, plan.scope, id.module, o),
          progress: (share) => work.progress(share),
          turn: delivery.turn(source.name, o.level),
        }),
    };
    return withDeadline({ clock, ms, signal: work.signal, attempted }, async (signal) => {
      if (id.kind !== 'info') verifier.anticipate(id.module, { signal });
      const { value, level } = await consultant.first(plan, question, { signal });
      return { artifact: value, level };
    });
  }

  /** Of several members that are asked at a time only the one that has begun first commits: from then on the signals of the others have fired. */
  async #fillFrom(source: Source, scope: string, id: ArtifactId, work: Filling): Promise<Got<StoredArtifact>> {
    try {
      const verified = await this.#verified(source, scope, id, work);
      work.progress(1);
      const { sha256, sizeBytes } = verified.body;
      const value = await this.commit(scope, verified, work);
      work.turn.landed(value, sha256);
      return { value, sizeBytes };
    } catch (error) {
      work.turn.failed(toAppError(error, attemptOf(id)));
      throw error;
    }
  }

  #verified(source: Source, scope: string, id: ArtifactId, work: Filling): Promise<Verified> {
    switch (id.kind) {
      case 'info':
        return this.#info(source, id, work);
      case 'mod':
        return this.#mod(source, scope, id, work);
      case 'zip':
        return this.#zip(source, scope, id, work);
    }
  }

  async #info(source: Source, id: ArtifactId, o: Filling): Promise<Verified> {
    const { unverified, anchor } = await source.query(id.module.path, id.module.version, o);
    if (o.level === ORIGIN) await proveOrigin({ source, module: id.module, anchor, verifier: this.#parts.verifier }, o);
    begin(o);
    return this.#parts.verifier.info(id, withoutVolatileOrigin(unverified), source.name, { anchor });
  }

  async #mod(source: Source, scope: string, id: ArtifactId, o: Filling): Promise<Verified> {
    const { unverified, anchor } = await source.mod(id.module, o);
    begin(o);
    const body = memoryBody(unverified, sha256Hex(unverified));
    try {
      const verified = await this.#parts.verifier.mod(id, body, source.name, { signal: o.signal, anchor });
      if (o.level === ORIGIN) requireProven(verified);
      return verified;
    } catch (error) {
      await this.#keepIfWrong(error, { scope, id, body, source: source.name }, o);
      throw error;
    }
  }

  async #zip(source: Source, scope: string, id: ArtifactId, work: Filling): Promise<Verified> {
    const { spools, verifier } = this.#parts;
    const spool = metered(spools.spool(MAX_ZIP_BYTES, `zip of ${id.module.path}@${id.module.version}`), work);
    const { unverified: body, anchor, claimedH1 } = await source.zip(id.module, spool, work);
    try {
      throwIfAborted(work.signal);
      const verified = await verifier.zip(id, body, source.name, { signal: work.signal, anchor, claimedH1 });
      if (work.level === ORIGIN) requireProven(verified);
      await work.turn.compared();
      throwIfAborted(work.signal);
      return verified;
    } catch (error) {
      await this.#keepIfWrong(error, { scope, id, body, source: source.name }, work);
      await body.discard();
      throw error;
    }
  }

  /** Bytes that are well-formed but not the ones somebody vouched for are evidence. Never rejects. */
  async #keepIfWrong(error: unknown, { scope, id, body, source }: Refused, o: Ask): Promise<void> {
    if (!isAppError(error, 'CHECKSUM_MISMATCH')) return;
    try {
      await this.#parts.artifacts.keepRefused(scope, id, body, { reason: error.message, source }, o);
    } catch (failure) {
      this.#tellTrouble('quarantine', id, toAppError(failure, `keep the refused .${id.kind} of ${subjectOf(id)}`));
    }
  }

  #tellTrouble(operation: StoreTrouble['operation'], id: ArtifactId, { code, message }: AppError): void {
    this.#parts.observer.onStoreTrouble?.({ operation, code, message, subject: subjectOf(id) });
  }
}

/** What one source's turn needs. */
interface Filling extends LevelledAttempt, VersionAsk, Pick<Work, 'progress'> {
  readonly turn: Turn;
}

interface Refused {
  readonly scope: string;
  readonly id: ArtifactId;
  readonly body: Spooled;
  readonly source: string;
}

/** The source has done what its time was for. Throws when another has been first: its bytes are not wanted any more. */
function begin(work: LevelledAttempt): void {
  throwIfAborted(work.signal);
  work.begun();
  throwIfAborted(work.signal);
}

/** Whole time for one artifact. A go.mod is small and its proof may take long; a zip's time has room for both. */
function deadlineMs({ kind }: ArtifactId, limits: ResolverLimits): number {
  if (kind === 'zip') return limits.zipDeadlineMs;
  return kind === 'mod' ? limits.metadataDeadlineMs + limits.proofMs : limits.metadataDeadlineMs;
}

/** The fetch in words, for messages. */
export function attemptOf(id: ArtifactId): string {
  return `fetch .${id.kind} of ${id.module.path}@${id.module.version}`;
}

/** The artifact's module and version in escaped form, for logs. */
export function subjectOf(id: ArtifactId): string {
  return `${escapePath(id.module.path)}@${escapeVersion(id.module.version)}`;
}

/** `spool`, telling `work` that the body has begun, and how much of the announced size has come. */
function metered(spool: Spool, work: Filling): Spool {
  return {
    fill: (body, o): Promise<Spooled> => {
      const expected = o.expectedBytes ?? 0;
      const tell = (bytes: number): void => {
        begin(work);
        if (expected > 0) work.progress(Math.min(1, bytes / expected));
      };
      return spool.fill(counted(body, tell), work.turn.watching(o));
    },
  };
}

async function* counted(body: AsyncIterable<Uint8Array>, tell: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    tell(bytes);
    yield chunk;
  }
}
