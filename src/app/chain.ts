import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Config } from '../config/schema.ts';
import { parseProxyList, type ProxyEntry } from '../gomod/goenv.ts';
import type { ModulePath } from '../gomod/module.ts';
import { createPlanner, type RoutePlan } from '../policy/plan.ts';
import { createSources, type SourceDependencies } from '../sources/registry.ts';
import type { Source } from '../sources/source.ts';
import { blameNow, noModcache } from './start-failure.ts';

/** Where modules come from: the sources by name, and which of them a module may be asked of, in order. */
export interface Chain {
  readonly sources: ReadonlyMap<string, Source>;
  readonly planFor: (module: ModulePath) => RoutePlan;
}

/** The chain that the configuration describes. Rejects with CONFIG_INVALID when an entry or a module cache cannot be used. */
export async function createChain(config: Config, dependencies: SourceDependencies): Promise<Chain> {
  const caches = await Promise.all(config.modcache.map(cacheEntry));
  const entries = [...caches, ...parseProxyList(config.upstream, config.noProxy)];
  const registered = blameNow({ key: 'upstream', reason: 'upstream-unusable' }, () =>
    createSources(entries, dependencies),
  );
  const names = new Map(registered.map(({ entry, source }) => [entry, source.name]));
  return {
    sources: new Map(registered.map(({ source }) => [source.name, source])),
    planFor: createPlanner({ entries, nameOf: (entry) => names.get(entry) ?? '', noProxy: config.noProxy }),
  };
}

/**
 * A module cache as an entry before the upstream. Joined by `|`: what it has is only a part, so lists are made of its versions and
 * the next entry's together, and a damaged cache never keeps the upstream from being asked.
 */
async function cacheEntry(folder: string): Promise<ProxyEntry> {
  const downloads = join(folder, 'cache', 'download');
  const root = (await isFolder(downloads)) ? downloads : folder;
  if (!(await isFolder(root))) throw noModcache(folder);
  return { kind: 'proxy', url: pathToFileURL(root).href, separator: '|' };
}

async function isFolder(path: string): Promise<boolean> {
  const facts = await stat(path).catch(() => undefined);
  return facts?.isDirectory() === true;
}
