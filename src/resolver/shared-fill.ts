import { type Holder, isLease, type Lease, type Leases } from '../coordination/lease.ts';
import { sha256Hex } from '../gomod/sha256.ts';
import type { ArtifactId } from '../gomod/module.ts';
import type { RoutePlan, Scope } from '../policy/plan.ts';
import { type Ask, throwIfAborted, waitFor } from '../std/ask.ts';
import { encodeUtf8 } from '../std/bytes.ts';
import type { Clock } from '../std/clock.ts';
import type { Filler } from './fill.ts';
import type { Work } from './flight.ts';
import { jittered } from './limits.ts';
import type { Artifacts, Fetched, StoredArtifact } from './needs.ts';

/** What gets artifacts that are not stored: the filler itself, or one that shares its work with other processes. */
export type ArtifactFiller = Pick<Filler, 'fill' | 'unstored' | 'commit'>;

interface SharedFillerParts {
  readonly filler: ArtifactFiller;
  readonly artifacts: Artifacts;
  readonly leases: Leases;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
}

/** How a fill begins: with the work leased, with what another process stored meanwhile, or alone, because there is no lease to be had or nobody to wait for. */
type Beginning = { readonly lease?: Lease; readonly found?: StoredArtifact };

/** Between two looks at what another process does, ms: from, to, and how much one differs from the next. */
const [FIRST_LOOK_MS, LAST_LOOK_MS, LOOK_JITTER] = [50, 500, 0.2];
/** A holder that does not get on for twice the usual time of a fetch, within these bounds, is waited for no longer. */
const [LEAST_PATIENCE_MS, MOST_PATIENCE_MS] = [1000, 5000];
/** However well it gets on: a reverse proxy waits a minute for the first byte, and what is fetched here can be sent while it comes. */
const LONGEST_WAIT_MS = 30_000;
/** For one look at the lease. A file system that hangs costs this once, and then nothing for a while. */
const LEASE_MS = 1000;
const TROUBLE_MS = 5000;
const WEIGHT_OF_NEWEST = 0.2;

/**
 * Fills of which several processes on one store do each once: who has the lease of an artifact fetches it, the others look in the store for it. For efficiency alone: a holder that dies, stops or is
 * slow, and leases that cannot be had, cost a fetch more and never an answer. Commits are put-if-absent as ever.
 */
export class SharedFiller implements ArtifactFiller {
  readonly #parts: SharedFillerParts;
  /** How long fetches of each kind took lately, ms. */
  readonly #usualMs = new Map<ArtifactId['kind'], number>();
  /** Monotonic ms; until then leases are not tried. */
  #troubledUntil = Number.NEGATIVE_INFINITY;

  constructor(parts: SharedFillerParts) {
    this.#parts = parts;
  }

  async fill(plan: RoutePlan, id: ArtifactId, work: Work<Fetched>): Promise<Fetched<StoredArtifact>> {
    const { lease, found } = await this.#begin(plan.scope, id, work);
    // Whatever level the other process found it on: here it came from a folder of this machine.
    if (found !== undefined) return { artifact: found, level: undefined };
    const begun = this.#parts.clock.monotonic();
    try {
      const fetched = await this.#parts.filler.fill(plan, id, lease === undefined ? work : telling(work, lease));
      this.#remember(id.kind, this.#parts.clock.monotonic() - begun);
      return fetched;
    } finally {
      void lease?.release();
    }
  }

  unstored(scope: string, id: ArtifactId): StoredArtifact | undefined {
    return this.#parts.filler.unstored(scope, id);
  }

  commit(...args: Parameters<ArtifactFiller['commit']>): Promise<StoredArtifact> {
    return this.#parts.filler.commit(...args);
  }

  /** Rejects when the work's own signal fires, and for nothing else. */
  async #begin(scope: Scope, id: ArtifactId, o: Ask): Promise<Beginning> {
    const { clock, random } = this.#parts;
    const patience = new Patience(clock, this.#patienceMs(id.kind));
    for (let pauseMs = FIRST_LOOK_MS; ; pauseMs = Math.min(2 * pauseMs, LAST_LOOK_MS)) {
      const got = await this.#tryHold(leaseName(scope, id), o);
      if (got === undefined) return {};
      if (isLease(got)) return await this.#unlessStored(got, scope, id, o);
      if (patience.isOver(got)) return {};
      await clock.sleep(jittered(pauseMs, LOOK_JITTER, random), o);
      const found = await this.#find(scope, id, o);
      if (found !== undefined) return { found };
    }
  }

  /** Who had the lease before may have stored it since we looked. */
  async #unlessStored(lease: Lease, scope: Scope, id: ArtifactId, o: Ask): Promise<Beginning> {
    try {
      const found = await this.#find(scope, id, o);
      if (found === undefined) return { lease };
      void lease.release();
      return { found };
    } catch (error) {
      void lease.release();
      throw error;
    }
  }

  /** Undefined when leases cannot be had. */
  async #tryHold(name: string, o: Ask): Promise<Lease | Holder | undefined> {
    const { clock, leases } = this.#parts;
    if (clock.monotonic() < this.#troubledUntil) return undefined;
    const late = new AbortController();
    const cancel = clock.after(LEASE_MS, () => late.abort());
    const signal = AbortSignal.any([o.signal, late.signal]);
    const trying = leases.tryHold(name, { signal });
    try {
      return await waitFor(trying, signal);
    } catch {
      // Should it come after all, nobody has a use for it.
      trying.then((got) => (isLease(got) ? got.release() : undefined)).catch(() => undefined);
      throwIfAborted(o.signal);
      this.#troubledUntil = clock.monotonic() + TROUBLE_MS;
      return undefined;
    } finally {
      cancel();
    }
  }

  /** A store that cannot tell is told of by those who must know: the look before, and the commit after. */
  async #find(scope: Scope, id: ArtifactId, o: Ask): Promise<StoredArtifact | undefined> {
    try {
      return await this.#parts.artifacts.find(scope, id, o);
    } catch {
      throwIfAborted(o.signal);
      return undefined;
    }
  }

  #patienceMs(kind: ArtifactId['kind']): number {
    const usualMs = this.#usualMs.get(kind) ?? MOST_PATIENCE_MS;
    return Math.min(MOST_PATIENCE_MS, Math.max(LEAST_PATIENCE_MS, 2 * usualMs));
  }

  #remember(kind: ArtifactId['kind'], tookMs: number): void {
    const before = this.#usualMs.get(kind) ?? tookMs;
    this.#usualMs.set(kind, before + WEIGHT_OF_NEWEST * (tookMs - before));
  }
}

/** How long another process is waited for: as long as it gets on, within bounds. */
class Patience {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #begun: number;
  #movedAt: number;
  #share = -1;

  constructor(clock: Clock, ms: number) {
    this.#clock = clock;
    this.#ms = ms;
    this.#begun = clock.monotonic();
    this.#movedAt = this.#begun;
  }

  isOver({ share }: Holder): boolean {
    const now = this.#clock.monotonic();
    if (share !== this.#share) this.#movedAt = now;
    this.#share = share;
    return now - this.#movedAt >= this.#ms || now - this.#begun >= LONGEST_WAIT_MS;
  }
}

/** Names of leases follow the grammar of keys and are at most as long; those of modules may be longer. */
function leaseName(scope: Scope, { module, kind }: ArtifactId): string {
  return `fill/${sha256Hex(encodeUtf8(`${scope} ${kind} ${module.path}@${module.version}`))}`;
}

/** `work`, of which others hear how far it is. */
function telling(work: Work<Fetched>, lease: Lease): Work<Fetched> {
  return {
    signal: work.signal,
    progress: (share) => {
      lease.progress(share);
      work.progress(share);
    },
    offer: (value) => work.offer(value),
    hold: () => work.hold(),
  };
}
