import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AliasRow } from '../config/git-rows.ts';
import type { Config } from '../config/schema.ts';
import { parseProxyList, type ProxyEntry, type ProxyUrl } from '../gomod/goenv.ts';
import type { ModulePath } from '../gomod/module.ts';
import { rowFor } from '../gomod/path-prefix.ts';
import { createPlanner, type RoutePlan } from '../policy/plan.ts';
import { createPrivacy } from '../policy/private.ts';
import { createSources, REPOSITORIES, type SourceDependencies } from '../sources/registry.ts';
import type { Source } from '../sources/source.ts';
import { AppError } from '../std/errors.ts';
import { blameNow, noModcache } from './start-failure.ts';

/** Where modules come from: the sources by name, and which of them a module may be asked of, in order. */
export interface Chain {
  readonly sources: ReadonlyMap<string, Source>;
  readonly planFor: (module: ModulePath) => RoutePlan;
}

/** What sources are made from. */
export interface ChainNeeds extends SourceDependencies {
  /** Takes modules from their own repositories. Absent where nobody asks: for the names and the order of sources alone. */
  readonly repositories?: Source;
}

/** The chain that the configuration describes. Rejects with CONFIG_INVALID when an entry or a module cache cannot be used. */
export async function createChain(config: Config, { repositories, ...dependencies }: ChainNeeds): Promise<Chain> {
  const caches = await Promise.all(config.modcache.map(cacheEntry));
  const upstreams = parseProxyList(config.upstream);
  const entries = [...caches, ...upstreams];
  const isAlone = upstreams.every(({ kind }) => kind === 'off');
  const registered = blameNow({ key: 'upstream', reason: 'upstream-unusable' }, () =>
    createSources(entries.filter(isUrl), dependencies),
  );
  const sources = registered.map(({ entry, source }) =>
    caches.includes(entry) && !isAlone ? withoutLatest(source) : source,
  );
  const names = new Map<ProxyEntry, string>(registered.map(({ entry, source }) => [entry, source.name]));
  return {
    sources: new Map([...sources, ...(repositories ? [repositories] : [])].map((source) => [source.name, source])),
    planFor: createPlanner({
      entries,
      nameOf: (entry) => names.get(entry) ?? REPOSITORIES,
      repositories: REPOSITORIES,
      privacy: createPrivacy(config),
      isAliased: (module) => aliasOf(config, module) !== undefined,
    }),
  };
}

function isUrl(entry: ProxyEntry): entry is ProxyUrl {
  return entry.kind === 'proxy';
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

/**
 * `source` as one that does not know the latest version: what a module cache happens to hold of an untagged module says nothing about what is newest,
 * and would be the answer for ever where somebody else can be asked.
 */
function withoutLatest(source: Source): Source {
  const { name } = source;
  return {
    name,
    list: (module, o) => source.list(module, o),
    query: (module, query, o) => source.query(module, query, o),
    latest: (module) =>
      Promise.reject(
        new AppError('NOT_FOUND', `find the latest version of ${module} in ${name}: a module cache does not know it`),
      ),
    mod: (mv, o) => source.mod(mv, o),
    zip: (mv, into, o) => source.zip(mv, into, o),
  };
}

async function isFolder(path: string): Promise<boolean> {
  const facts = await stat(path).catch(() => undefined);
  return facts?.isDirectory() === true;
}
