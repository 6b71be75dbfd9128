import type { Clock } from '../std/clock.ts';

/**
 * How old is what was written at some wall time, by a clock that may be set meanwhile (reliability: R9). Told by the wall clock as it is, and as it would be
 * had nobody touched it since the start: what was written before the clock was set is right by the second, what was written after that by the first. The
 * smaller age wins, so that a leap of years lets nothing expire at once.
 */
export class WallAges {
  readonly #clock: Clock;
  /** Wall time when the monotonic clock stood at 0. */
  readonly #origin: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#origin = clock.now() - clock.monotonic();
  }

  /** In ms; undefined when `writtenAt` (wall ms) lies in the future by both. */
  ageMs(writtenAt: number): number | undefined {
    const times = [this.#clock.now(), this.#origin + this.#clock.monotonic()];
    const ages = times.map((time) => time - writtenAt).filter((age) => age >= 0);
    return ages.length === 0 ? undefined : Math.min(...ages);
  }
}
