import { AppError, toAppError } from '../std/errors.ts';
import type { PoolQuestion } from './asking.ts';
import type { Verdict } from './classify.ts';
import type { PoolCore } from './core.ts';
import type { Member } from './member.ts';
import type { MemberOutcome } from './observer.ts';
import type { Underway } from './underway.ts';

/** Who is told how a turn goes. After `onAnswer` or `onFailure` the turn is over. */
export interface TurnListener<T> {
  onAnswer(turn: Turn<T>, value: T): void;
  onFailure(turn: Turn<T>, error: AppError, verdict: Verdict): void;
  /** What its time is measured for is here. */
  onBegun(turn: Turn<T>): void;
  /** It takes longer than nearly all others did. */
  onSlow(turn: Turn<T>): void;
  /** Its time to the first byte has passed. It goes on. */
  onLate(turn: Turn<T>): void;
}

/** What a turn needs to know. */
interface TurnParts<T> {
  readonly core: PoolCore;
  readonly question: PoolQuestion<T>;
  readonly member: Member;
  readonly why: Exclude<MemberOutcome['why'], 'probe'>;
  readonly listener: TurnListener<T>;
}

/** One asking of one member: from its pause before, over its times, to what is said of the member in the end. Ends exactly once, and leaves no timer behind. */
export class Turn<T> {
  readonly member: Member;
  readonly why: TurnParts<T>['why'];
  readonly #core: PoolCore;
  readonly #question: PoolQuestion<T>;
  #listener: TurnListener<T>;
  readonly #stop = new AbortController();
  #underway: Underway | undefined;
  #cancelTimer = ignore;
  #isOver = false;

  constructor({ core, question, member, why, listener }: TurnParts<T>) {
    this.#core = core;
    this.#question = question;
    this.member = member;
    this.why = why;
    this.#listener = listener;
  }

  /** Whether it may still answer soon. */
  get isFresh(): boolean {
    return this.#underway?.isLate !== true || this.#underway.hasBegun;
  }

  /** Whether its time to the first byte has passed. */
  get isLate(): boolean {
    return this.#underway?.isLate === true;
  }

  /** Asks after `pauseMs`, or when the member's rate allows, whichever is later. */
  start(pauseMs: number): void {
    const { clock, queued } = this.#core;
    const waitMs = Math.max(pauseMs, this.member.throttle.take(clock.monotonic()));
    if (waitMs === 0) return this.#ask();
    queued.add(this);
    this.#cancelTimer = clock.after(waitMs, () => {
      this.look();
      if (!this.#isOver) this.#ask();
    });
  }

  /** To be called while it waits, whenever something became of a member: it ends when its own may not be asked any more, or only on trial. */
  look(): void {
    const { member, why } = this;
    const isAway = member.health.isAway && why !== 'trial';
    if (!isAway && member.mayBeAsked(this.#core.clock.monotonic())) return;
    this.#end();
    this.#listener.onFailure(this, this.#core.unavailable(this.#question.attempted), 'throttled');
  }

  /** From now on it is `listener` who is told. */
  handTo(listener: TurnListener<T>): void {
    this.#listener = listener;
  }

  /** Another member answered. */
  overtaken(): void {
    const one = this.#end(new AppError('ABORTED', `${this.#question.attempted}: another upstream has answered`));
    if (one === undefined) return;
    const now = this.#core.clock.monotonic();
    this.member.overtaken(now, one);
    if (!one.hasBegun) this.#core.compareOvertaken(now, this.member, now - one.since);
    this.#tell(one.isLate ? 'failed' : 'left');
  }

  /** Whoever asked has gone, or has what the others gave. */
  leave(reason: unknown): void {
    const one = this.#end(reason);
    if (one === undefined) return;
    this.member.left(one);
    this.#tell(one.isLate ? 'failed' : 'left');
  }

  #ask(): void {
    const { clock, queued } = this.#core;
    const { kind } = this.#question;
    queued.delete(this);
    const underway = this.member.asked(clock.monotonic(), this.#question);
    this.#underway = underway;
    const firstByteMs = this.#core.isAlone ? this.#core.limits.firstByteMaxMs : this.member.firstByteMs(kind);
    const hedgeMs = this.#core.isAlone ? firstByteMs : this.member.hedgeAfterMs(kind);
    this.#cancelTimer =
      hedgeMs < firstByteMs
        ? clock.after(hedgeMs, () => this.#slow(firstByteMs - hedgeMs))
        : clock.after(firstByteMs, () => this.#late());
    const attempt = { signal: this.#stop.signal, begun: () => this.#begun() };
    this.#put(attempt).then(
      (value) => this.#answered(underway, value),
      (error: unknown) => this.#failed(underway, toAppError(error, this.#question.attempted)),
    );
  }

  async #put(attempt: Parameters<PoolQuestion<T>['ask']>[1]): Promise<T> {
    return this.#question.ask(this.member.source, attempt);
  }

  #slow(restMs: number): void {
    this.#cancelTimer = this.#core.clock.after(restMs, () => this.#late());
    this.#listener.onSlow(this);
  }

  #late(): void {
    const underway = this.#underway;
    if (underway === undefined || this.#isOver) return;
    const now = this.#core.clock.monotonic();
    const failure = new AppError(
      'UPSTREAM_TIMEOUT',
      `${this.#question.attempted} from ${this.member.name}: nothing within ${Math.round(now - underway.since)} ms`,
    );
    this.member.late(now, underway, failure);
    this.#core.compare(now, this.member, true);
    this.#listener.onLate(this);
  }

  #begun(): void {
    if (this.#isOver || this.#underway === undefined || this.#underway.hasBegun) return;
    this.#cancelTimer();
    this.member.began(this.#core.clock.monotonic(), this.#underway);
    this.#listener.onBegun(this);
  }

  #answered(one: Underway, value: T): void {
    if (this.#isOver) return;
    this.#end();
    const now = this.#core.clock.monotonic();
    const latencyMs = one.hasBegun ? undefined : now - one.since;
    this.member.answered(now, one);
    if (!one.isLate) this.#core.compare(now, this.member, false, latencyMs);
    this.#tell('good');
    this.#listener.onAnswer(this, value);
  }

  #failed(one: Underway, error: AppError): void {
    if (this.#isOver) return;
    this.#end();
    const verdict = this.member.verdictOn(this.#core.clock.monotonic(), this.#question.key, error);
    this.#judge(one, error, verdict);
    this.#tell(RESULT[verdict]);
    this.#listener.onFailure(this, error, verdict);
  }

  #judge(one: Underway, error: AppError, verdict: Verdict): void {
    const { member } = this;
    const now = this.#core.clock.monotonic();
    const isFailure = verdict === 'failed' || verdict === 'tls';
    if (verdict === 'absent') member.saidAbsent(now, one);
    else if (verdict === 'throttled') member.throttled(now, one, error);
    else if (isFailure) member.failed(now, one, verdict === 'tls' ? 'tls' : 'failures', error);
    else member.left(one);
    if (verdict === 'integrity') this.#core.strike(now, member, error);
    else if ((isFailure && !one.isLate) || verdict === 'absent') this.#core.compare(now, member, isFailure);
  }

  /** Undefined when it had not been asked yet, or is over. */
  #end(reason?: unknown): Underway | undefined {
    if (this.#isOver) return undefined;
    this.#isOver = true;
    this.#core.queued.delete(this);
    this.#cancelTimer();
    if (reason !== undefined) this.#stop.abort(reason);
    if (this.#underway === undefined) this.member.throttle.giveBack(this.#core.clock.monotonic());
    return this.#underway;
  }

  #tell(result: MemberOutcome['result']): void {
    this.#core.told({ member: this.member.name, why: this.why, result });
  }
}

/** Why a member is asked whom nobody came before. */
export function whyFirst({ isRepeat = false }: Pick<PoolQuestion<unknown>, 'isRepeat'>): 'first' | 'retry' {
  return isRepeat ? 'retry' : 'first';
}

const RESULT: Readonly<Record<Verdict, MemberOutcome['result']>> = {
  absent: 'absent',
  failed: 'failed',
  throttled: 'throttled',
  tls: 'failed',
  integrity: 'integrity',
  refused: 'failed',
  ours: 'left',
};

function ignore(): void {}
