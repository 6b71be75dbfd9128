import type { Sabotage } from './node.ts';
import { type Played, playWorld } from './world.ts';

/** Worlds that are played side by side, so that they share the turns of the event loop: the dearest thing that they need. They share nothing else. */
const SIDE_BY_SIDE = 24;

export interface ManyOptions {
  readonly from: number;
  readonly count: number;
  readonly sabotage?: Sabotage;
  /** Told of each world; false = enough. */
  readonly onPlayed: (played: Played) => boolean;
}

/** Plays the worlds of the seeds `from`, `from + 1`, ... Returns how many were played. */
export async function playMany({ from, count, sabotage, onPlayed }: ManyOptions): Promise<number> {
  const tick = ticker();
  const stackTraceLimit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0; // Failures are what a world is full of, and nobody reads where they were made: a third of the time.
  let next = from;
  let played = 0;
  let isEnough = false;
  const lane = async (): Promise<void> => {
    while (next < from + count && !isEnough) {
      const world = await playWorld({ seed: next++, ...(sabotage && { sabotage }) }, tick);
      played++;
      if (!onPlayed(world)) isEnough = true;
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(SIDE_BY_SIDE, count) }, lane));
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  return played;
}

/** A function whose promise resolves when all that is ready to run has run; all who wait at a time share one turn of the event loop. */
export function ticker(): () => Promise<void> {
  let coming: Promise<void> | undefined;
  return () => {
    coming ??= new Promise((resolve) => {
      setImmediate(() => {
        coming = undefined;
        resolve();
      });
    });
    return coming;
  };
}
