import { parseUpstreamList } from '../policy/upstream-list.ts';
import { chainProblems, chainsOf } from './chain.ts';
import { cut, shownMember } from './issue.ts';
import type { KeySpec } from './key-specs.ts';
import type { Address } from './leaves.ts';
import type { ConfigProblem } from './problem.ts';
import { routeTroubles } from './route-faults.ts';
import { type PlacedTrouble, placed, when } from './row-trouble.ts';
import type { Config } from './schema.ts';
import { isSelf } from './self-call.ts';
import { peerTroubles, poolNames, upstreamTroubles } from './upstream-faults.ts';
import { DEFAULT_POOL } from './upstream-rows.ts';
import type { Written } from './written.ts';

/** What values are checked against that are right by themselves. */
interface Beside {
  readonly specs: readonly KeySpec[];
  readonly written: ReadonlyMap<string, Written>;
  /** Where the server listens; port 0 when it does not. */
  readonly listen: Address;
  /** What this machine is called, and its addresses. */
  readonly localNames: readonly string[];
}

/** What is wrong with the chain, and with upstreams, routes and peers, when each member has its form: it does not go together. */
export function togetherProblems(config: Config, beside: Beside): readonly ConfigProblem[] {
  const self = (url: string): boolean => isSelf(url, beside.listen, beside.localNames);
  const taken = new Map<string, string>();
  const around = { taken, isSelf: self };
  const pools = poolNames(config.upstreams);
  const one = beside.written.get('upstream');
  const facts = { origin: one?.origin ?? 'default', isOurs: one?.isGos !== true, pools, isSelf: self };
  const chain = chainProblems(config.upstream, { listen: beside.listen, ...facts });
  const rows = [
    ...rowProblems('upstreams', upstreamTroubles(config.upstreams, around), beside),
    ...rowProblems('peers', peerTroubles(config.peers, around), beside),
    ...rowProblems('routes', routeTroubles(config.routes, { pools, isSelf: self }), beside),
  ];
  // Whether all pools are named can be told only where every chain can be read.
  const unnamed = chain.length === 0 && rows.length === 0 ? rowProblems('upstreams', unnamedPools(config), beside) : [];
  return [...chain, ...rows, ...unnamed];
}

/** A pool that no chain names is a misspelt one: its upstreams would never be asked. */
function unnamedPools(config: Config): readonly PlacedTrouble[] {
  const named = chainsOf(config).flatMap((chain) =>
    parseUpstreamList(chain).flatMap((entry) => (entry.kind === 'pool' ? [entry.name] : [])),
  );
  return placed(config.upstreams, ({ pool = DEFAULT_POOL }) =>
    when(!named.includes(pool), 'pool', 'pool-unnamed').map((trouble) => ({ ...trouble, other: pool })),
  );
}

function rowProblems(
  key: string,
  troubles: readonly PlacedTrouble[],
  { specs, written }: Beside,
): readonly ConfigProblem[] {
  const members = specs.find((spec) => spec.key === key)?.members ?? {};
  const one = written.get(key);
  return troubles.map(({ index, member, reason, other, nearest }) => {
    const shown = shownMember(member, one?.value, { at: index, members });
    const origin = one?.rowOrigins?.[index] ?? one?.origin ?? 'default';
    const example = members[member]?.example ?? '';
    const about = { ...(other !== undefined && { other: cut(other) }), ...(nearest !== undefined && { nearest }) };
    return { kind: 'unfit-row', origin, key, row: index + 1, member, reason, shown, example, ...about };
  });
}
