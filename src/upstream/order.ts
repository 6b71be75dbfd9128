import type { HealthState } from './standing.ts';

/** What a member's canary says about one question: it is its module's, it is another's, it was rolled back and is the last to be asked, or not at all because it sent wrong bytes; `none` = it is an ordinary member. */
export type CanaryPlace = 'none' | 'chosen' | 'passed' | 'last' | 'out';

/** How one member stands to one question. */
export interface Bid {
  readonly state: HealthState;
  /** Whether its Retry-After holds. */
  readonly isSpared: boolean;
  /** Whether it has as many questions as it is meant for. */
  readonly isBusy: boolean;
  /** How long the next question would have to wait for its turn under a rate, ms. */
  readonly turnInMs: number;
  /** Whether it came back a short time ago, and this question is not of the share that it has so soon. */
  readonly isEasedIn: boolean;
  /** Whether one question may find out if it is back, because nothing else does. */
  readonly isOnTrial: boolean;
  /** Whether it is left alone because it sent wrong bytes: what it sends of a version is proven like anybody's, so it is better than nobody. */
  readonly isDoubted: boolean;
  readonly canary: CanaryPlace;
  /** Lower is asked first. */
  readonly cost: number;
}

/** A member's rank for one question: lower is asked first; undefined = not asked. */
function rankOf(bid: Bid): number | undefined {
  const { state, isSpared, isBusy, turnInMs, isEasedIn, isOnTrial, isDoubted, canary } = bid;
  if (canary === 'out' || isSpared) return undefined;
  if (isDoubted) return Rank.doubted;
  if (state === 'open' || state === 'half-open') return isOnTrial ? Rank.first : undefined;
  if (canary === 'last') return Rank.last;
  if (canary === 'passed') return Rank.reserve;
  if (turnInMs > 0) return Rank.waiting;
  if (state === 'suspect') return Rank.suspect;
  if (isBusy || isEasedIn) return Rank.busy;
  return canary === 'chosen' ? Rank.first : Rank.usual;
}

/** The ranks. `waiting` may be a matter of many seconds, after which nobody else has been asked. `reserve` and `last` are asked only when those before them failed otherwise than by not having the thing. */
export const Rank = { first: 0, usual: 1, busy: 2, suspect: 3, waiting: 4, doubted: 5, reserve: 6, last: 7 } as const;

/** What decides the cost of a member. */
export interface Price {
  /** Mean and deviation of its latency, ms. */
  readonly meanMs: number;
  readonly deviationMs: number;
  /** Its questions under way, of those it is meant for. */
  readonly load: number;
  readonly regionFactor: number;
  readonly weight: number;
}

/** What asking it costs. Spec: "Upstream state and choice". */
export function costOf({ meanMs, deviationMs, load, regionFactor, weight }: Price): number {
  return ((meanMs + 2 * deviationMs) * (1 + load) * regionFactor) / weight;
}

/** The members that may be asked, in order: by rank, then by whose turn is sooner, then by cost, then as the operator wrote them. */
export function inOrder<M>(bids: readonly (readonly [M, Bid])[]): readonly (readonly [M, number])[] {
  return bids
    .flatMap(([member, bid]) => {
      const rank = rankOf(bid);
      return rank === undefined ? [] : [{ member, rank, bid }];
    })
    .sort((a, b) => a.rank - b.rank || a.bid.turnInMs - b.bid.turnInMs || a.bid.cost - b.bid.cost)
    .map(({ member, rank }) => [member, rank] as const);
}
