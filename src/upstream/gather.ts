import { type Ask, abortedError } from '../std/ask.ts';
import type { AppError } from '../std/errors.ts';
import type { PoolAnswer, PoolQuestion } from './asking.ts';
import type { Verdict } from './classify.ts';
import type { Candidate, PoolCore } from './core.ts';
import type { Member } from './member.ts';
import { Race } from './race.ts';
import { Turn, type TurnListener, whyFirst } from './turn.ts';

/** Who is asked: `members` side by side, `rest` in its order when they have nothing. */
interface Asked {
  readonly members: readonly Member[];
  readonly rest: readonly Candidate[];
}

/**
 * Asks several members at once. Once one has answered the others have a moment more, but nobody waits for those of whom no answer is to be expected soon. As soon as that is all of them it goes on as a
 * race, in which those that are late may still answer.
 */
export class Gather<T> implements TurnListener<T> {
  readonly #core: PoolCore;
  readonly #asked: Asked;
  readonly #turns: readonly Turn<T>[];
  readonly #live: Set<Turn<T>>;
  readonly #answers = new Map<Member, T>();
  readonly #failures: { member: Member; error: AppError; verdict: Verdict }[] = [];
  readonly #result = Promise.withResolvers<readonly PoolAnswer<T>[]>();
  /** What it becomes. */
  readonly #race: Race<T>;
  #isRace = false;
  #cancelTimer = (): void => undefined;
  #isOver = false;

  constructor(core: PoolCore, question: PoolQuestion<T>, asked: Asked) {
    this.#core = core;
    this.#asked = asked;
    this.#race = new Race(core, question, asked.rest);
    this.#turns = asked.members.map((member) => {
      const why = member.health.isAway ? 'trial' : whyFirst(question);
      return new Turn({ core, question, member, why, listener: this });
    });
    this.#live = new Set(this.#turns);
  }

  /** All that came in time, in the order in which the members were given; never empty. Rejects as a race does. */
  async run(o: Ask): Promise<readonly PoolAnswer<T>[]> {
    const { signal } = o;
    const leave = (): void => this.stop(abortedError(signal));
    signal.addEventListener('abort', leave, { once: true });
    try {
      for (const turn of this.#turns) turn.start(0);
      const answers = await this.#result.promise;
      return this.#isRace ? [await this.#race.run(o)] : answers;
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  /** Ends it with `reason`, which says nothing of those who are being asked. */
  stop(reason: AppError): void {
    if (this.#isRace) this.#race.stop(reason);
    if (this.#end((turn) => turn.leave(reason))) this.#result.reject(reason);
  }

  onAnswer(turn: Turn<T>, value: T): void {
    this.#live.delete(turn);
    this.#answers.set(turn.member, value);
    if (this.#answers.size === 1) {
      this.#cancelTimer = this.#core.clock.after(this.#core.limits.listWaitMs, () => this.#finish());
    }
    this.#look();
  }

  onFailure(turn: Turn<T>, error: AppError, verdict: Verdict): void {
    this.#live.delete(turn);
    this.#failures.push({ member: turn.member, error, verdict });
    this.#look();
  }

  onLate(): void {
    this.#look();
  }

  onSlow(): void {}

  onBegun(): void {}

  /** Waits on as long as an answer is to be expected soon. */
  #look(): void {
    const hasAnswers = this.#answers.size > 0;
    for (const { isFresh, member } of this.#live) if (isFresh && (!hasAnswers || member.health.state === 'up')) return;
    if (hasAnswers) this.#finish();
    else this.#goOn();
  }

  #finish(): void {
    if (!this.#end((turn) => turn.overtaken())) return;
    const answers = this.#asked.members.flatMap((member) => {
      const value = this.#answers.get(member);
      return value === undefined ? [] : [{ value, member: member.name }];
    });
    this.#result.resolve(answers);
  }

  #goOn(): void {
    const ours = this.#failures.find(({ verdict }) => verdict === 'ours');
    if (ours !== undefined) return this.stop(ours.error);
    for (const { member, error, verdict } of this.#failures) this.#race.hasHeard(member, error, verdict);
    if (!this.#end((turn) => this.#race.takeOver(turn))) return;
    this.#isRace = true;
    this.#result.resolve([]);
  }

  #end(dismiss: (turn: Turn<T>) => void): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#cancelTimer();
    for (const turn of this.#live) dismiss(turn);
    this.#live.clear();
    return true;
  }
}
