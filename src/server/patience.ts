import type { Clock } from '../std/clock.ts';

/**
 * How much longer clients may take because we did not listen: Node counts a request's time from when the connection was accepted, whether or not it had time to
 * read what had long come. Tick it often; ticks that come late are what is forgiven, for about `forMs`.
 */
export class Patience {
  readonly #clock: Clock;
  readonly #forMs: number;
  #tickedAt: number;
  /** What is forgiven now, ms. */
  extraMs = 0;

  constructor(clock: Clock, forMs: number) {
    this.#clock = clock;
    this.#forMs = forMs;
    this.#tickedAt = clock.monotonic();
  }

  /** Called every `everyMs`, as far as there is time. */
  tick(everyMs: number): void {
    const now = this.#clock.monotonic();
    const passedMs = now - this.#tickedAt;
    this.#tickedAt = now;
    const kept = Math.max(0, 1 - everyMs / this.#forMs);
    this.extraMs = Math.max(0, this.extraMs * kept + passedMs - everyMs);
  }
}
