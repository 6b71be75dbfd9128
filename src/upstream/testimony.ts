import { AppError } from '../std/errors.ts';
import { asWordOfSome, graver } from '../std/graver.ts';
import type { PoolQuestion } from './asking.ts';
import { isWorthRetry, type Verdict, verdictOf } from './classify.ts';
import type { PoolCore } from './core.ts';
import type { Member } from './member.ts';

/** What was heard from one member. */
interface Heard {
  /** Askings; one that had begun to deliver counts half. */
  tries: number;
  /** Those among them that failed. */
  failures: number;
  /** Those that take too long, and may still answer. */
  late: number;
  /** What it failed with last; both undefined while it has said nothing. */
  error?: AppError;
  verdict?: Verdict;
}

/** Of the time that is had for the question: what follows on "not here" needs some of it. */
const LONGEST_WAIT_SHARE = 0.8;

/** What one question has heard from the members of its pool, none of whom has answered it well, and what may be said on that. The law is in asking.ts. */
export class Testimony<T> {
  readonly #core: PoolCore;
  readonly #question: PoolQuestion<T>;
  readonly #heard = new Map<Member, Heard>();
  /** Until when "not here" waits for who is late: monotonic, ms. */
  readonly #waitsUntil: number;
  #isWaitOver = false;
  #gravest: AppError | undefined;

  constructor(core: PoolCore, question: PoolQuestion<T>) {
    this.#core = core;
    this.#question = question;
    const waitMs = Math.min(core.limits.absenceWaitMs, (question.withinMs ?? Infinity) * LONGEST_WAIT_SHARE);
    this.#waitsUntil = core.clock.monotonic() + waitMs;
  }

  // ------------------------------------------------------------------ hearing

  asked(member: Member): void {
    this.#of(member).tries++;
  }

  /** It delivers. Should that break off, it may be asked once more than others. */
  began(member: Member): void {
    this.#of(member).tries -= 0.5;
  }

  /** It was told to stop before it could say anything: as if it had not been asked. */
  dismissed(member: Member): void {
    this.#of(member).tries--;
  }

  /** It takes too long, and may still answer. */
  late(member: Member): void {
    this.#of(member).late++;
  }

  /** It failed in a way that counts against it. */
  missed(member: Member): void {
    this.#of(member).failures++;
  }

  /** It answered, or failed, after it had been late. */
  noLongerLate(member: Member): void {
    this.#of(member).late--;
  }

  /** What an asking ended with. */
  said(member: Member, error: AppError, verdict: Verdict): void {
    const heard = this.#of(member);
    heard.error = error;
    heard.verdict = verdict;
    this.#gravest = graver(this.#gravest, error);
  }

  /** How much longer "not here" waits for who is late, ms. */
  get absenceWaitsMs(): number {
    return Math.max(0, this.#waitsUntil - this.#core.clock.monotonic());
  }

  /** That time has passed. */
  waitIsOver(): void {
    this.#isWaitOver = true;
  }

  // ------------------------------------------------------------------ who is asked once more

  /** Askings of all together. */
  get tries(): number {
    let tries = 0;
    for (const one of this.#heard.values()) tries += one.tries;
    return tries;
  }

  triesOf(member: Member): number {
    return this.#of(member).tries;
  }

  /** Whether somebody failed otherwise than by not having it. */
  get hasFailure(): boolean {
    for (const { verdict, tries } of this.#heard.values()) if (verdict !== 'absent' && tries > 0) return true;
    return false;
  }

  /** Whether somebody says "not here" whose word counts: then the others are asked until they say so, too. */
  get isDisputed(): boolean {
    return this.#absence() !== undefined;
  }

  /** Whether `member` may say something else when it is asked once more. While others say "not here" that is who did not say so; else who failed with what may be over. */
  mayChange(member: Member): boolean {
    const { tries, verdict, error } = this.#of(member);
    if (tries + 0.5 > this.#core.limits.attemptsPerMember) return false;
    if (this.isDisputed) return tries > 0 && (verdict === undefined || verdict === 'failed');
    return error !== undefined && isWorthRetry(error);
  }

  // ------------------------------------------------------------------ what may be said

  /** Whether it is "not here" by the word of all whose word is needed, whoever else is still being asked. */
  get isAgreed(): boolean {
    return this.#absence() !== undefined && this.#silent() === undefined;
  }

  /** What the question failed with, when nobody is left to ask. */
  failure(): AppError {
    const gravest = this.#gravest;
    if (gravest === undefined) return this.#core.unavailable(this.#question.attempted);
    if (verdictOf(gravest) === 'integrity') return gravest;
    const silent = this.#silent();
    const absence = this.#absence();
    if (silent === undefined && absence !== undefined) return this.#isOfAll() ? absence : asWordOfSome(absence);
    return verdictOf(gravest) === 'absent' ? this.#unheard(silent, gravest) : gravest;
  }

  /** All that were asked do not have it, but not all were asked whose word is needed. */
  #unheard(silent: Member | undefined, absence: AppError): AppError {
    const { attempted } = this.#question;
    if (silent === undefined) return this.#core.unavailable(attempted);
    return new AppError('UPSTREAM_UNAVAILABLE', `${attempted}: ${silent.name} may have it, and cannot be asked now`, {
      cause: absence,
      detail: { retryAfterSeconds: 1 },
    });
  }

  /** Whether also those said that it is not here whose word is not needed, because they are left alone or failed too often. */
  #isOfAll(): boolean {
    const concerned = this.#core.members.filter((member) => this.#core.isConcerned(this.#question, member));
    return concerned.every((member) => this.#of(member).verdict === 'absent');
  }

  /**
   * Somebody whose word is needed, and who did not say that it is not here. Who failed this question so often that it would be ejected, had it been several questions, has no say in it; nor has who is
   * late, once it was waited for.
   */
  #silent(): Member | undefined {
    const { openAfterFailures } = this.#core.limits;
    return this.#core.witnesses(this.#question).find((member) => {
      const { verdict, failures, late } = this.#of(member);
      const isGivenUp = this.#isWaitOver && late > 0;
      return verdict !== 'absent' && failures < openAfterFailures && !isGivenUp;
    });
  }

  /** What those who do not have it say together; undefined when nobody said so. */
  #absence(): AppError | undefined {
    let absence: AppError | undefined;
    for (const [member, { verdict, error }] of this.#heard)
      if (verdict === 'absent' && error !== undefined && this.#core.isWitness(this.#question, member))
        absence = graver(absence, error);
    return absence;
  }

  #of(member: Member): Heard {
    let heard = this.#heard.get(member);
    if (heard === undefined) this.#heard.set(member, (heard = { tries: 0, failures: 0, late: 0 }));
    return heard;
  }
}
