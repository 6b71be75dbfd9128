/** On which level a route stands, by the words of the rule, from nothing but what its pools say of themselves; and what was told of it. */
import type { Level } from '../../src/ladder/level.ts';
import type { LadderStep } from '../../src/ladder/observer.ts';
import type { RoutePlan } from '../../src/policy/plan.ts';
import type { PoolStanding } from '../../src/upstream/standing.ts';

/** So long a better place has to be well without a break, ms. */
const LASTING_MS = 10_000;

/** How the pool of a step or a rung stands; undefined for what nobody keeps count of. */
type StandingOf = (source: string) => PoolStanding | undefined;

/** Judges the ladder of one route. It looks whenever the ladder looks. */
export class LadderOracle {
  readonly #places: readonly { readonly level: Level; readonly source: string }[];
  readonly #standingOf: StandingOf;
  /** By place: since when each look found it well; undefined when the last one did not. */
  readonly #wellSince: (number | undefined)[];
  #at: number;
  #isOffline: boolean;
  /** Where it began, or what was told last: to begin offline is a step, too. */
  #told: Level;

  constructor({ steps, rungs }: RoutePlan, standingOf: StandingOf, now: number, isOffline: boolean) {
    const comma = steps.findIndex(({ separator }) => separator === ',');
    const reached = comma < 0 ? steps : steps.slice(0, comma + 1);
    this.#places = [
      ...reached.map(({ source }, nth) => ({ source, level: nth === 0 ? 0 : 2 }) as const),
      ...rungs.filter(({ source }) => reached.every((step) => step.source !== source)),
    ];
    this.#standingOf = standingOf;
    this.#isOffline = isOffline;
    this.#wellSince = this.#places.map(({ source }) => (this.#isWell(source) ? now : undefined));
    this.#at = this.#firstThatIsNotOut();
    this.#told = this.#levelOnline();
  }

  looked(now: number): void {
    this.#places.forEach(({ source }, nth) => {
      this.#wellSince[nth] = this.#isWell(source) ? (this.#wellSince[nth] ?? now) : undefined;
    });
    if (this.#isOffline) return;
    const better = this.#wellSince.findIndex((since) => since !== undefined && now - since >= LASTING_MS);
    if (better >= 0 && better < this.#at) this.#at = better;
    else if (this.#isOut(this.#at)) this.#at = this.#firstThatIsNotOut();
  }

  switched(to: 'on' | 'off'): void {
    this.#isOffline = to === 'on';
    if (to === 'off') this.#at = this.#firstThatIsNotOut();
  }

  /** What is wrong with a step that was told now. */
  wrongIn({ from, to }: LadderStep): string | undefined {
    const before = this.#told;
    this.#told = to;
    return from === before && from !== to ? undefined : `a step from ${from} to ${to} was told at level ${before}`;
  }

  /** What is wrong with the ladder standing at `level` now that it has looked. */
  wrongAt(level: Level): string | undefined {
    const right = this.#levelHere();
    if (level !== right) return `it stands at ${level}, and the rule says ${right}`;
    return this.#told === right ? undefined : `it stands at ${right}, and told of ${this.#told}`;
  }

  #levelHere(): Level {
    return this.#isOffline ? 5 : this.#levelOnline();
  }

  #levelOnline(): Level {
    return this.#places[this.#at]?.level ?? 1;
  }

  #firstThatIsNotOut(): number {
    const nth = this.#places.findIndex((_, at) => !this.#isOut(at));
    return nth < 0 ? this.#places.length : nth;
  }

  #isWell(source: string): boolean {
    return this.#standingOf(source)?.members.some(({ state }) => state === 'up' || state === 'suspect') ?? true;
  }

  #isOut(nth: number): boolean {
    const place = this.#places[nth];
    if (place === undefined || this.#isWell(place.source)) return false;
    return this.#standingOf(place.source)?.isUsable === false;
  }
}
