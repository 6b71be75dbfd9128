import type { Anchor } from '../gomod/anchor.ts';
import type { AnchorLine } from '../gomod/anchor-file.ts';
import { escapePath, escapeVersion } from '../gomod/module.ts';
import type { Ask } from '../std/ask.ts';
import type { Clock } from '../std/clock.ts';
import { messageOf } from '../std/errors.ts';
import type { VerifyObserver } from '../verify/observer.ts';
import { type AnchorFinding, type DriftState, findDrift, isDrift, type LookAt } from './drift.ts';
import type { AnchorCounts, AnchorRound, RoundMemory } from './round.ts';

/** What a scheduled look is made of. */
export interface AnchorWatchParts {
  /** All anchors that are stored, as of now. Rejects with STORE_UNAVAILABLE. */
  readonly stored: (o: Ask) => Promise<Iterable<AnchorLine>>;
  readonly lookAt: LookAt;
  readonly memory: RoundMemory;
  /** Between the end of one round and the beginning of the next, give or take a tenth. */
  readonly everyMs: number;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly observer: VerifyObserver;
  /** Told of a round that could not be done, or not wholly. */
  readonly onTrouble: (message: string) => void;
}

/**
 * Asks the repositories from time to time whether their tags are where they were. What moved is a security event, once for each place that it moved to; what is stored
 * stays as it is and is served. A restart is no reason to ask everybody, nor to tell again: the first round begins one interval after the last one before it.
 */
export class AnchorWatch {
  readonly #parts: AnchorWatchParts;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  /** The last one: its counts, and what was told of those that still drift. */
  #last: Pick<AnchorRound, 'counts' | 'told'> & { readonly at?: number } = {
    counts: { held: 0, drifted: 0, unknown: 0 },
    told: new Map(),
  };

  /** Begins at once. */
  constructor(parts: AnchorWatchParts) {
    this.#parts = parts;
    this.#running = this.#run({ signal: this.#stop.signal });
  }

  /** After the last round. */
  get counts(): AnchorCounts {
    return this.#last.counts;
  }

  /** When the last round ended, wall time in ms; undefined before the first. */
  get lastAt(): number | undefined {
    return this.#last.at;
  }

  /** Ends what is under way. Never rejects. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(o: Ask): Promise<void> {
    const { clock, everyMs, random } = this.#parts;
    let passedMs = await this.#remember(o);
    while (!o.signal.aborted) {
      await clock.sleep(Math.max(0, everyMs * (0.9 + random() / 5) - passedMs), o).catch(() => undefined);
      if (!o.signal.aborted) await this.#attempt(() => this.#round(o), o);
      passedMs = 0;
    }
  }

  /** Takes up the last round before the start; returns how long ago that was, in ms. The first start of all counts as a round. */
  async #remember(o: Ask): Promise<number> {
    const { clock, memory, everyMs } = this.#parts;
    let passedMs = 0;
    await this.#attempt(async () => {
      const last = await memory.load(o);
      if (last === undefined) return await memory.save({ ...this.#last, at: clock.now() }, o);
      this.#last = last;
      passedMs = Math.min(Math.max(0, clock.now() - last.at), everyMs);
    }, o);
    return passedMs;
  }

  async #attempt(work: () => Promise<void>, { signal }: Ask): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!signal.aborted)
        this.#parts.onTrouble(`compare stored versions with their repositories: ${messageOf(error)}`);
    }
  }

  async #round(o: Ask): Promise<void> {
    const { stored, lookAt, memory, clock, onTrouble } = this.#parts;
    const counts = { held: 0, drifted: 0, unknown: 0 };
    const told = new Map<string, string>();
    const silent = new Set<string>();
    for await (const finding of findDrift(await stored(o), { ...o, lookAt, reads: 'refs' })) {
      const { state } = finding;
      counts[isDrift(state) ? 'drifted' : state]++;
      const news = isDrift(state) ? `${state} ${finding.now ?? ''}` : undefined;
      // While a repository is silent, what it said before is no news.
      const known = state === 'unknown' ? this.#last.told.get(keyOf(finding)) : news;
      if (known !== undefined) told.set(keyOf(finding), known);
      if (isDrift(state) && this.#last.told.get(keyOf(finding)) !== news) this.#tell(finding, state);
      const why = finding.why?.message;
      if (why !== undefined && !silent.has(why)) onTrouble(why);
      if (why !== undefined) silent.add(why);
    }
    const round = { at: clock.now(), counts, told };
    this.#last = round;
    await memory.save(round, o);
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
