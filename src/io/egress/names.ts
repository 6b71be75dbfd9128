import { type Ask, waitFor } from '../../std/ask.ts';
import { type Clock, systemClock } from '../../std/clock.ts';
import { systemCodeOf } from '../../std/errors.ts';
import { LookupTurns } from './lookup-turns.ts';

/** All addresses of a name, best first; rejects with a system error (ENOTFOUND, EAI_AGAIN). */
export type Lookup = (name: string) => Promise<readonly string[]>;

/** How long what a resolver said is used, and how much is asked of it at a time. */
export interface NameLimits {
  /** Addresses younger than this are used without a question. */
  readonly freshMs: number;
  /** For this long after that they are used once more while they are asked for behind. */
  readonly momentMs: number;
  /** Counted from when they were heard: they are used for so long when the resolver itself fails. */
  readonly lastGoodMs: number;
  /** A name that does not exist is not asked for again within this. */
  readonly absentMs: number;
  /** Longest that anybody waits for a lookup; the lookup may go on. */
  readonly waitMs: number;
  /** The same for who has old addresses to use instead. */
  readonly shortWaitMs: number;
  /** Lookups at a time: each holds a thread until the resolver gives up. */
  readonly lookups: number;
  /** Lookups that wait for that; more fail at once. */
  readonly queued: number;
  /** Names that are remembered; the least used go first. */
  readonly names: number;
}

/**
 * A minute as the TTL that a system resolver does not tell, an hour of a dead resolver. libuv gives half of its threads to lookups, so eight lookups leave
 * eight of the sixteen threads of main.ts to files.
 */
const defaultNameLimits: NameLimits = {
  freshMs: 60_000,
  momentMs: 10_000,
  lastGoodMs: 3_600_000,
  absentMs: 2000,
  waitMs: 2000,
  shortWaitMs: 500,
  lookups: 8,
  queued: 1000,
  names: 4096,
};

interface Known {
  /** Empty = nothing good was ever heard, or it has been withdrawn. */
  readonly addresses: readonly string[];
  readonly heardAt: number;
  /** Somebody could not use them: they are asked for anew before they are used. */
  readonly isDoubted: boolean;
  /** The last lookup of it failed by the resolver: nobody waits for the next. */
  readonly isUnheard: boolean;
  /** Why it does not exist. */
  readonly absence?: unknown;
}

interface Running {
  readonly done: Promise<readonly string[]>;
  readonly since: number;
}

/**
 * The addresses of names, as last heard. Decides nothing about them: whoever connects checks each of them each time. One lookup for all who want a name at a time; a resolver that is
 * dead or hangs costs who
 * knows a name a moment, once, and others at most `waitMs`. A name that the resolver says does not exist is forgotten at once.
 */
export class Names {
  readonly #lookup: Lookup;
  readonly #clock: Clock;
  readonly #limits: NameLimits;
  readonly #known = new Map<string, Known>();
  readonly #running = new Map<string, Running>();
  readonly #turns: LookupTurns;

  constructor(lookup: Lookup, { clock = systemClock, limits = {} }: NameOptions = {}) {
    this.#lookup = lookup;
    this.#clock = clock;
    this.#limits = { ...defaultNameLimits, ...limits };
    this.#turns = new LookupTurns(this.#limits.lookups, this.#limits.queued);
  }

  /** At least one. Rejects with the resolver's system error, ETIMEOUT when it was not heard in time, or with the reason of the signal. */
  async addressesOf(name: string, { signal }: Ask): Promise<readonly string[]> {
    const known = this.#recall(name);
    if (known?.absence !== undefined) throw known.absence;
    if (known !== undefined && this.#isFresh(known)) return known.addresses;
    const running = this.#running.get(name) ?? this.#ask(name);
    if (known !== undefined && (known.isUnheard || this.#isGoodForAMoment(known))) return known.addresses;
    try {
      const { waitMs, shortWaitMs } = this.#limits;
      return await this.#within(known === undefined ? waitMs : shortWaitMs, running, signal);
    } catch (error) {
      // Of this lookup, or of one that ended meanwhile.
      const last = isAbsence(error) || signal.aborted ? undefined : this.#recall(name);
      if (last === undefined || last.absence !== undefined) throw error;
      return last.addresses;
    }
  }

  /** Nothing answers at its addresses, or they must not be used: the next who wants it hears anew. They stay what is used while the resolver fails. */
  doubt(name: string): void {
    const known = this.#known.get(name);
    if (known !== undefined) this.#known.set(name, { ...known, isDoubted: true });
  }

  /** What is still worth something: at least one address that is not too old, or an absence. */
  #recall(name: string): Known | undefined {
    const known = this.#known.get(name);
    if (known === undefined) return undefined;
    this.#known.delete(name);
    const longest = known.absence === undefined ? this.#limits.lastGoodMs : this.#limits.absentMs;
    if (this.#ageOf(known) >= longest) return undefined;
    this.#known.set(name, known);
    return known;
  }

  #remember(name: string, known: Known): void {
    this.#known.delete(name);
    this.#known.set(name, known);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= this.#limits.names) break;
      this.#known.delete(oldest);
    }
  }

  #ageOf({ heardAt }: Known): number {
    return this.#clock.monotonic() - heardAt;
  }

  #isFresh(known: Known): boolean {
    return !known.isDoubted && this.#ageOf(known) < this.#limits.freshMs;
  }

  #isGoodForAMoment(known: Known): boolean {
    return !known.isDoubted && this.#ageOf(known) < this.#limits.freshMs + this.#limits.momentMs;
  }

  #ask(name: string): Running {
    const since = this.#clock.monotonic();
    const isLate = (): boolean => this.#clock.monotonic() >= since + this.#limits.waitMs;
    const done = this.#turns.run(() => (isLate() ? Promise.reject(tookTooLong()) : this.#lookup(name)));
    const running = { done: this.#heard(name, done), since };
    this.#running.set(name, running);
    const end = (): void => {
      if (this.#running.get(name) === running) this.#running.delete(name);
    };
    running.done.then(end, end);
    return running;
  }

  async #heard(name: string, done: Promise<readonly string[]>): Promise<readonly string[]> {
    const heard = { isDoubted: false, isUnheard: false };
    try {
      const addresses = await done;
      if (addresses.length === 0) throw absent(name);
      this.#remember(name, { ...heard, addresses, heardAt: this.#clock.monotonic() });
      return addresses;
    } catch (error) {
      const last = this.#known.get(name);
      if (isAbsence(error))
        this.#remember(name, { ...heard, addresses: [], heardAt: this.#clock.monotonic(), absence: error });
      else if (last !== undefined) this.#known.set(name, { ...last, isUnheard: true });
      throw error;
    }
  }

  /** Counted from the start of the lookup, whoever asks. */
  async #within(ms: number, { done, since }: Running, signal: AbortSignal): Promise<readonly string[]> {
    const restMs = since + ms - this.#clock.monotonic();
    if (restMs <= 0) throw tookTooLong();
    const late = new AbortController();
    const cancel = this.#clock.after(restMs, () => late.abort());
    try {
      return await waitFor(done, AbortSignal.any([signal, late.signal]));
    } catch (error) {
      throw late.signal.aborted && !signal.aborted ? tookTooLong() : error;
    } finally {
      cancel();
    }
  }
}

export interface NameOptions {
  readonly clock?: Clock;
  readonly limits?: Partial<NameLimits>;
}

/** The code is the one that resolvers have for it; a connection that takes too long has another. */
function tookTooLong(): Error {
  return Object.assign(new Error('name lookup took too long'), { code: 'ETIMEOUT' });
}

function absent(name: string): Error {
  return Object.assign(new Error(`no address of ${name}`), { code: 'ENOTFOUND', hostname: name });
}

function isAbsence(error: unknown): boolean {
  return systemCodeOf(error) === 'ENOTFOUND';
}
