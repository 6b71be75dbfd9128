import type { DrillKind } from './drill-kind.ts';
import type { DrillEnd, DrillReport, Load } from './report.ts';

/** What a drill is about. */
export interface DrillWish {
  /** Chosen by the asker: hexadecimal. */
  readonly id: string;
  readonly kind: DrillKind;
  /** Name of an upstream, a member of one pool or, with routes, of several; `''` for a full disk, which is of none. */
  readonly upstream: string;
  readonly forMs: number;
}

/** A change of the state of a member. */
export interface StateChange {
  readonly pool: string;
  readonly member: string;
  readonly to: string;
  readonly reason?: string;
}

/** How one question to one member ended. */
export interface MemberAnswer {
  readonly pool: string;
  readonly member: string;
  readonly isProbe: boolean;
  /** Whether it was put besides the first of its question. */
  readonly isExtra: boolean;
  readonly result: 'good' | 'failed' | 'left';
}

/** How one request of a client ended. */
export interface ClientRequest {
  readonly isFailed: boolean;
  readonly durationMs: number;
  readonly level: number;
}

/** What happens during a drill, and after it until the upstream is back. Times are of one monotonic clock, ms. */
export class DrillRecord {
  readonly #wish: DrillWish;
  readonly #pools: readonly string[];
  /** Those in which the upstream is not up. */
  readonly #away = new Set<string>();
  #startedAt = '';
  #start = Number.POSITIVE_INFINITY;
  readonly #load = { upstream: noLoad(), others: noLoad() };
  readonly #levels = new Map<number, number>();
  #end: { readonly at: number; readonly by: DrillEnd } | undefined;
  #firstHit: number | undefined;
  #detected: { readonly ms: number; readonly as: string } | undefined;
  #switchedMs: number | undefined;
  #recoveredMs: number | undefined;
  #upAgainMs: number | undefined;
  #requests = 0;
  #userErrors = 0;
  #slowestMs = 0;
  #refusedWrites = 0;

  constructor(wish: DrillWish, pools: readonly string[]) {
    this.#wish = wish;
    this.#pools = pools;
  }

  /** The fault is in force from now on; what was heard before does not count. */
  began({ now, monotonic }: { readonly now: number; readonly monotonic: number }): void {
    this.#startedAt = new Date(now).toISOString();
    this.#start = monotonic;
  }

  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  get #isOn(): boolean {
    return this.#start !== Number.POSITIVE_INFINITY && this.#end === undefined;
  }

  /** Whether there is nothing to wait for after the end: the upstream has answered, and is up where it was not. */
  get isRecovered(): boolean {
    return this.#recoveredMs !== undefined && this.#upAgainMs !== undefined;
  }

  /** A question of a client is put to where the fault is. */
  hit(at: number): void {
    if (this.#isOn) this.#firstHit ??= at;
  }

  stateChanged({ pool, member, to, reason }: StateChange, at: number): void {
    if (!this.#pools.includes(pool) || member !== this.#wish.upstream) return;
    if (to === 'up') this.#away.delete(pool);
    else {
      this.#away.add(pool);
      // What was still under way at the end may fail after it.
      this.#upAgainMs = undefined;
    }
    if (this.#end !== undefined) this.#lookUp(at);
    else if (to !== 'up' && this.#isOn)
      this.#detected ??= { ms: at - this.#start, as: reason === undefined ? to : `${to} (${reason})` };
  }

  answered(answer: MemberAnswer, at: number): void {
    if (!this.#pools.includes(answer.pool)) return;
    const isOurs = answer.member === this.#wish.upstream;
    if (this.#end !== undefined && isOurs && answer.result === 'good') this.#recoveredMs ??= at - this.#end.at;
    if (!this.#isOn) return;
    count(isOurs ? this.#load.upstream : this.#load.others, answer);
    const isHelp = !isOurs && !answer.isProbe && answer.result === 'good';
    if (isHelp && this.#firstHit !== undefined) this.#switchedMs ??= at - this.#firstHit;
  }

  requested({ isFailed, durationMs, level }: ClientRequest): void {
    if (!this.#isOn) return;
    this.#requests++;
    if (isFailed) this.#userErrors++;
    this.#slowestMs = Math.max(this.#slowestMs, durationMs);
    this.#levels.set(level, (this.#levels.get(level) ?? 0) + 1);
  }

  /** A write found no room. */
  writeRefused(at: number): void {
    if (!this.#isOn) return;
    this.#refusedWrites++;
    this.#detected ??= { ms: at - this.#start, as: 'no room' };
  }

  /** A write found room again: the disk is as it was. */
  wrote(at: number): void {
    if (this.#end === undefined) return;
    this.#recoveredMs ??= at - this.#end.at;
  }

  ended(by: DrillEnd, at: number): void {
    this.#end ??= { at, by };
    this.#lookUp(at);
  }

  #lookUp(at: number): void {
    if (this.#end !== undefined && this.#away.size === 0) this.#upAgainMs ??= at - this.#end.at;
  }

  report(at: number): DrillReport {
    const levels = [...this.#levels].toSorted(([a], [b]) => a - b);
    const whole = (ms: number): number => Math.round(ms * 10) / 10;
    const times = {
      detectedMs: this.#detected?.ms,
      switchedMs: this.#switchedMs,
      recoveredMs: this.#recoveredMs,
      upAgainMs: this.#upAgainMs,
    };
    return {
      ...this.#wish,
      pools: this.#pools,
      startedAt: this.#startedAt,
      ranMs: whole(Math.max(0, (this.#end?.at ?? at) - this.#start)),
      ...(this.#end && { endedBy: this.#end.by }),
      ...(this.#detected && { detectedAs: this.#detected.as }),
      ...Object.fromEntries(
        Object.entries(times).flatMap(([name, ms]) => (ms === undefined ? [] : [[name, whole(ms)]])),
      ),
      requests: this.#requests,
      userErrors: this.#userErrors,
      slowestMs: whole(this.#slowestMs),
      levels: Object.fromEntries(levels),
      level: levels.at(-1)?.[0] ?? 0,
      load: { upstream: { ...this.#load.upstream }, others: { ...this.#load.others } },
      refusedWrites: this.#refusedWrites,
    };
  }
}

type Counted = { -readonly [K in keyof Load]: Load[K] };

function noLoad(): Counted {
  return { asked: 0, good: 0, failed: 0, probes: 0, extra: 0 };
}

function count(load: Counted, { isProbe, isExtra, result }: MemberAnswer): void {
  load.asked++;
  if (isProbe) load.probes++;
  if (isExtra) load.extra++;
  if (result !== 'left') load[result]++;
}
