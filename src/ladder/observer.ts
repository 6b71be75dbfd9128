import type { Level } from './level.ts';

/** `start` the first look · `out` all above are open · `back` one above has been well for long enough · `offline`, `online` the operator's will */
export type StepReason = 'start' | 'out' | 'back' | 'offline' | 'online';

/** A route now stands on another level. */
export interface LadderStep {
  readonly route: string;
  readonly from: Level;
  readonly to: Level;
  readonly why: StepReason;
}

/** What the ladder tells. Implementations never throw and never block. */
export interface LadderObserver {
  onLadderStep(step: LadderStep): void;
}
