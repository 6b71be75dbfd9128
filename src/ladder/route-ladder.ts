import type { Level } from './level.ts';
import type { LadderStep, StepReason } from './observer.ts';
import type { Place } from './place.ts';

/** So long a better place must have been well before a route climbs back to it, ms. Spec: "Degradation ladder as a state machine". */
const HYSTERESIS_MS = 10_000;

/** How one route stands. */
export interface RouteStanding {
  readonly route: string;
  readonly level: Level;
  /** Monotonic ms. */
  readonly since: number;
  readonly why: StepReason;
}

/**
 * The ladder of one route, as a state machine without a clock. It goes down at once when everything above is out, as far as the first place that is not; it goes up when a
 * better place has been well for HYSTERESIS_MS without a break. Level 1 is where nobody outside can be had.
 */
export class RouteLadder {
  readonly #route: string;
  readonly #places: readonly Place[];
  #standing: RouteStanding;
  /** Index of the place it stands at; that of none when nobody can be had. */
  #at: number;
  /** Since when each place is well, monotonic ms. */
  readonly #wellSince = new Map<Place, number>();

  /** `places` in the order in which they are asked. Stands at the first that is not out. */
  constructor(route: string, places: readonly Place[], now: number) {
    this.#route = route;
    this.#places = places;
    this.#at = this.#firstNotOut();
    this.#standing = { route, level: this.#levelAt(this.#at), since: now, why: 'start' };
    this.#notice(now);
  }

  get standing(): RouteStanding {
    return this.#standing;
  }

  /** Looks at the places at the monotonic time `now`. Returns the step when there was one. */
  look(now: number): LadderStep | undefined {
    this.#notice(now);
    if (this.#standing.level === OFFLINE) return undefined;
    const lasting = this.#places.findIndex((place) => now - (this.#wellSince.get(place) ?? now) >= HYSTERESIS_MS);
    if (lasting >= 0 && lasting < this.#at) return this.#step(lasting, 'back', now);
    if (this.#places[this.#at]?.wellness() !== 'out') return undefined;
    return this.#step(this.#firstNotOut(), 'out', now);
  }

  /** Nothing outside is touched any more. */
  goOffline(now: number): LadderStep | undefined {
    return this.#standing.level === OFFLINE ? undefined : this.#stand(OFFLINE, 'offline', now);
  }

  /** What stands there may be asked again. */
  goOnline(now: number): LadderStep | undefined {
    if (this.#standing.level !== OFFLINE) return undefined;
    this.#at = this.#firstNotOut();
    return this.#stand(this.#levelAt(this.#at), 'online', now);
  }

  #notice(now: number): void {
    for (const place of this.#places) {
      if (place.wellness() !== 'well') this.#wellSince.delete(place);
      else if (!this.#wellSince.has(place)) this.#wellSince.set(place, now);
    }
  }

  #firstNotOut(): number {
    const at = this.#places.findIndex((place) => place.wellness() !== 'out');
    return at < 0 ? this.#places.length : at;
  }

  #levelAt(at: number): Level {
    return this.#places[at]?.level ?? LOCAL;
  }

  /** Two places may be of one level: then nothing is told. */
  #step(at: number, why: StepReason, now: number): LadderStep | undefined {
    this.#at = at;
    const level = this.#levelAt(at);
    return level === this.#standing.level ? undefined : this.#stand(level, why, now);
  }

  #stand(level: Level, why: StepReason, now: number): LadderStep {
    const from = this.#standing.level;
    this.#standing = { route: this.#route, level, since: now, why };
    return { route: this.#route, from, to: level, why };
  }
}

const LOCAL: Level = 1;
const OFFLINE: Level = 5;
