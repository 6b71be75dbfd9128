import { seededRandom } from '../fakes/seeded-random.ts';

/** Random numbers that are the same for the same seed. One for each part of a world, so that a change in one leaves the others' alone. */
export class Dice {
  /** In [0, 1). */
  readonly roll: () => number;
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
    this.roll = seededRandom(seed);
  }

  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number {
    return least + Math.floor(this.roll() * (most - least + 1));
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.roll() < probability;
  }

  /** One of them. */
  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.roll() * from.length)] as T;
  }

  /** Dice of their own, for the part that `salt` names. */
  fork(salt: number): Dice {
    return new Dice(Math.imul(this.#seed ^ Math.imul(salt + 1, 0x9e3779b1), 0x85ebca6b));
  }
}
