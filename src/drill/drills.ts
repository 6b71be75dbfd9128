import type { Clock } from '../std/clock.ts';
import { AppError, type ErrorCode, type ErrorDetail } from '../std/errors.ts';
import { DrillRecord, type DrillWish } from './record.ts';
import type { DrillEnd, DrillReport } from './report.ts';

/** An upstream that a drill may be about. */
export interface DrillMember {
  readonly name: string;
  /** More than one where routes have pools of their own. */
  readonly pools: readonly string[];
}

/** A fault that is in force. */
export interface DrillFault {
  /** Makes everything as it was. Never rejects, and may be called again. */
  undo(): Promise<void>;
}

/** What the server that is drilled lends. */
export interface DrillSite {
  /** The upstreams of all pools, each once, in the order of the operator. */
  members(): readonly DrillMember[];
  /** Why there can be no drill now; undefined when there can. */
  refusal(): AppError | undefined;
  /** Brings the fault on. `record` is told of what only the fault itself knows. Nothing is left of it when it rejects. */
  begin(wish: DrillWish, member: DrillMember, record: DrillRecord): Promise<DrillFault>;
  /** A line for the log and the events. */
  onChange(change: 'started' | 'ended' | 'recovered', report: DrillReport): void;
}

/** Longest drill. */
const MAX_DRILL_MS = 10 * 60_000;
const MIN_DRILL_MS = 1000;
/** An asker that is not heard of for this long is taken for dead. */
const SILENCE_MS = 5000;
/** How long the upstream is watched after the end. */
const WATCH_MS = 60_000;

interface Running {
  readonly wish: DrillWish;
  readonly member: DrillMember;
  readonly record: DrillRecord;
  fault: DrillFault | undefined;
  /** Who wanted it to end before there was a fault to undo. */
  cutShort: DrillEnd | undefined;
  /** When it ended; its member's events are marked for a while after. */
  endedAt: number | undefined;
  isTold: boolean;
  ending: Promise<void> | undefined;
  stopTimer: () => void;
  stopDeadMan: () => void;
}

const NOT_ARMED = {
  fault: undefined,
  cutShort: undefined,
  endedAt: undefined,
  isTold: false,
  ending: undefined,
  stopTimer: () => {},
  stopDeadMan: () => {},
} satisfies Partial<Running>;

/**
 * The drills of one server: one at a time, each with a hard stop and a dead man's switch. Nothing of a drill is written anywhere, so none outlives the process. Every method
 * may be called at any time.
 */
export class Drills {
  readonly #site: DrillSite;
  readonly #clock: Clock;
  #current: Running | undefined;
  #isClosed = false;

  constructor(site: DrillSite, clock: Clock) {
    this.#site = site;
    this.#clock = clock;
  }

  /** What is recorded now: from the start of a drill until its upstream is back. */
  get record(): DrillRecord | undefined {
    return this.#current?.isTold === false ? this.#current.record : undefined;
  }

  /** The drill whose doing it is what `member` of `pool` goes through: from its start until the upstream is back, a minute after the end at the latest. */
  drillOf(pool: string, member: string): string | undefined {
    const running = this.#current;
    if (running === undefined || running.member.name !== member || !running.member.pools.includes(pool))
      return undefined;
    const { isTold, endedAt = Number.POSITIVE_INFINITY, wish } = running;
    return isTold || this.#clock.monotonic() - endedAt > WATCH_MS ? undefined : wish.id;
  }

  /** Begins a drill. Rejects with NOT_FOUND for an upstream that there is not, CONFIG_INVALID for a time that is too short or long, CONFLICT while another one runs, ABORTED when the server stops, or as the site refuses: `detail.reason` tells them apart. Nothing has changed then. */
  async start(wish: DrillWish): Promise<DrillReport> {
    const refusal = this.#isClosed ? refused('ABORTED', 'drill-stopping') : this.#site.refusal();
    if (refusal !== undefined) throw refusal;
    if (this.#current !== undefined && !this.#current.record.hasEnded) throw this.#busy(this.#current.wish);
    const member = this.#memberOf(wish);
    const record = new DrillRecord(wish, member.pools);
    const running: Running = { ...NOT_ARMED, wish, member, record };
    const before = this.#current?.ending;
    // Taken before anything is awaited: two starts at a time must not both pass.
    this.#current = running;
    try {
      // What is still being undone there would be undone here.
      await before;
      running.fault = await this.#site.begin(wish, member, record);
    } catch (error) {
      this.#current = undefined;
      throw error;
    }
    record.began({ now: this.#clock.now(), monotonic: this.#clock.monotonic() });
    this.#site.onChange('started', this.#reportOf(running));
    if (running.cutShort === undefined) this.#arm(running);
    else await this.#end(running, running.cutShort);
    return this.#reportOf(running);
  }

  /** How a drill stands, and that its asker lives. Rejects with NOT_FOUND when it is not the last one. */
  report(id: string): DrillReport {
    const running = this.#known(id);
    if (!running.record.hasEnded) this.#holdDeadMan(running);
    this.settled();
    return this.#reportOf(running);
  }

  /** Ends it, when it has not ended; one that is still beginning as soon as it has begun. Rejects with NOT_FOUND when it is not the last one. */
  async stop(id: string): Promise<DrillReport> {
    const running = this.#known(id);
    await this.#endOrCutShort(running, 'asked');
    return this.#reportOf(running);
  }

  /** Ends the one that runs, for reasons of the server's own. */
  async interrupt(): Promise<void> {
    if (this.#current !== undefined) await this.#endOrCutShort(this.#current, 'server');
  }

  /** The same, and none can be started from now on. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.interrupt();
  }

  /** The upstream of the last drill may be back: tells of it once. */
  settled(): void {
    const running = this.#current;
    if (running === undefined || running.isTold || !running.record.hasEnded || !running.record.isRecovered) return;
    running.isTold = true;
    this.#site.onChange('recovered', this.#reportOf(running));
  }

  #known(id: string): Running {
    const running = this.#current;
    if (running === undefined || running.wish.id !== id)
      throw new AppError('NOT_FOUND', `report of drill ${id}: there is none of that name`, {
        detail: { reason: 'drill-unknown' },
      });
    return running;
  }

  #memberOf({ kind, upstream, forMs }: DrillWish): DrillMember {
    if (!(forMs >= MIN_DRILL_MS && forMs <= MAX_DRILL_MS)) throw refused('CONFIG_INVALID', 'drill-length');
    // Of the disk: of no upstream.
    if (kind === 'disk-full') return { name: '', pools: [] };
    const members = this.#site.members();
    const member = members.find(({ name }) => name === upstream);
    if (member !== undefined) return member;
    throw refused('NOT_FOUND', 'drill-upstream', { upstream, known: members.map(({ name }) => name).join(', ') });
  }

  #arm(running: Running): void {
    running.stopTimer = this.#clock.after(running.wish.forMs, () => void this.#end(running, 'time'));
    this.#holdDeadMan(running);
  }

  #holdDeadMan(running: Running): void {
    running.stopDeadMan();
    running.stopDeadMan = this.#clock.after(SILENCE_MS, () => void this.#end(running, 'silence'));
  }

  /** There is nothing to undo before it has begun: `start` looks then. */
  async #endOrCutShort(running: Running, by: DrillEnd): Promise<void> {
    if (running.fault === undefined) running.cutShort ??= by;
    else await this.#end(running, by);
  }

  /** Once; whoever asks later waits for the same. */
  #end(running: Running, by: DrillEnd): Promise<void> {
    running.ending ??= this.#endNow(running, by);
    return running.ending;
  }

  async #endNow(running: Running, by: DrillEnd): Promise<void> {
    running.stopTimer();
    running.stopDeadMan();
    running.endedAt = this.#clock.monotonic();
    running.record.ended(by, running.endedAt);
    await running.fault?.undo();
    this.#site.onChange('ended', this.#reportOf(running));
  }

  #reportOf({ record }: Running): DrillReport {
    return record.report(this.#clock.monotonic());
  }

  #busy({ id, kind, upstream }: DrillWish): AppError {
    return new AppError('CONFLICT', `start a drill: drill ${id} is under way`, {
      detail: { reason: 'drill-busy', kind, upstream },
    });
  }
}

function refused(code: ErrorCode, reason: keyof typeof REFUSALS, detail: ErrorDetail = {}): AppError {
  return new AppError(code, `start a drill: ${REFUSALS[reason]}`, { detail: { reason, ...detail } });
}

/** By `detail.reason`, which the command line has words of its own for. */
const REFUSALS = {
  'drill-stopping': 'the server is stopping',
  'drill-length': 'it may take from one second to ten minutes',
  'drill-upstream': 'no pool has such an upstream',
};
