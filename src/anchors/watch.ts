import type { Anchor } from '../gomod/anchor.ts';
import type { AnchorLine } from '../gomod/anchor-file.ts';
import { escapePath, escapeVersion } from '../gomod/module.ts';
import type { Ask } from '../std/ask.ts';
import type { Clock } from '../std/clock.ts';
import { messageOf } from '../std/errors.ts';
import type { VerifyObserver } from '../verify/observer.ts';
import { type AnchorFinding, type DriftState, findDrift, isDrift, type LookAt } from './drift.ts';

/** What a scheduled look is made of. */
export interface AnchorWatchParts {
  /** All anchors that are stored, as of now. Rejects with STORE_UNAVAILABLE. */
  readonly stored: (o: Ask) => Promise<Iterable<AnchorLine>>;
  readonly lookAt: LookAt;
  /** Between the end of one round and the beginning of the next, give or take a tenth. */
  readonly everyMs: number;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly observer: VerifyObserver;
  /** Told of a round that could not be done, or not wholly. */
  readonly onTrouble: (message: string) => void;
}

/** How many versions stand how, after the last round. */
export interface AnchorCounts {
  readonly held: number;
  readonly drifted: number;
  readonly unknown: number;
}

/**
 * Asks the repositories from time to time whether their tags are where they were. What moved is a security event, once for each place that it moved to; what is stored
 * stays as it is and is served. The first round begins after one interval: a restart is no reason to ask everybody.
 */
export class AnchorWatch {
  readonly #parts: AnchorWatchParts;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  /** What was told of, by anchor; of those that still drift. */
  #told = new Map<string, string>();
  #counts: AnchorCounts = { held: 0, drifted: 0, unknown: 0 };

  /** Begins at once. */
  constructor(parts: AnchorWatchParts) {
    this.#parts = parts;
    this.#running = this.#run({ signal: this.#stop.signal });
  }

  get counts(): AnchorCounts {
    return this.#counts;
  }

  /** Ends what is under way. Never rejects. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(o: Ask): Promise<void> {
    const { clock, everyMs, random, onTrouble } = this.#parts;
    while (!o.signal.aborted) {
      await clock.sleep(everyMs * (0.9 + random() / 5), o).catch(() => undefined);
      if (o.signal.aborted) return;
      await this.#round(o).catch((error: unknown) => {
        if (!o.signal.aborted) onTrouble(`compare stored versions with their repositories: ${messageOf(error)}`);
      });
    }
  }

  async #round(o: Ask): Promise<void> {
    const { stored, lookAt, onTrouble } = this.#parts;
    const counts = { held: 0, drifted: 0, unknown: 0 };
    const told = new Map<string, string>();
    const silent = new Set<string>();
    for await (const finding of findDrift(await stored(o), { ...o, lookAt, reads: 'refs' })) {
      const { state } = finding;
      counts[isDrift(state) ? 'drifted' : state]++;
      const news = isDrift(state) ? `${state} ${finding.now ?? ''}` : undefined;
      // While a repository is silent, what it said before is no news.
      const known = state === 'unknown' ? this.#told.get(keyOf(finding)) : news;
      if (known !== undefined) told.set(keyOf(finding), known);
      if (isDrift(state) && this.#told.get(keyOf(finding)) !== news) this.#tell(finding, state);
      const why = finding.why?.message;
      if (why !== undefined && !silent.has(why)) onTrouble(why);
      if (why !== undefined) silent.add(why);
    }
    this.#told = told;
    this.#counts = counts;
  }

  #tell({ module, anchor, now }: AnchorFinding, state: DriftState): void {
    const subject = `${escapePath(module.path)}@${escapeVersion(module.version)}`;
    const { tag, commit, url } = anchor;
    this.#parts.observer.onSecurityEvent({
      kind: 'origin-drift',
      subject,
      message: `${module.path}@${module.version} was made from ${commit}, and ${inWords(anchor, state, now)}; what is stored stays as it is`,
      detail: { url, tag, commit, state, now },
    });
  }
}

/** Of one version there may be several anchors. */
function keyOf({ module, anchor }: AnchorFinding): string {
  return `${module.path}@${module.version} ${anchor.commit} ${anchor.url}`;
}

/** What the repository says now. */
function inWords({ url, tag, commit }: Anchor, state: DriftState, now: string | undefined): string {
  switch (state) {
    case 'moved':
      return `tag ${tag} of ${url} is on ${now} now`;
    case 'deleted':
      return `tag ${tag} of ${url} is gone`;
    case 'lost':
      return `no branch or tag of ${url} leads to it any more`;
    case 'differs':
      return `in ${url} ${commit} has the tree ${now}`;
  }
}
