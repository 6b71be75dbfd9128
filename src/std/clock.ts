import { setTimeout as sleepFor } from 'node:timers/promises';
import { type Ask, abortedError } from './ask.ts';

/** Time as an argument, so that tests own it. */
export interface Clock {
  /** Wall time, ms since 1970: for records and HTTP dates, never for durations. */
  now(): number;
  /** Monotonic time, ms from an arbitrary start: for durations, deadlines and expiry inside the process. */
  monotonic(): number;
  /** Resolves after `ms` (at most 24 days); rejects with the AppError of abortedError when the signal fires first. */
  sleep(ms: number, o: Ask): Promise<void>;
  /** Calls `run` after `ms` (at most 24 days), unless the function it returns is called first. For timers that mostly do not run out: setting and clearing one costs a hundredth of an aborted sleep. */
  after(ms: number, run: () => void): () => void;
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, { signal }) => {
    try {
      await sleepFor(Math.min(ms, LONGEST_TIMER_MS), undefined, { signal });
    } catch (error) {
      throw signal.aborted ? abortedError(signal) : error;
    }
  },
  after: (ms, run) => {
    const timer = setTimeout(run, Math.min(ms, LONGEST_TIMER_MS));
    return () => clearTimeout(timer);
  },
};
