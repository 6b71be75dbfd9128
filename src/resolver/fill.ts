import { sha256Hex } from '../gomod/sha256.ts';
import { type ArtifactId, escapePath, escapeVersion } from '../gomod/module.ts';
import { withoutVolatileOrigin } from '../gomod/rev-info.ts';
import type { RoutePlan } from '../policy/plan.ts';
import type { Source, Spool } from '../sources/source.ts';
import { type Ask, throwIfAborted } from '../std/ask.ts';
import type { Clock } from '../std/clock.ts';
import { AppError, isAppError } from '../std/errors.ts';
import type { Spooled, SpooledMemory } from '../std/spooled.ts';
import type { Verified } from '../verify/verified.ts';
import type { Consultant, Got } from './consult.ts';
import { withDeadline } from './deadline.ts';
import type { Work } from './flight.ts';
import type { ResolverLimits } from './limits.ts';
import type { Artifacts, Spools, StoredArtifact, Verifying } from './needs.ts';
import type { ResolverObserver } from './observer.ts';

import type { Unstored } from './unstored.ts';

/** The largest module zip that Go accepts, bytes. */
const MAX_ZIP_BYTES = 500 * 1024 * 1024;

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

  /** The artifact, committed; or readable without being stored when only the store failed. Rejects with the failure of the walk, or UPSTREAM_TIMEOUT. */
  fill(plan: RoutePlan, id: ArtifactId, work: Work): Promise<StoredArtifact> {
    const { clock, limits } = this.#parts;
    const ms = id.kind === 'zip' ? limits.zipDeadlineMs : limits.metadataDeadlineMs;
    const bound = { clock, ms, signal: work.signal, attempted: attemptOf(id) };
    return withDeadline(bound, async (signal) => {
      const verified = await this.#verified(plan, id, { ...work, signal });
      work.progress(1);
      return this.commit(plan.scope, verified, { signal });
    });
  }

  /** Stores `verified`, or keeps it readable for a while when the store cannot. Owns its body from here on. */
  async commit(scope: string, verified: Verified, o: Ask): Promise<StoredArtifact> {
    let isHeld = false;
    try {
      return await this.#store(scope, verified, o);
    } catch (error) {
      if (!isAppError(error, 'STORE_UNAVAILABLE', 'STORE_CORRUPT')) throw error;
      this.#parts.observer.onStoreTrouble?.({
        operation: 'commit',
        code: error.code,
        message: error.message,
        subject: subjectOf(verified.id),
      });
      const kept = this.#parts.unstored.keep(verified);
      if (kept === undefined) throw error;
      isHeld = true;
      return kept;
    } finally {
      if (!isHeld) await verified.body.discard();
    }
  }

  /** A damaged leftover in the way is put aside once. */
  async #store(scope: string, verified: Verified, o: Ask): Promise<StoredArtifact> {
    try {
      return await this.#parts.artifacts.commit(scope, verified, o);
    } catch (error) {
      if (!isAppError(error, 'STORE_CORRUPT')) throw error;
      await this.#parts.artifacts.quarantine(scope, verified.id, error.message, o);
      return this.#parts.artifacts.commit(scope, verified, o);
    }
  }

  async #verified(plan: RoutePlan, id: ArtifactId, work: Work): Promise<Verified> {
    const ask = { info: askInfo, mod: askMod, zip: askZip }[id.kind];
    const question = {
      kind: id.kind,
      subject: subjectOf(id),
      attempted: attemptOf(id),
      ask: (source: Source, o: Ask): Promise<Got<Verified>> =>
        ask(this.#parts, id, source, { ...work, signal: o.signal }),
    };
    return (await this.#parts.consultant.first(plan.steps, question, work)).value;
  }
}

/** The fetch in words, for messages. */
export function attemptOf(id: ArtifactId): string {
  return `fetch .${id.kind} of ${id.module.path}@${id.module.version}`;
}

/** The artifact's module and version in escaped form, for logs. */
export function subjectOf(id: ArtifactId): string {
  return `${escapePath(id.module.path)}@${escapeVersion(id.module.version)}`;
}

async function askInfo({ verifier }: FillerParts, id: ArtifactId, source: Source, o: Ask): Promise<Got<Verified>> {
  const { unverified } = await source.query(id.module.path, id.module.version, o);
  if (unverified.version !== id.module.version) {
    throw new AppError(
      'UPSTREAM_BAD_RESPONSE',
      `${attemptOf(id)} from ${source.name}: it told of ${unverified.version}`,
    );
  }
  const verified = verifier.info(id, withoutVolatileOrigin(unverified), source.name);
  return { value: verified, sizeBytes: verified.body.sizeBytes };
}

async function askMod({ verifier }: FillerParts, id: ArtifactId, source: Source, o: Ask): Promise<Got<Verified>> {
  const { unverified } = await source.mod(id.module, o);
  const value = await verifier.mod(id, inMemory(unverified), source.name, o);
  return { value, sizeBytes: unverified.byteLength };
}

async function askZip(
  { verifier, spools }: FillerParts,
  id: ArtifactId,
  source: Source,
  work: Work,
): Promise<Got<Verified>> {
  const spool = metered(spools.spool(MAX_ZIP_BYTES, `zip of ${id.module.path}@${id.module.version}`), work);
  const { unverified: body, claimedH1 } = await source.zip(id.module, spool, work);
  try {
    throwIfAborted(work.signal);
    const value = await verifier.zip(id, body, source.name, { signal: work.signal, ...(claimedH1 && { claimedH1 }) });
    throwIfAborted(work.signal);
    return { value, sizeBytes: body.sizeBytes };
  } catch (error) {
    await body.discard();
    throw error;
  }
}

function inMemory(bytes: Uint8Array): SpooledMemory {
  return {
    kind: 'memory',
    bytes,
    sizeBytes: bytes.byteLength,
    sha256: sha256Hex(bytes),
    discard: async () => undefined,
  };
}

/** `spool`, telling `work` how much of the announced size has come. */
function metered(spool: Spool, work: Work): Spool {
  return {
    fill: (body, o): Promise<Spooled> => {
      const expected = o.expectedBytes ?? 0;
      return spool.fill(
        expected > 0 ? counted(body, (bytes) => work.progress(Math.min(1, bytes / expected))) : body,
        o,
      );
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
