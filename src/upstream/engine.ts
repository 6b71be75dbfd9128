import type { Source } from '../sources/source.ts';
import type { Clock } from '../std/clock.ts';
import { AppError } from '../std/errors.ts';
import type { Pool } from './asking.ts';
import type { UpstreamObserver } from './observer.ts';
import { MemberPool } from './pool.ts';
import type { PoolSettings } from './settings.ts';
import type { PoolStanding } from './standing.ts';

/** What a pool needs of the world. */
export interface EngineParts {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly observer: UpstreamObserver;
}

/**
 * A pool, and what is done to it besides asking. Members are named by their source's name; an unknown name is NOT_FOUND, a member that is no canary in a
 * question about canaries CONFLICT.
 */
export interface EnginePool extends Pool {
  /** How its members stand now. */
  standing(): PoolStanding;
  /** Begins to probe the members that have a probe. Doing it twice does nothing. */
  start(): void;
  /** No more probes until `start`: for the time in which nothing outside may be touched. Probes under way are aborted. */
  stop(): void;
  /** Leads the questions of a member to `source`, and its probes to `probes`, until undefined is given: for drills. The member's health is what it hears there. */
  detour(member: string, source: Source | undefined, probes?: Source): void;
  /** Forgets what a member is left alone or spared for, strikes included: it was a drill's doing. Its next good answers bring it back. */
  pardon(member: string): void;
  /** Begins the stages of a canary, from the first, also after it was rolled back. */
  startCanary(member: string): void;
  /** On to the next stage, whatever it has shown. */
  promoteCanary(member: string): void;
  /** Until `startCanary` it is asked only when nobody else can answer. */
  rollBackCanary(member: string): void;
  /** The end: as `stop`, questions under way fail with ABORTED, and so does whoever asks or waits from now on. */
  close(): void;
}

/** The pool of `settings`. Probes nobody before `start`. Throws CONFIG_INVALID without members, with nothing but canaries, with a name given twice, or with a weight, factor or limit that is not above 0. */
export function createPool(settings: PoolSettings, parts: EngineParts): EnginePool {
  refuseNonsense(settings);
  return new MemberPool(settings, parts);
}

function refuseNonsense({ name, members }: PoolSettings): void {
  const refuse = (what: string): never => {
    throw new AppError('CONFIG_INVALID', `${name}: ${what}`);
  };
  if (members.length === 0) refuse('it has no upstreams');
  const names = new Set<string>();
  for (const { source, weight, regionFactor, maxInFlight, ratePerSecond = 1 } of members) {
    if (names.has(source.name)) refuse(`${source.name} is in it twice`);
    names.add(source.name);
    const figures = [weight, regionFactor, maxInFlight, ratePerSecond];
    if (!figures.every((one) => one > 0)) refuse(`${source.name} has a figure that is not above 0`);
  }
  if (members.every(({ isCanary }) => isCanary)) refuse('it has no upstream that is no canary');
}
