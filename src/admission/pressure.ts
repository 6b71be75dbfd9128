/** What the process is short of. */
export type Shortage = 'time' | 'memory' | 'descriptors';

/** How things stand, as the sensors have it. */
export interface Readings {
  /** 99 of 100 turns of the event loop came no later than this, ms. */
  readonly lagMs: number;
  /** Of the memory that there is: resident, or of the heap's own bound, whichever is the larger. 0 to 1. */
  readonly memoryShare: number;
  /** Of the file descriptors that may be open. 0 to 1. */
  readonly descriptorShare: number;
}

export interface PressureMarks {
  /** From here on nothing is begun that nobody waits for. */
  readonly lagMs: number;
  /** From here on fetches are put off: shares of what there is. */
  readonly memoryShare: number;
  readonly descriptorShare: number;
}

/** How short the process is of one thing. */
type Grade = 'enough' | 'short' | 'out';

/** Fetches are put off at this many times the mark of the event loop. */
const LAG_OUT = 2.5;
/** What nobody waits for is put off at this part of the other marks. */
const SHORT = 0.9;
/** Things are well again below this part of what made them bad. */
const EASED = 0.85;
/** Readings in a row that must say so: one alone may be a pause of the collector. */
const IN_A_ROW = 2;

/** The event loop is brisk up to this part of its mark; above it the part of the turns that is used goes down, below it comes back. */
const BRISK = 0.125;
const DOWN = 0.85;
const BACK = 0.05;
const LEAST_SHARE = 0.25;

/** A process that is short of nothing. */
export const AT_EASE: Readings = { lagMs: 0, memoryShare: 0, descriptorShare: 0 };

/**
 * What is put off, by what the process is short of: first what nobody waits for, then fetches; never what is stored. Pure: readings in, grades out; a grade
 * that went up comes down below the mark that it went up at, and both take two readings.
 */
export class Pressure {
  readonly #marks: Readonly<Record<Shortage, { readonly short: number; readonly out: number }>>;
  readonly #gauges: Record<Shortage, Gauge>;
  readonly #briskMs: number;
  readings: Readings = AT_EASE;
  /** The part of the turns for fetches that keeps the event loop brisk: found by going down quickly and back slowly. A quarter at the least. */
  share = 1;

  constructor(marks: PressureMarks) {
    const marksOf = (out: number): { short: number; out: number } => ({ short: out * SHORT, out });
    this.#marks = {
      time: { short: marks.lagMs, out: marks.lagMs * LAG_OUT },
      memory: marksOf(marks.memoryShare),
      descriptors: marksOf(marks.descriptorShare),
    };
    this.#briskMs = marks.lagMs * BRISK;
    this.#gauges = { time: new Gauge(), memory: new Gauge(), descriptors: new Gauge() };
  }

  read(readings: Readings): void {
    this.readings = readings;
    const isBrisk = readings.lagMs <= this.#briskMs;
    this.share = isBrisk ? Math.min(1, this.share + BACK) : Math.max(LEAST_SHARE, this.share * DOWN);
    this.#gauges.time.read(readings.lagMs, this.#marks.time);
    this.#gauges.memory.read(readings.memoryShare, this.#marks.memory);
    this.#gauges.descriptors.read(readings.descriptorShare, this.#marks.descriptors);
  }

  /** What there is nothing left of. */
  isOutOf(what: Shortage): boolean {
    return this.#gauges[what].grade === 'out';
  }

  /** Why nothing should be begun that nobody waits for; undefined while it may. */
  get shortOf(): Shortage | undefined {
    if (this.#gauges.memory.grade !== 'enough') return 'memory';
    if (this.#gauges.descriptors.grade !== 'enough') return 'descriptors';
    return this.#gauges.time.grade === 'enough' ? undefined : 'time';
  }
}

/** The grade of one thing, with its inertia. */
class Gauge {
  grade: Grade = 'enough';
  #other: Grade = 'enough';
  #times = 0;

  read(value: number, marks: { readonly short: number; readonly out: number }): void {
    const now = gradeOf(value, marks, this.grade);
    if (now === this.grade) {
      this.#times = 0;
      return;
    }
    this.#times = now === this.#other ? this.#times + 1 : 1;
    this.#other = now;
    if (this.#times >= IN_A_ROW) this.grade = now;
  }
}

function gradeOf(value: number, marks: { readonly short: number; readonly out: number }, before: Grade): Grade {
  const out = before === 'out' ? marks.out * EASED : marks.out;
  if (value >= out) return 'out';
  const short = before === 'enough' ? marks.short : marks.short * EASED;
  return value >= short ? 'short' : 'enough';
}
