import type { Clock } from '../std/clock.ts';
import { AppError } from '../std/errors.ts';
import { Codel } from './codel.ts';
import { Departures } from './departures.ts';
import { FairQueue } from './fair-queue.ts';
import type { Limit } from './gradient.ts';
import type { MissBudget } from './miss-budget.ts';

/** On whose behalf a turn is asked for. */
export interface Asker {
  /** As `clientOf` has it; all who have none are one client. */
  readonly client?: string | undefined;
  /** `now` = work that has a turn needs this for it, and would wait for itself. `behind` = nobody waits. Absent = somebody waits. */
  readonly urgency?: 'now' | 'behind' | undefined;
}

/** What becomes of who asked. Neither is called after `leave`; one of them is called once. */
export interface Seeker {
  /** Its turn has come, until `end` is called. May be called before `enter` returns. */
  onTurn(end: EndTurn): void;
  /** It has none: there was no room to wait, or it waited too long. */
  onRefused(error: AppError): void;
}

/** How a piece of work ended: with what was asked for; with the word that there is no such thing; without an answer. */
export type Ending = 'found' | 'nowhere' | 'failed';

/** Gives the turn back; a second time of no effect. */
export type EndTurn = (how: Ending) => void;

/** A place among those who wait. Of no effect once the turn has come. */
export interface Place {
  /** Another asker wants the same: it may now come up at whichever turn is first, and at once when the other cannot wait. */
  share(asker: Asker): void;
  /** Nobody wants it any more. */
  leave(): void;
}

export interface TurnLimits {
  /** Who may wait, in all and of one client; one more is OVERLOADED. When all places are taken, whoever has the most of them gives one up for who has fewer. */
  readonly queued: number;
  readonly queuedPerClient: number;
  /** Longest wait, ms; then OVERLOADED, some seconds later when thousands came together. */
  readonly waitMs: number;
  /** Who finds no room to wait hears of it after this long, ms, unless there is a turn or room by then: those who ask again at once would cost more than those who wait. 0 = at once. */
  readonly toldAfterMs: number;
}

export interface TurnParts {
  readonly clock: Clock;
  readonly limit: Limit;
  readonly limits: TurnLimits;
  /** How many of `limit`, and no more, may be used as things are now; absent = all. One may always. */
  readonly allowed?: ((limit: number) => number) | undefined;
  /** Absent = nobody is charged for anything. */
  readonly budget?: MissBudget | undefined;
}

/** Why somebody was turned away. */
export type Refusal = 'queue full' | 'client queue full' | 'waited too long' | 'waited for nothing';

/** What there is to see from outside. */
export interface TurnCounts {
  readonly running: number;
  /** For a turn, or to hear that there is none. */
  readonly waiting: number;
  readonly limit: number;
  /** Turned away so far. */
  readonly refused: Readonly<Record<Refusal, number>>;
}

interface Ticket {
  readonly seeker: Seeker;
  /** Who asked first. */
  readonly client: string;
  readonly since: number;
  /** `turned away` = there is no room for it, and it is about to hear so. */
  state: 'waiting' | 'turned away' | 'running' | 'over';
  /** What it hears when it leaves without a turn. */
  why: Refusal;
  /** Who is charged for it when it leads nowhere. */
  payer: string | undefined;
  isBehind: boolean;
  startedAt: number;
}

/** How often those who wait are looked at, beside the ends of what runs, ms. */
const LOOK_MS = 50;
/** Ends that stay out for this long say nothing against more work, ms. */
const SILENCE_MS = 250;
/** The share of turns that what nobody waits for has for sure, and the most it takes. */
const BEHIND_LEAST = 0.05;
const BEHIND_MOST = 0.5;

const NO_CLIENT = '';

/**
 * Turns for work that costs something: as many at a time as `limit` says, in a fair order. Work that somebody waits for goes round over the clients; a client
 * that has no misses left waits until it has, while the others go on. Work that nobody waits for has one turn in twenty for sure, and at most every second.
 *
 * Everything is bounded: those who wait by number and time, and what they wait for by whoever ends it.
 */
export class Turns {
  readonly #parts: TurnParts;
  readonly #queue = new FairQueue<Ticket>();
  readonly #behind = new Set<Ticket>();
  /** Everybody in the queue or behind. */
  readonly #waiting: Departures<Ticket>;
  readonly #turnedAway: Departures<Ticket>;
  readonly #codel = new Codel();
  readonly #refused: Record<Refusal, number> = {
    'queue full': 0,
    'client queue full': 0,
    'waited too long': 0,
    'waited for nothing': 0,
  };
  #running = 0;
  #runningBehind = 0;
  #heardAt = 0;
  #cancelLook: (() => void) | undefined;

  constructor(parts: TurnParts) {
    this.#parts = parts;
    const { clock, limits } = parts;
    this.#waiting = new Departures({ clock, afterMs: limits.waitMs, leave: (ticket) => this.#refuse(ticket) });
    this.#turnedAway = new Departures({
      clock,
      afterMs: limits.toldAfterMs,
      leave: (ticket) => {
        if (!this.#isReadmitted(ticket, ticket.client)) this.#refuse(ticket);
      },
    });
  }

  get counts(): TurnCounts {
    const waiting = this.#waiting.size + this.#turnedAway.size;
    return { running: this.#running, waiting, limit: this.#allowed, refused: this.#refused };
  }

  /** Gives `seeker` a turn now, or a place among those who wait, or after a while the word that there is none. Throws OVERLOADED when it need not or cannot be told later. */
  enter(asker: Asker, seeker: Seeker): Place {
    const client = asker.client ?? NO_CLIENT;
    const ticket: Ticket = {
      seeker,
      since: this.#now(),
      state: 'waiting',
      payer: undefined,
      isBehind: asker.urgency === 'behind',
      why: 'waited too long',
      client,
      startedAt: 0,
    };
    if (asker.urgency === 'now') this.#start(ticket, NO_CLIENT);
    else if (this.#isFreeFor(client, ticket)) this.#start(ticket, client);
    else this.#enqueue(ticket, client);
    return { share: (other) => this.#share(ticket, other), leave: () => this.#leave(ticket) };
  }

  get #allowed(): number {
    const { limit, allowed } = this.#parts;
    return allowed === undefined ? limit.current : Math.max(1, Math.floor(allowed(limit.current)));
  }

  /** Nobody is overtaken: while others of its kind wait there is no free turn. */
  #isFreeFor(client: string, ticket: Ticket): boolean {
    if (this.#running >= this.#allowed) return false;
    if (ticket.isBehind) return this.#behind.size === 0 && this.#mayStartBehind();
    return !this.#isSpent(client) && this.#queue.sizeOf(client) === 0 && this.#isIdle();
  }

  /** Whether no one waits but those who have nothing left to spend. */
  #isIdle(): boolean {
    return !this.#queue.hasServed((client) => !this.#isSpent(client));
  }

  #isSpent(client: string): boolean {
    return this.#parts.budget?.isSpent(client) === true;
  }

  /** A place in the client's line, or the way out. */
  #enqueue(ticket: Ticket, client: string): void {
    const lack = this.#lackOfRoom(ticket, client);
    if (lack === undefined) this.#lineUp(ticket, client);
    else this.#turnAway(ticket, lack);
  }

  /** Undefined = there is room, if need be as somebody who had more has given up a place. */
  #lackOfRoom(ticket: Ticket, client: string): Refusal | undefined {
    const { queued, queuedPerClient } = this.#parts.limits;
    if (!ticket.isBehind && this.#queue.sizeOf(client) >= queuedPerClient) return 'client queue full';
    if (this.#waiting.size < queued) return undefined;
    const displaced = ticket.isBehind ? undefined : this.#queue.takeFromLongest(this.#queue.sizeOf(client) + 1);
    if (displaced === undefined) return 'queue full';
    displaced.why = 'queue full';
    this.#refuse(displaced);
    return undefined;
  }

  #lineUp(ticket: Ticket, client: string): void {
    ticket.state = 'waiting';
    ticket.why = 'waited too long';
    if (ticket.isBehind) this.#behind.add(ticket);
    else this.#queue.add(client, ticket);
    this.#waiting.add(ticket);
    this.#watch();
  }

  #turnAway(ticket: Ticket, why: Refusal): void {
    const { queued, toldAfterMs } = this.#parts.limits;
    if (ticket.isBehind || toldAfterMs === 0 || this.#turnedAway.size >= queued) throw this.#refusal(why);
    ticket.state = 'turned away';
    ticket.why = why;
    this.#turnedAway.add(ticket);
  }

  /** Whether one that was turned away has found a turn or a place after all. */
  #isReadmitted(ticket: Ticket, client: string): boolean {
    if (this.#isFreeFor(client, ticket)) {
      this.#turnedAway.delete(ticket);
      this.#start(ticket, client);
      return true;
    }
    if (this.#lackOfRoom(ticket, client) !== undefined) return false;
    this.#turnedAway.delete(ticket);
    this.#lineUp(ticket, client);
    return true;
  }

  #share(ticket: Ticket, asker: Asker): void {
    if (asker.urgency === 'behind' || (ticket.state !== 'waiting' && ticket.state !== 'turned away')) return;
    const client = asker.client ?? NO_CLIENT;
    if (asker.urgency === 'now') {
      this.#remove(ticket);
      return this.#start(ticket, NO_CLIENT);
    }
    if (ticket.state === 'turned away') return void this.#isReadmitted(ticket, client);
    if (this.#behind.delete(ticket)) ticket.isBehind = false;
    const isRoom = this.#queue.sizeOf(client) < this.#parts.limits.queuedPerClient;
    if (isRoom || !this.#queue.has(ticket)) this.#queue.add(client, ticket);
  }

  #leave(ticket: Ticket): void {
    if (ticket.state !== 'waiting' && ticket.state !== 'turned away') return;
    ticket.state = 'over';
    this.#remove(ticket);
  }

  #end(ticket: Ticket, how: Ending): void {
    if (ticket.state !== 'running') return;
    ticket.state = 'over';
    if (ticket.payer !== undefined && how !== 'nowhere') this.#parts.budget?.refund(ticket.payer);
    if (how !== 'failed') {
      this.#heardAt = this.#now();
      this.#parts.limit.sample(this.#heardAt - ticket.startedAt, this.#running);
    }
    this.#running--;
    if (ticket.isBehind) this.#runningBehind--;
    this.#startWaiting();
  }

  /** A miss is paid for in advance, and the price comes back when it was none. */
  #start(ticket: Ticket, client: string): void {
    ticket.state = 'running';
    this.#heardAt = ticket.startedAt = this.#now();
    this.#running++;
    if (ticket.isBehind) this.#runningBehind++;
    else if (this.#parts.budget !== undefined && client !== NO_CLIENT) {
      ticket.payer = client;
      this.#parts.budget.charge(client);
    }
    ticket.seeker.onTurn((how) => this.#end(ticket, how));
  }

  #startWaiting(): void {
    while (this.#running < this.#allowed) {
      const next = this.#next();
      if (next === undefined) break;
      this.#waiting.delete(next.entry);
      this.#start(next.entry, next.client);
    }
    if (this.#waiting.size === 0) this.#unwatch();
  }

  #next(): { readonly entry: Ticket; readonly client: string } | undefined {
    if (this.#runningBehind < this.#allowed * BEHIND_LEAST) {
      const behind = this.#nextBehind();
      if (behind !== undefined) return behind;
    }
    const next = this.#queue.take((client) => !this.#isSpent(client));
    if (next !== undefined) return next;
    return this.#mayStartBehind() ? this.#nextBehind() : undefined;
  }

  #mayStartBehind(): boolean {
    return this.#runningBehind < Math.max(1, this.#allowed * BEHIND_MOST);
  }

  #nextBehind(): { readonly entry: Ticket; readonly client: string } | undefined {
    for (const entry of this.#behind) {
      const now = this.#now();
      if (!this.#codel.isTooLate(now - entry.since, now)) {
        this.#behind.delete(entry);
        return { entry, client: NO_CLIENT };
      }
      entry.why = 'waited for nothing';
      this.#refuse(entry);
    }
    return undefined;
  }

  #refuse(ticket: Ticket): void {
    ticket.state = 'over';
    this.#remove(ticket);
    ticket.seeker.onRefused(this.#refusal(ticket.why));
  }

  #refusal(why: Refusal): AppError {
    this.#refused[why]++;
    return new AppError(
      'OVERLOADED',
      `${why}: ${this.#running} fetches run and ${this.#queue.size} wait for their turn`,
    );
  }

  #remove(ticket: Ticket): void {
    this.#queue.delete(ticket);
    this.#behind.delete(ticket);
    this.#waiting.delete(ticket);
    this.#turnedAway.delete(ticket);
    if (this.#waiting.size === 0) this.#unwatch();
  }

  /** While somebody waits: shortages end, and clients come by new misses, without anything ending here. */
  #watch(): void {
    this.#cancelLook ??= this.#parts.clock.after(LOOK_MS, () => {
      this.#cancelLook = undefined;
      this.#look();
    });
  }

  #unwatch(): void {
    this.#cancelLook?.();
    this.#cancelLook = undefined;
  }

  /** When nothing has ended for a while, what runs waits for others and not for us: one hung upstream must not keep all turns. */
  #look(): void {
    const now = this.#now();
    const isFull = this.#running >= this.#parts.limit.current;
    if (isFull && now - this.#heardAt >= SILENCE_MS) {
      this.#parts.limit.widen();
      this.#heardAt = now;
    }
    this.#startWaiting();
    if (this.#waiting.size > 0) this.#watch();
  }

  #now(): number {
    return this.#parts.clock.monotonic();
  }
}
