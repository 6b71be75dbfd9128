import type { EngineLimits } from './settings.ts';

/** What share of its questions a member gets so long after it came back: growing evenly from `slowStartShare` to 1. */
export function slowStartShare(
  sinceMs: number,
  { slowStartMs, slowStartShare: least }: Pick<EngineLimits, 'slowStartMs' | 'slowStartShare'>,
): number {
  return Math.min(1, least + ((1 - least) * Math.max(0, sinceMs)) / slowStartMs);
}

/** Which questions those are: evenly spread, the first one among them, so that it is soon known whether more than probes are answered. */
export class SlowStart {
  /** Turns that it has saved up, below 2. */
  #turns = 1;

  /** It is back now. */
  begin(): void {
    this.#turns = 1;
  }

  /** Whether the next question is one of its `share`. Counts it. */
  hasTurn(share: number): boolean {
    if (share >= 1) return true;
    const hasTurn = this.#turns >= 1;
    this.#turns += share - (hasTurn ? 1 : 0);
    return hasTurn;
  }
}
