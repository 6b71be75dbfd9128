import type { ModuleVersion } from '../gomod/module.ts';
import type { Ask } from '../std/ask.ts';
import type { Clock } from '../std/clock.ts';
import type { Expectation } from './expectation.ts';
import { subjectOf } from './expectations.ts';
import type { VerifyObserver } from './observer.ts';
import type { Unproven, Verification } from './verified.ts';

/** The stored artifacts, as far as they are concerned. */
export interface UnprovenArtifacts {
  /** Writes into the record why the artifact is believed from now on. */
  reverified(one: Unproven, verification: Verification, o: Ask): Promise<void>;
  /** Takes the artifact away, to where evidence is kept. */
  refute(one: Unproven, reason: string, o: Ask): Promise<void>;
}

/** Everything that proving later is made of. */
export interface ReproverParts {
  readonly waiting: WaitingList;
  readonly artifacts: UnprovenArtifacts;
  /** ProvenExpectations.once: rejects whatever the reason that nothing was proven. */
  readonly ask: (kind: 'mod' | 'zip', module: ModuleVersion, o: Ask) => Promise<Expectation>;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly observer: VerifyObserver;
}

/** Artifacts that wait. What finds no room is heard of again when it is next read from the store. */
const MOST_WAITING = 10_000;
/** Between two attempts that failed: the first wait, and the longest. */
const FIRST_WAIT_MS = 5000;
const LONGEST_WAIT_MS = 5 * 60_000;

/** The artifacts that are still to be proven, each once, oldest first; bounded. */
export class WaitingList {
  readonly #waiting = new Map<string, Unproven>();
  #wake: () => void = () => undefined;

  /** How many wait. */
  get size(): number {
    return this.#waiting.size;
  }

  add(one: Unproven): void {
    const key = keyOf(one);
    if (this.#waiting.size >= MOST_WAITING && !this.#waiting.has(key)) return;
    this.#waiting.set(key, one);
    this.#wake();
  }

  /** The next one, which leaves the list; waits for one when there is none. Undefined when the signal fires first. For one taker. */
  async take({ signal }: Ask): Promise<Unproven | undefined> {
    while (!signal.aborted) {
      const [next] = this.#waiting;
      if (next !== undefined) {
        this.#waiting.delete(next[0]);
        return next[1];
      }
      await this.#added(signal);
    }
    return undefined;
  }

  async #added(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    this.#wake = wake;
    signal.addEventListener('abort', wake, { once: true });
    await promise;
    signal.removeEventListener('abort', wake);
  }
}

function keyOf({ scope, id }: Unproven): string {
  return `${scope} ${id.kind} ${id.module.path}@${id.module.version}`;
}

/**
 * Proves later what went through while the database could not be asked: one artifact after the other, behind everything else. What is proven gets a record that
 * says so; what turns out to be wrong is taken away, and somebody is told. A failure of any other kind is tried again, after waits that grow to five minutes.
 */
export class Reprover {
  readonly #parts: ReproverParts;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  /** Begins at once. */
  constructor(parts: ReproverParts) {
    this.#parts = parts;
    this.#running = this.#run(this.#stop);
  }

  /** Ends what is under way. Never rejects. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(o: Ask): Promise<void> {
    const { waiting, clock, random } = this.#parts;
    let waitMs = FIRST_WAIT_MS;
    for (let one = await waiting.take(o); one !== undefined; one = await waiting.take(o)) {
      if (await this.#isSettled(one, o)) {
        waitMs = FIRST_WAIT_MS;
        continue;
      }
      waiting.add(one);
      await clock.sleep(waitMs * (0.5 + random() / 2), o).catch(() => undefined);
      waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS);
    }
  }

  async #isSettled(one: Unproven, o: Ask): Promise<boolean> {
    try {
      await this.#settle(one, o);
      return true;
    } catch {
      // Whoever was asked has told of it; what matters here is only that nothing was proven.
      return false;
    }
  }

  async #settle(one: Unproven, o: Ask): Promise<void> {
    const { kind, module } = one.id;
    if (kind === 'info') return;
    const { artifacts, ask } = this.#parts;
    const expected = await ask(kind, module, o);
    if (expected.h1 === undefined || expected.h1 === one.h1)
      return await artifacts.reverified(one, expected.verification, o);
    const { database, record } = expected.verification;
    const message = `prove .${kind} of ${module.path}@${module.version} later: stored is ${one.h1}, proven is ${expected.h1}`;
    const detail = { found: one.h1, expected: expected.h1, database, record };
    this.#parts.observer.onSecurityEvent({ kind: 'unproven-mismatch', subject: subjectOf(module), message, detail });
    await artifacts.refute(one, message, o);
  }
}
