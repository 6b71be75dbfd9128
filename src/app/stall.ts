/**
 * For how long something has stood still, by looks at it in regular time. A look counts no longer than the time between two: when it comes late, whoever looks has slept as well (a laptop
 * was closed, the process was stopped), and what was looked at could not move.
 */
export class Stall {
  readonly #everyMs: number;
  #standsMs = 0;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** One more look, `passedMs` after the one before. Returns for how long it stands still now, ms. */
  look({ passedMs, hasMoved }: { readonly passedMs: number; readonly hasMoved: boolean }): number {
    const isLate = passedMs > 3 * this.#everyMs;
    this.#standsMs = hasMoved || isLate ? 0 : this.#standsMs + Math.min(passedMs, this.#everyMs);
    return this.#standsMs;
  }
}
