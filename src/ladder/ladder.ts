import type { Clock } from '../std/clock.ts';
import type { Level } from './level.ts';
import type { LadderObserver, LadderStep } from './observer.ts';
import type { Place } from './place.ts';
import { RouteLadder, type RouteStanding } from './route-ladder.ts';

/** Between two looks, ms: half of the shortest time in which a pool goes out. */
const LOOK_EVERY_MS = 500;

interface LadderParts {
  /** By the name of the route: where its questions are answered, in order. */
  readonly routes: ReadonlyMap<string, readonly Place[]>;
  /** Whether it begins at level 5. */
  readonly isOffline: boolean;
  readonly clock: Clock;
  readonly observer: LadderObserver;
}

/**
 * On which level each route stands now: where its cold questions are answered. A report, and no more: each question walks the rungs by itself, whatever this says.
 * Every step is told to the observer.
 */
export class Ladder {
  readonly #parts: LadderParts;
  readonly #routes: ReadonlyMap<string, RouteLadder>;
  #cancel: (() => void) | undefined;

  constructor(parts: LadderParts) {
    const now = parts.clock.monotonic();
    this.#parts = parts;
    this.#routes = new Map([...parts.routes].map(([name, places]) => [name, new RouteLadder(name, places, now)]));
    if (parts.isOffline) this.setOffline('on');
  }

  /** Of the route; 0 for one that is not known. */
  levelOf(route: string): Level {
    return this.#routes.get(route)?.standing.level ?? 0;
  }

  /** How all routes stand. */
  standings(): readonly RouteStanding[] {
    return [...this.#routes.values()].map(({ standing }) => standing);
  }

  /** Looks now, and from now on twice a second. Doing it twice does nothing. */
  start(): void {
    if (this.#cancel !== undefined) return;
    this.look();
    this.#lookLater();
  }

  /** Looks now: when something has changed. */
  look(): void {
    this.#each((route, now) => route.look(now));
  }

  /** Level 5 from now on, or what the places allow again. */
  setOffline(to: 'on' | 'off'): void {
    this.#each((route, now) => (to === 'on' ? route.goOffline(now) : route.goOnline(now)));
  }

  /** No more looks. */
  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #lookLater(): void {
    this.#cancel = this.#parts.clock.after(LOOK_EVERY_MS, () => {
      this.look();
      this.#lookLater();
    });
  }

  #each(move: (route: RouteLadder, now: number) => LadderStep | undefined): void {
    const { clock, observer } = this.#parts;
    for (const route of this.#routes.values()) {
      const step = move(route, clock.monotonic());
      if (step !== undefined) observer.onLadderStep(step);
    }
  }
}
