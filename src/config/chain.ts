import { parseProxyList } from '../gomod/goenv.ts';
import { parseUpstreamList, type UpstreamEntry } from '../policy/upstream-list.ts';
import { isAppError } from '../std/errors.ts';
import { type Address, writtenAs } from './leaves.ts';
import { nearest } from './nearest.ts';
import type { ConfigProblem } from './problem.ts';
import { redactUrls } from './redact.ts';
import type { Config } from './schema.ts';

/** Every chain of the configuration: that of `upstream`, then those of the routes in their order. */
export function chainsOf({ upstream, routes }: Pick<Config, 'upstream' | 'routes'>): readonly string[] {
  return [upstream, ...routes.map((route) => route.upstream)];
}

/** One thing that is wrong with a chain: it does not parse, names a pool that is not there, or an entry is the server itself. No secret is in it. */
export type ChainFault =
  | { readonly kind: 'bad-upstream'; readonly reason: string }
  | { readonly kind: 'unknown-pool'; readonly pool: string; readonly nearest?: string }
  | { readonly kind: 'self-call'; readonly entry: string };

/** What a chain is checked against. */
export interface ChainAround {
  /** Those there are. */
  readonly pools: readonly string[];
  /** Whether a URL leads back to this server. */
  readonly isSelf: (url: string) => boolean;
}

/** All that is wrong with `chain`, in the order of its entries. `parse` reads it, and throws CONFIG_INVALID. */
export function chainFaults(
  chain: string,
  around: ChainAround,
  parse: (chain: string) => readonly UpstreamEntry[] = parseUpstreamList,
): readonly ChainFault[] {
  try {
    return parse(chain).flatMap((entry) => entryFaults(entry, around));
  } catch (error) {
    if (isAppError(error, 'CONFIG_INVALID')) return [{ kind: 'bad-upstream', reason: redactUrls(error.message) }];
    throw error;
  }
}

function entryFaults(entry: UpstreamEntry, { pools, isSelf }: ChainAround): readonly ChainFault[] {
  if (entry.kind === 'proxy') return isSelf(entry.url) ? [{ kind: 'self-call', entry: redactUrls(entry.url) }] : [];
  if (entry.kind !== 'pool' || pools.includes(entry.name)) return [];
  const near = nearest(entry.name, pools);
  return [{ kind: 'unknown-pool', pool: entry.name, ...(near === undefined ? {} : { nearest: near }) }];
}

/** All that is wrong with the chain `upstream`, as it is told. */
export function chainProblems(
  upstream: string,
  o: ChainAround & {
    readonly listen: Address;
    readonly origin: string;
    /** Whether it was written for Larder, and may name pools. */
    readonly isOurs: boolean;
  },
): readonly ConfigProblem[] {
  const { origin, pools, isOurs } = o;
  const listen = String(writtenAs('address', o.listen));
  const setting = isOurs ? 'upstream' : 'GOPROXY';
  return chainFaults(upstream, o, isOurs ? parseUpstreamList : parseProxyList).map((one): ConfigProblem => {
    if (one.kind === 'unknown-pool') return { ...one, origin, pools };
    return one.kind === 'self-call' ? { ...one, origin, listen, setting } : { ...one, origin };
  });
}
