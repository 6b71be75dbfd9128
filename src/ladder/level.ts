/**
 * The rungs of the degradation ladder, from "as always" to "nothing outside this machine". None of them weakens verification.
 *
 * 0 normal · 1 what is stored here, and module caches read in place · 2 the other upstreams, and peers · 3 bundles · 4 git straight from the origin · 5 static: nothing outside is touched
 */
export type Level = 0 | 1 | 2 | 3 | 4 | 5;

/** Each level in a word, for logs and pages. */
export const LEVEL_NAMES: Readonly<Record<Level, string>> = {
  0: 'normal',
  1: 'local',
  2: 'other-upstreams',
  3: 'bundle',
  4: 'origin',
  5: 'static',
};
