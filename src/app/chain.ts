import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AliasRow } from '../config/git-rows.ts';
import type { PeerRow } from '../config/peer-rows.ts';
import type { RouteRow } from '../config/route-rows.ts';
import type { Config } from '../config/schema.ts';
import { DEFAULT_POOL, type UpstreamRow } from '../config/upstream-rows.ts';
import type { ProxyUrl } from '../gomod/goenv.ts';
import type { ModulePath } from '../gomod/module.ts';
import { rowFor } from '../gomod/path-prefix.ts';
import type { PlanFor } from '../policy/gate.ts';
import { createPlanner, DEFAULT_ROUTE, type PlanStep, type RoutePlan, type Rung, stepsOf } from '../policy/plan.ts';
import { createPrivacy } from '../policy/private.ts';
import { createRoutes, type RouteRule } from '../policy/routes.ts';
import { parseUpstreamList, PEERS_POOL, type UpstreamEntry } from '../policy/upstream-list.ts';
import { createSource, createSources, REPOSITORIES, type SourceDependencies } from '../sources/registry.ts';
import type { Source } from '../sources/source.ts';
import { blameNow, noModcache } from './start-failure.ts';
import type { UpstreamAccess } from './upstream-access.ts';
import { withoutLatest } from './without-latest.ts';

/** Where modules come from: the sources by name, how they form pools, and which of those a module may be asked of, in order. */
export interface Chain {
  /** Every single one, members of pools among them. */
  readonly sources: ReadonlyMap<string, Source>;
  /** What stands in plans by the name of a pool. All other names in plans are those of sources. */
  readonly pools: readonly PoolPlan[];
  readonly planFor: PlanFor;
  /** By the name of the route: what is asked for a module that is not private. */
  readonly routes: ReadonlyMap<string, Pick<RoutePlan, 'steps' | 'rungs'>>;
  /** Names of the sources that are folders of this machine: module caches and file trees. */
  readonly trees: ReadonlySet<string>;
}

/** Upstreams that stand for each other on one route. */
export interface PoolPlan {
  /** That of the pool; on a route of its own `ROUTE/POOL`, for it has a health of its own there. */
  readonly name: string;
  readonly route: RouteRow | undefined;
  /** In the order of the operator. */
  readonly members: readonly PoolMember[];
}

/** One of them. */
export interface PoolMember {
  readonly source: Source;
  /** Where it is asked. Secret: it may hold a password or a token. */
  readonly url: string;
  /** Absent for a URL that stands in a chain. */
  readonly row?: UpstreamRow | PeerRow;
}

/** What sources are made from. */
export interface ChainNeeds extends SourceDependencies {
  /** Takes modules from their own repositories. Absent where nobody asks: for the names and the order of sources alone. */
  readonly repositories?: Source;
  /** How upstreams and peers with rows are asked; what is not in it is asked as all others. */
  readonly access?: UpstreamAccess;
  /** In the order of `routes`. Without them there is no route but the default one. */
  readonly rules?: readonly RouteRule[];
  /** The third rung of the ladder. */
  readonly bundles?: readonly Source[];
}

/** The chain that the configuration describes. Rejects with CONFIG_INVALID when an entry or a module cache cannot be used. */
export async function createChain(config: Config, needs: ChainNeeds): Promise<Chain> {
  const caches = await Promise.all(config.modcache.map(cacheEntry));
  const rules = needs.rules ?? [];
  const routes = rules.flatMap(({ name }) => config.routes.find((row) => row.name === name) ?? []);
  const lists = [config.upstream, ...routes.map(({ upstream }) => upstream)].map(parseUpstreamList);
  const parts = blameNow({ key: 'upstream', reason: 'upstream-unusable' }, () =>
    partsOf(config, needs, { caches, lists }),
  );
  const chains = [undefined, ...routes].map(
    (route, at) => new ChainOfRoute(parts, [...caches, ...(lists[at] ?? [])], route),
  );
  const rungs = rungsOf(config, parts, needs);
  const peers = parts.peers.length === 0 ? [] : [{ name: PEERS_POOL, route: undefined, members: parts.peers }];
  return {
    sources: new Map([...parts.sources, ...(needs.bundles ?? [])].map((source) => [source.name, source])),
    pools: [...chains.flatMap((chain) => chain.pools()), ...peers],
    planFor: plannerOf(config, chains, { rules, rungs }),
    routes: new Map(chains.map((chain) => [chain.name, { steps: chain.steps(), rungs: rungs(chain) }])),
    trees: new Set([...parts.byUrl].flatMap(([entry, { name }]) => (isTree(entry) ? [name] : []))),
  };
}

/** The sources, and what stands for what. */
interface Parts {
  readonly sources: readonly Source[];
  readonly byUrl: ReadonlyMap<ProxyUrl, Source>;
  readonly byPool: ReadonlyMap<string, readonly PoolMember[]>;
  readonly peers: readonly PoolMember[];
}

interface Lists {
  readonly caches: readonly ProxyUrl[];
  /** That of the configuration, then those of the routes. */
  readonly lists: readonly (readonly UpstreamEntry[])[];
}

function partsOf(config: Config, needs: ChainNeeds, { caches, lists }: Lists): Parts {
  const { upstreams, peers } = config;
  const urls = [...caches, ...unrepeated(lists).filter(isUrl)];
  const names = [...upstreams, ...peers].map(({ name }) => name);
  const registered = createSources(urls, needs, names);
  const isAlone = lists[0]?.every(({ kind }) => kind === 'off') === true;
  const byUrl = new Map<ProxyUrl, Source>(
    registered.map(({ entry, source }) => [entry, caches.includes(entry) && !isAlone ? withoutLatest(source) : source]),
  );
  const memberOf = (row: UpstreamRow | PeerRow): PoolMember => ({
    row,
    url: row.url,
    source: createSource(row.url, row.name, needs.access?.get(row.name) ?? needs),
  });
  const members = upstreams.map(memberOf);
  const ofPeers = peers.map(memberOf);
  return {
    sources: [
      ...byUrl.values(),
      ...[...members, ...ofPeers].map(({ source }) => source),
      ...(needs.repositories ? [needs.repositories] : []),
    ],
    byUrl,
    byPool: Map.groupBy(members, ({ row }) => (row as UpstreamRow).pool ?? DEFAULT_POOL),
    peers: ofPeers,
  };
}

/** The entries of all chains. Those of a route that have a URL of the chain before it are that source again. */
function unrepeated(lists: readonly (readonly UpstreamEntry[])[]): readonly UpstreamEntry[] {
  const [first = [], ...others] = lists;
  const seen = new Set(first.filter(isUrl).map(({ url }) => url));
  const isNew = ({ url }: ProxyUrl): boolean => !seen.has(url) && seen.add(url).has(url);
  return [...first, ...others.flat().filter((entry) => isUrl(entry) && isNew(entry))];
}

/** The chain of one route, the default one among them. */
class ChainOfRoute {
  readonly route: RouteRow | undefined;
  readonly entries: readonly UpstreamEntry[];
  readonly #parts: Parts;

  constructor(parts: Parts, entries: readonly UpstreamEntry[], route: RouteRow | undefined) {
    this.#parts = parts;
    this.entries = entries;
    this.route = route;
  }

  get name(): string {
    return this.route?.name ?? DEFAULT_ROUTE;
  }

  steps(): readonly PlanStep[] {
    return stepsOf(this.entries, (entry) => this.nameOf(entry));
  }

  /** The name of what an entry stands for. */
  nameOf(entry: UpstreamEntry): string {
    if (entry.kind === 'pool') return this.#prefixed(entry.name);
    if (!isUrl(entry)) return REPOSITORIES;
    const { name } = this.#sourceOf(entry);
    return isTree(entry) ? name : this.#prefixed(name);
  }

  pools(): readonly PoolPlan[] {
    const all = this.entries.flatMap((entry): readonly PoolPlan[] => {
      const members = this.#membersOf(entry);
      return members.length === 0 ? [] : [{ name: this.nameOf(entry), route: this.route, members }];
    });
    // A pool may stand in its chain twice.
    return [...new Map(all.map((pool) => [pool.name, pool])).values()];
  }

  #membersOf(entry: UpstreamEntry): readonly PoolMember[] {
    if (entry.kind === 'pool') return this.#parts.byPool.get(entry.name) ?? [];
    return isUrl(entry) && !isTree(entry) ? [{ source: this.#sourceOf(entry), url: entry.url }] : [];
  }

  #sourceOf(entry: ProxyUrl): Source {
    const { byUrl } = this.#parts;
    const source = byUrl.get(entry) ?? [...byUrl].find(([{ url }]) => url === entry.url)?.[1];
    if (source === undefined) throw new TypeError('an entry of the chain without a source');
    return source;
  }

  #prefixed(name: string): string {
    return this.route === undefined ? name : `${this.route.name}/${name}`;
  }
}

/** The planner of the route that a request takes; private modules take none. */
function plannerOf(
  config: Config,
  chains: readonly ChainOfRoute[],
  { rules, rungs }: { readonly rules: readonly RouteRule[]; readonly rungs: (chain: ChainOfRoute) => readonly Rung[] },
): PlanFor {
  const privacy = createPrivacy(config);
  const planners = chains.map((chain) => {
    const route = chain.name;
    const planFor = createPlanner({
      entries: chain.entries,
      nameOf: (entry) => chain.nameOf(entry),
      repositories: REPOSITORIES,
      privacy,
      isAliased: (module) => aliasOf(config, module) !== undefined,
      route,
      rungs: rungs(chain),
    });
    return [route, planFor] as const;
  });
  const byRoute = new Map(planners);
  const [[, byDefault]] = planners as [(typeof planners)[number]];
  // Asked for each request: privacy is looked at once where it is enough.
  if (rules.length === 0) return byDefault;
  const routeOf = createRoutes(rules);
  return (module, request) => {
    const route = privacy.isPrivate(module) ? undefined : routeOf(module, request);
    return (byRoute.get(route ?? DEFAULT_ROUTE) ?? byDefault)(module);
  };
}

/** Peers, then bundles, then the module's own repository, where `ladder.git` lets it be asked. */
function rungsOf({ ladder }: Config, { peers }: Parts, needs: ChainNeeds): (chain: ChainOfRoute) => readonly Rung[] {
  const before: readonly Rung[] = [
    ...(peers.length === 0 ? [] : [{ level: 2, source: PEERS_POOL } as const]),
    ...(needs.bundles ?? []).map(({ name }) => ({ level: 3, source: name }) as const),
  ];
  const origin = { level: 4, source: REPOSITORIES } as const;
  return ({ entries }) => {
    const isListed = entries.some(({ kind }) => kind === 'direct');
    return ladder.git === 'always' || (ladder.git === 'listed' && isListed) ? [...before, origin] : before;
  };
}

function isUrl(entry: UpstreamEntry): entry is ProxyUrl {
  return entry.kind === 'proxy';
}

/** A folder has no health of its own, and is nobody who could be asked too much. */
function isTree({ url }: ProxyUrl): boolean {
  return /^file:/i.test(url);
}

/** The row of `git.aliases` that names the repository of `module`. */
export function aliasOf({ git }: Pick<Config, 'git'>, module: ModulePath): AliasRow | undefined {
  return rowFor(git.aliases, module);
}

/**
 * A module cache as an entry before the upstream. Joined by `|`: what it has is only a part, so lists are made of its versions and
 * the next entry's together, and a damaged cache never keeps the upstream from being asked.
 */
async function cacheEntry(folder: string): Promise<ProxyUrl> {
  const downloads = join(folder, 'cache', 'download');
  const root = (await isFolder(downloads)) ? downloads : folder;
  if (!(await isFolder(root))) throw noModcache(folder);
  return { kind: 'proxy', url: pathToFileURL(root).href, separator: '|' };
}

async function isFolder(path: string): Promise<boolean> {
  const facts = await stat(path).catch(() => undefined);
  return facts?.isDirectory() === true;
}
