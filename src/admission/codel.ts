/** A wait that may be longer for a moment, ms. */
const TARGET_MS = 500;
/** How long is more than a moment, ms. */
const INTERVAL_MS = 2000;

/**
 * CoDel: what has waited too long is turned away, more and more often, as long as waits stay above the target; a short burst passes. For work that is worth
 * less the later it comes.
 */
export class Codel {
  #aboveSince: number | undefined;
  #dropped = 0;
  #nextDropAt = 0;

  /** Whether work that has waited `waitedMs` is to be turned away instead of begun, at monotonic `now`. */
  isTooLate(waitedMs: number, now: number): boolean {
    if (waitedMs < TARGET_MS) {
      this.#aboveSince = undefined;
      this.#dropped = 0;
      return false;
    }
    this.#aboveSince ??= now;
    if (this.#dropped === 0 ? now - this.#aboveSince < INTERVAL_MS : now < this.#nextDropAt) return false;
    this.#dropped++;
    this.#nextDropAt = now + INTERVAL_MS / Math.sqrt(this.#dropped);
    return true;
  }
}
