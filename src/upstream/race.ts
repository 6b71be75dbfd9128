import { type Ask, abortedError } from '../std/ask.ts';
import type { AppError } from '../std/errors.ts';
import type { PoolAnswer, PoolQuestion } from './asking.ts';
import type { Verdict } from './classify.ts';
import type { Candidate, PoolCore } from './core.ts';
import type { Member } from './member.ts';
import { Testimony } from './testimony.ts';
import { Turn, type TurnListener, whyFirst } from './turn.ts';

/**
 * One question on its way through a pool. One member is asked; another in its place when it fails; another beside it when it takes long. The first good answer
 * ends it, and whoever is still being asked is told to stop. See asking.ts for what is said when nobody answers.
 */
export class Race<T> implements TurnListener<T> {
  readonly #core: PoolCore;
  readonly #question: PoolQuestion<T>;
  /** Not asked yet, in order. */
  readonly #untried: Candidate[];
  readonly #testimony: Testimony<T>;
  readonly #live = new Set<Turn<T>>();
  readonly #result = Promise.withResolvers<PoolAnswer<T>>();
  #hasHedged = false;
  #hasAsked = false;
  #isOver = false;

  constructor(core: PoolCore, question: PoolQuestion<T>, candidates: readonly Candidate[]) {
    this.#core = core;
    this.#question = question;
    this.#untried = [...candidates];
    this.#testimony = new Testimony(core, question);
  }

  /** The first good answer. Rejects as asking.ts says, or with the signal's reason. */
  async run({ signal }: Ask): Promise<PoolAnswer<T>> {
    const leave = (): void => this.stop(abortedError(signal));
    signal.addEventListener('abort', leave, { once: true });
    const cancelTimer = this.#core.clock.after(this.#testimony.absenceWaitsMs, () => {
      this.#testimony.waitIsOver();
      this.#advance();
    });
    try {
      this.#advance();
      return await this.#result.promise;
    } finally {
      cancelTimer();
      signal.removeEventListener('abort', leave);
    }
  }

  /** Ends it with `reason`, which says nothing of those who are being asked. */
  stop(reason: AppError): void {
    this.#fail(reason);
  }

  /** A member was asked already, and failed. */
  hasHeard(member: Member, error: AppError, verdict: Verdict): void {
    this.#hasAsked = true;
    this.#testimony.asked(member);
    if (verdict === 'failed') this.#testimony.missed(member);
    this.#testimony.said(member, error, verdict);
  }

  /** A member is being asked already, and late. It may still answer. */
  takeOver(turn: Turn<T>): void {
    this.#hasAsked = true;
    this.#testimony.asked(turn.member);
    this.#testimony.late(turn.member);
    this.#live.add(turn);
    turn.handTo(this);
  }

  onAnswer(turn: Turn<T>, value: T): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#live.delete(turn);
    for (const turn of this.#live) turn.overtaken();
    this.#live.clear();
    this.#result.resolve({ value, member: turn.member.name });
  }

  onFailure(turn: Turn<T>, error: AppError, verdict: Verdict): void {
    this.#live.delete(turn);
    if (turn.isLate) this.#testimony.noLongerLate(turn.member);
    if (verdict === 'failed') this.#testimony.missed(turn.member);
    this.#testimony.said(turn.member, error, verdict);
    if (verdict === 'ours') this.#fail(error);
    else this.#advance();
  }

  /** The others are in its way now. They may be asked again should it fail. */
  onBegun(turn: Turn<T>): void {
    this.#testimony.began(turn.member);
    for (const other of this.#live) {
      if (other === turn) continue;
      this.#live.delete(other);
      other.overtaken();
      this.#testimony.dismissed(other.member);
      this.#untried.unshift({ member: other.member, isReserve: false });
    }
  }

  onSlow(turn: Turn<T>): void {
    if (this.#hasHedged || this.#live.size > 1 || !this.#live.has(turn)) return;
    const next = this.#untried.find(({ member, isReserve }) => !isReserve && member.health.state === 'up');
    if (next === undefined || !next.member.mayBeHedgedTo(this.#core.clock.monotonic())) return;
    if (!this.#core.hedges.take()) return;
    this.#hasHedged = true;
    this.#untried.splice(this.#untried.indexOf(next), 1);
    this.#ask(next.member, 'hedge');
  }

  onLate(turn: Turn<T>): void {
    this.#testimony.late(turn.member);
    this.#advance();
  }

  /** Asks the next one, unless somebody may still answer soon; ends the race when nobody is left. */
  #advance(): void {
    if (this.#isOver) return;
    for (const turn of this.#live) if (turn.isFresh) return;
    const next = this.#nextUntried();
    if (next !== undefined) return this.#ask(next, this.#hasAsked ? 'failover' : whyFirst(this.#question));
    const again = this.#nextAgain();
    if (again !== undefined) return this.#ask(again, 'retry', this.#pauseMs(again));
    if (this.#live.size === 0 || this.#testimony.isAgreed) this.#fail(this.#testimony.failure());
  }

  #ask(member: Member, why: Turn<T>['why'], pauseMs = 0): void {
    const isTrial = member.health.isAway;
    this.#hasAsked = true;
    this.#testimony.asked(member);
    const [core, question] = [this.#core, this.#question];
    const turn = new Turn({ core, question, member, why: isTrial ? 'trial' : why, listener: this });
    this.#live.add(turn);
    turn.start(pauseMs);
  }

  /** Takes the next one that may be asked now off the list. */
  #nextUntried(): Member | undefined {
    for (let next = this.#untried[0]; next !== undefined; next = this.#untried[0]) {
      if (next.isReserve && !this.#testimony.hasFailure) return undefined;
      this.#untried.shift();
      if (this.#mayAsk(next.member)) return next.member;
    }
    return undefined;
  }

  /**
   * Who is asked once more: whoever may answer the second time, once; and as long as others say "not here", whoever did not say so, up to three times, also beside
   * itself: by then it has said so or is ejected.
   */
  #nextAgain(): Member | undefined {
    const { isDisputed, tries } = this.#testimony;
    if (!isDisputed && (this.#live.size > 0 || tries >= this.#core.members.length + 1)) return undefined;
    const again = this.#core
      .witnesses(this.#question)
      .find((member) => this.#mayAsk(member) && this.#testimony.mayChange(member));
    return again !== undefined && this.#core.retries.take(this.#core.clock.monotonic()) ? again : undefined;
  }

  #mayAsk(member: Member): boolean {
    const now = this.#core.clock.monotonic();
    return member.mayBeAsked(now) && member.throttle.turnInMs(now) <= this.#core.limits.turnWaitMs;
  }

  #pauseMs(member: Member): number {
    const { retryPauseMs, retryPauseMaxMs } = this.#core.limits;
    const doublings = Math.max(0, Math.floor(this.#testimony.triesOf(member)) - 1);
    return this.#core.random() * Math.min(retryPauseMaxMs, retryPauseMs * 2 ** doublings);
  }

  #fail(error: AppError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const turn of this.#live) turn.leave(error);
    this.#live.clear();
    this.#result.reject(error);
  }
}
