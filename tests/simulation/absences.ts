/** Who has said what is not here, and who has no say in it. */
import type { Outcome } from './findings.ts';
import type { VirtualClock } from '../fakes/virtual-clock.ts';
import { membersAt } from './plans.ts';
import { planFor, type Script } from './script.ts';
import { questionOf } from './subjects.ts';

/** Longest that "not here" is repeated, ms: five minutes and a fifth. */
const ABSENCE_MS = 360_000;
/** Who fails one question so often has no say in it, if others can answer. */
const TRIES = 3;

export class Absences {
  readonly #script: Script;
  readonly #clock: VirtualClock;
  /** `upstream what` → when it last said with authority that it is not here. */
  readonly #absent = new Map<string, number>();
  readonly #ejected = new Set<string>();
  /** `upstream what` → when it was asked. */
  readonly #tries = new Map<string, number[]>();
  /** `node what` → when the node had an answer, and so knew better than what it had been told before. */
  readonly #found = new Map<string, number[]>();

  constructor(script: Script, clock: VirtualClock) {
    this.#script = script;
    this.#clock = clock;
  }

  asked(upstream: string, what: string): void {
    const key = `${upstream} ${what}`;
    const tries = this.#tries.get(key);
    if (tries === undefined) this.#tries.set(key, [this.#clock.monotonic()]);
    else tries.push(this.#clock.monotonic());
  }

  /** `answer` is a code, or `ok`. */
  answered(upstream: string, what: string, answer: string): void {
    if (answer === 'NOT_FOUND') this.#absent.set(`${upstream} ${what}`, this.#clock.monotonic());
    if (answer === 'THROTTLED') this.#ejected.add(upstream); // it wants to be spared, and has no say until then
  }

  ejected(member: string): void {
    this.#ejected.add(member);
  }

  /** `node` had an answer to `what`. Another node has yet to hear of it, and whoever asked before was told by others. */
  found(node: number, what: string): void {
    const key = `${node} ${what}`;
    this.#found.set(key, [...(this.#found.get(key) ?? []), this.#clock.monotonic()]);
  }

  /** Those whose word is needed for "not here", and who did not say it by `at`: everybody in the list who is eligible. */
  silentOf({ wish, askedAt, at }: Pick<Outcome, 'wish' | 'askedAt' | 'at'>): readonly string[] {
    const { plans } = this.#script;
    const what = questionOf(wish.subject);
    const asked = planFor(this.#script, wish).steps.flatMap(({ source }) => membersAt(plans, source));
    const found = this.#found.get(`${wish.node} ${what}`) ?? [];
    const from = Math.max(at - ABSENCE_MS, ...found.filter((foundAt) => foundAt <= askedAt));
    return asked.filter((one) => !this.#saidAbsent(one, what, at) && !this.#hasNoSay(one, what, { from, to: at }));
  }

  #saidAbsent(upstream: string, what: string, at: number): boolean {
    const saidAt = this.#absent.get(`${upstream} ${what}`);
    return saidAt !== undefined && at - saidAt <= ABSENCE_MS;
  }

  /** Of those that others stand in for. */
  #hasNoSay(member: string, what: string, { from, to }: { readonly from: number; readonly to: number }): boolean {
    const pools = this.#script.plans.pools.filter(({ members }) => members.length > 1 && members.includes(member));
    if (pools.length === 0) return false;
    const tries = this.#tries.get(`${member} ${what}`) ?? [];
    const hasFailed = tries.filter((triedAt) => from <= triedAt && triedAt <= to).length >= TRIES;
    return hasFailed || this.#ejected.has(member) || pools.some(({ canary }) => canary === member);
  }
}
