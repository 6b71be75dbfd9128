import type { Level } from './level.ts';

/** `well` it can be asked and has shown that it answers · `trying` it was out and has not yet shown that it is back · `out` nobody there may be asked */
export type Wellness = 'well' | 'trying' | 'out';

/** Where the questions of a route can be answered that are not answered from here. */
export interface Place {
  readonly level: Extract<Level, 0 | 2 | 3 | 4>;
  /** How it is now. Cheap, and never throws: it is looked at twice a second. */
  readonly wellness: () => Wellness;
}
