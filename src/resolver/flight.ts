import type { LRUCache } from 'lru-cache';
import type { Asker, Ending, EndTurn, Place, Turns } from '../admission/turns.ts';
import { throwIfAborted, waitFor, type Ask } from '../std/ask.ts';
import type { Clock } from '../std/clock.ts';
import { AppError, toAppError } from '../std/errors.ts';
import { recentEntries } from '../std/recent.ts';
import { isNotHere } from './walk.ts';

/** What a flight gives the work it carries. `E` is what it may offer before its end. */
export interface Work<E = never> {
  /** Fires when nobody waits any more and the work is not worth finishing, or when the process stops. Not any one client's. */
  readonly signal: AbortSignal;
  /** Tells how far the work is: 0 to 1. Past half it is finished even when nobody waits. */
  progress(share: number): void;
  /** Gives `value` to all who take what comes early, now and until it is withdrawn by the function returned. One offer at a time. */
  offer(value: E): () => void;
  /** Counts one more waiter, for whoever uses an early value, until the function returned is called; calling that again does nothing. */
  hold(): () => void;
}

/** Who comes on board, and until when. */
export type Boarding = Ask & Asker;

export interface FlightLimits {
  readonly lingerMs: number;
  readonly errorMemoMs: number;
}

/** What a waiter gets. */
export interface Landed<T> {
  readonly value: T;
  /** Whether this waiter's call started the work. */
  readonly led: boolean;
}

interface Flight<T, E> {
  readonly key: string;
  readonly run: (work: Work<E>) => Promise<T>;
  readonly controller: AbortController;
  readonly landed: Promise<T>;
  readonly land: (value: T) => void;
  readonly fail: (error: AppError) => void;
  /** What is offered before the end; made anew when an offer is withdrawn. */
  early: PromiseWithResolvers<E>;
  /** Where it stands among those who wait for a turn. */
  place: Place | undefined;
  /** Stops the timer that runs while nobody waits. */
  cancelTimer: () => void;
  waiters: number;
  share: number;
  /** Monotonic ms; undefined while it waits for its turn. */
  startedAt?: number;
}

interface Remembered {
  readonly error: AppError;
  readonly until: number;
}

/** Failures remembered at most; the oldest are forgotten first. */
const REMEMBERED_FAILURES = 10_000;
const WORTH_FINISHING = 0.5;

/**
 * At most one piece of work per key, shared by all who ask for it meanwhile. The work belongs to no client: a waiter that leaves
 * takes only itself away. Results are values, never streams, so that each waiter opens a reader of its own. Work that is of use before its
 * end can offer a value early: those who take it stop waiting, and hold the flight for as long as they use it.
 *
 * A flight begins when it has a turn (admission): until then it waits on behalf of all who have joined it. Joining needs no turn.
 * A failure is told to those who wait now, and for `errorMemoMs` to those who come after it, so that a herd does not become a
 * herd of attempts. Being cancelled or turned away is nobody's failure, and what is "not here" may be here the next moment: neither
 * is remembered.
 */
export class Flights<T, E = never> {
  readonly #clock: Clock;
  readonly #limits: FlightLimits;
  readonly #turns: Turns;
  readonly #live = new Map<string, Flight<T, E>>();
  readonly #failures: LRUCache<string, Remembered>;
  #closed = false;

  constructor(clock: Clock, limits: FlightLimits, turns: Turns) {
    this.#clock = clock;
    this.#limits = limits;
    this.#turns = turns;
    this.#failures = recentEntries(REMEMBERED_FAILURES);
  }

  /** The result of the flight for `key`, which `run` starts when there is none. Rejects with its failure, OVERLOADED, or the caller's own abort. */
  join(key: string, run: (work: Work<E>) => Promise<T>, o: Boarding): Promise<Landed<T>> {
    return this.#board(key, run, o, ({ landed }) => landed);
  }

  /** The same, or what the flight offers before its end. */
  joinEarly(key: string, run: (work: Work<E>) => Promise<T>, o: Boarding): Promise<Landed<T | E>> {
    return this.#board<T | E>(key, run, o, ({ landed, early }) => Promise.race([landed, early.promise]));
  }

  /** How long the flight for `key` has been running, ms; 0 while it waits for its turn; undefined when there is none. */
  ageMs(key: string): number | undefined {
    const flight = this.#live.get(key);
    if (flight === undefined) return undefined;
    return flight.startedAt === undefined ? 0 : this.#clock.monotonic() - flight.startedAt;
  }

  /** Cancels everything; for the end of the process. */
  close(): void {
    this.#closed = true;
    for (const flight of this.#live.values()) this.#cancel(flight, new AppError('ABORTED', 'the server is stopping'));
  }

  async #board<R>(
    key: string,
    run: (work: Work<E>) => Promise<T>,
    o: Boarding,
    awaited: (flight: Flight<T, E>) => Promise<R>,
  ): Promise<Landed<R>> {
    throwIfAborted(o.signal);
    const current = this.#live.get(key);
    if (current === undefined) this.#throwRemembered(key);
    const flight = current ?? this.#launch(key, run, o);
    if (current !== undefined) current.place?.share(o);
    const leave = this.#hold(flight);
    try {
      return { value: await waitFor(awaited(flight), o.signal), led: current === undefined };
    } finally {
      leave();
    }
  }

  #throwRemembered(key: string): void {
    const remembered = this.#failures.get(key);
    if (remembered === undefined) return;
    if (this.#clock.monotonic() < remembered.until) throw remembered.error;
    this.#failures.delete(key);
  }

  /** Throws OVERLOADED when there is not even a place to wait at. */
  #launch(key: string, run: (work: Work<E>) => Promise<T>, asker: Asker): Flight<T, E> {
    if (this.#closed) throw new AppError('ABORTED', 'the server is stopping');
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    promise.catch(() => undefined); // All its waiters may have left.
    const flight: Flight<T, E> = {
      key,
      run,
      controller: new AbortController(),
      landed: promise,
      land: resolve,
      fail: reject,
      early: Promise.withResolvers<E>(),
      place: undefined,
      cancelTimer: () => undefined,
      waiters: 0,
      share: 0,
    };
    this.#live.set(key, flight);
    try {
      flight.place = this.#turns.enter(asker, {
        onTurn: (end) => this.#start(flight, end),
        onRefused: (error) => this.#cancel(flight, error),
      });
    } catch (error) {
      this.#forget(flight);
      throw error;
    }
    return flight;
  }

  #start(flight: Flight<T, E>, end: EndTurn): void {
    flight.startedAt = this.#clock.monotonic();
    const progress = (share: number): void => void (flight.share = Math.max(flight.share, share));
    const offer = (value: E) => offerOn(flight, value);
    const hold = (): (() => void) => this.#hold(flight);
    void this.#carry(flight, { signal: flight.controller.signal, progress, offer, hold }).then(end);
  }

  async #carry(flight: Flight<T, E>, work: Work<E>): Promise<Ending> {
    try {
      flight.land(await flight.run(work));
      return 'found';
    } catch (error) {
      const failure = toAppError(error, 'fetch');
      this.#failed(flight, failure);
      return endingOf(failure);
    } finally {
      this.#forget(flight);
    }
  }

  #failed(flight: Flight<T, E>, error: AppError): void {
    const isOutage = error.code !== 'ABORTED' && error.code !== 'OVERLOADED' && !isNotHere(error);
    if (isOutage && this.#live.get(flight.key) === flight) {
      this.#failures.set(flight.key, { error, until: this.#clock.monotonic() + this.#limits.errorMemoMs });
    }
    flight.fail(error);
  }

  /** One waiter more, until the function returned is called; calling it again does nothing. */
  #hold(flight: Flight<T, E>): () => void {
    if (flight.waiters++ === 0 && flight.startedAt !== undefined) flight.cancelTimer();
    let holds = true;
    return () => {
      if (holds && --flight.waiters === 0) this.#deserted(flight);
      holds = false;
    };
  }

  /** Nobody waits: work that has not begun is dropped, work past half is finished, the rest gets a moment for someone to come. */
  #deserted(flight: Flight<T, E>): void {
    if (this.#live.get(flight.key) !== flight) return;
    const unwanted = (): AppError => new AppError('ABORTED', 'nobody waits for the fetch any more');
    if (flight.startedAt === undefined) return this.#cancel(flight, unwanted());
    this.#after(flight, this.#limits.lingerMs, () => {
      if (flight.waiters === 0 && flight.share <= WORTH_FINISHING) this.#cancel(flight, unwanted());
    });
  }

  /** Takes the flight off the map first: whoever asks from now on starts afresh. */
  #cancel(flight: Flight<T, E>, reason: AppError): void {
    this.#forget(flight);
    flight.controller.abort(reason);
    flight.fail(reason);
  }

  #forget(flight: Flight<T, E>): void {
    flight.cancelTimer();
    flight.place?.leave();
    if (this.#live.get(flight.key) === flight) this.#live.delete(flight.key);
  }

  #after(flight: Flight<T, E>, ms: number, then: () => void): void {
    flight.cancelTimer();
    flight.cancelTimer = this.#clock.after(ms, then);
  }
}

/** A source that answers rubbish to any name is as good as nowhere. */
function endingOf(error: AppError): Ending {
  return isNotHere(error) || error.code === 'UPSTREAM_BAD_RESPONSE' ? 'nowhere' : 'failed';
}

function offerOn<T, E>(flight: Flight<T, E>, value: E): () => void {
  const offered = flight.early;
  offered.resolve(value);
  return () => {
    if (flight.early === offered) flight.early = Promise.withResolvers<E>();
  };
}
