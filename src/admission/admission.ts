import type { Clock } from '../std/clock.ts';
import { fixedLimit, GradientLimit } from './gradient.ts';
import { MissBudget } from './miss-budget.ts';
import { Pressure, type PressureMarks, type Shortage } from './pressure.ts';
import { Turns } from './turns.ts';

/** Every bound and mark of this folder. */
export interface AdmissionLimits {
  /** Fetches of metadata that run at once: to begin with, at the least, at the most. What is between is learnt. */
  readonly initial: number;
  readonly least: number;
  readonly most: number;
  /** Fetches of zips that run at once. */
  readonly zips: number;
  /** Sendings of stored files that run at once, and the longest wait for one, ms: shorter than the patience of a reverse proxy. */
  readonly sendings: number;
  readonly sendingWaitMs: number;
  /** Who may wait for a turn of one kind, in all and of one client. */
  readonly queued: number;
  readonly queuedPerClient: number;
  /** Longest wait for a turn to fetch, ms. */
  readonly waitMs: number;
  /** When who finds no room to wait hears of it, ms. */
  readonly toldAfterMs: number;
  /** Questions of one client that may lead nowhere, per second and at once; and clients that are remembered for it. */
  readonly missesPerSecond: number;
  readonly missBurst: number;
  readonly clients: number;
  readonly marks: PressureMarks;
}

/** The figures of the reliability rules. */
export const DEFAULT_ADMISSION: AdmissionLimits = {
  initial: 20,
  least: 20,
  most: 256,
  zips: 64,
  sendings: 4096,
  sendingWaitMs: 50_000,
  queued: 10_000,
  queuedPerClient: 5_000,
  waitMs: 15_000,
  toldAfterMs: 5000,
  missesPerSecond: 50,
  missBurst: 200,
  clients: 100_000,
  marks: { lagMs: 200, memoryShare: 0.8, descriptorShare: 0.9 },
};

/** The turns of a server, by what they are for, and what is put off. */
export interface Admission {
  /** Fetches of anything but zips. */
  readonly metadata: Turns;
  readonly zips: Turns;
  /** Stored files on their way to clients. */
  readonly sendings: Turns;
  readonly pressure: Pressure;
  /** Whether what nobody waits for may begin; counts when it may not. */
  mayBeginBehind(): boolean;
  /** How often it might not, by what there was too little of. */
  readonly putOff: Readonly<Record<Shortage, number>>;
}

/** Turns within `limits`, for a process whose sensors nobody reads yet. */
export function createAdmission(clock: Clock, limits: AdmissionLimits = DEFAULT_ADMISSION): Admission {
  return new ComposedAdmission(clock, limits);
}

/** When things are short, this part of the turns is left: enough to go on, and to see when it is over. */
const LEFT = 0.25;

class ComposedAdmission implements Admission {
  readonly metadata: Turns;
  readonly zips: Turns;
  readonly sendings: Turns;
  readonly pressure: Pressure;
  readonly putOff: Record<Shortage, number> = { time: 0, memory: 0, descriptors: 0 };

  constructor(clock: Clock, limits: AdmissionLimits) {
    const { missesPerSecond: perSecond, missBurst: burst, clients } = limits;
    const budget = new MissBudget(clock, { perSecond, burst, clients });
    this.pressure = new Pressure(limits.marks);
    this.metadata = new Turns({
      clock,
      limits,
      budget,
      limit: new GradientLimit(limits),
      allowed: (limit) => Math.min(this.#allowed(limit), Math.max(limits.least, limit * this.pressure.share)),
    });
    this.zips = new Turns({
      clock,
      limits,
      budget,
      limit: fixedLimit(limits.zips),
      allowed: (limit) => this.#allowedZips(limit),
    });
    const sendingLimits = { ...limits, waitMs: limits.sendingWaitMs };
    this.sendings = new Turns({ clock, limits: sendingLimits, limit: fixedLimit(limits.sendings) });
  }

  mayBeginBehind(): boolean {
    const { shortOf } = this.pressure;
    if (shortOf !== undefined) this.putOff[shortOf]++;
    return shortOf === undefined;
  }

  #allowed(limit: number): number {
    return this.pressure.isOutOf('time') || this.pressure.isOutOf('descriptors') ? Math.floor(limit * LEFT) : limit;
  }

  /** One at a time when memory is out: slow, but never stuck where memory does not come back. */
  #allowedZips(limit: number): number {
    return this.pressure.isOutOf('memory') ? 1 : this.#allowed(limit);
  }
}
