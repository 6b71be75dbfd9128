import type { Config } from '../config/schema.ts';
import { DEFAULT_POOL } from '../config/upstream-rows.ts';
import { type DatabaseSetting, parseGosumdb, SUM_GOLANG_ORG } from '../gomod/sumdb/database.ts';
import { parseVerifierKey } from '../gomod/sumdb/key.ts';
import { createPrivacy } from '../policy/private.ts';
import { parseUpstreamList } from '../policy/upstream-list.ts';
import {
  createSumdbRemotes,
  type HttpSumdbRemote,
  type Proxies,
  type ProxyPlace,
  type RemoteDependencies,
} from '../sources/goproxy/sumdb-remote.ts';
import { systemClock } from '../std/clock.ts';
import { AppError } from '../std/errors.ts';
import type { VerifyObserver } from '../verify/observer.ts';
import { SumdbClient } from '../verify/sumdb-client.ts';
import type { Keep } from './keep.ts';
import { blameNow } from './start-failure.ts';
import type { UpstreamAccess } from './upstream-access.ts';

/** The checksum databases of others that the configuration names. */
export interface Databases<T> {
  /** Asked what modules must be: that of `sumdb.database`; while it is off that of Go's public modules, for toolchains alone. */
  readonly proving: T;
  /** Given out to clients; that of `sumdb.database`, unless it is off, is the first. */
  readonly relayed: readonly T[];
}

/** One of them, and how it is reached. */
export interface DatabaseWays {
  readonly setting: DatabaseSetting;
  readonly remotes: readonly HttpSumdbRemote[];
}

type Named = Pick<Config, 'sumdb' | 'upstream' | 'upstreams' | 'private' | 'noProxy' | 'noSumdb'>;

/** What they are asked with. */
interface WayNeeds extends RemoteDependencies {
  /** How upstreams with rows are asked. */
  readonly access?: UpstreamAccess;
}

/** Their settings, each name once. Throws CONFIG_INVALID when one name has two keys. */
export function databaseSettings({ sumdb }: Pick<Config, 'sumdb'>): Databases<DatabaseSetting> {
  const byName = new Map<string, DatabaseSetting>();
  for (const setting of [sumdb.database, ...sumdb.relay].map(parseGosumdb)) {
    if (setting === 'off') continue;
    const first = byName.get(setting.name) ?? setting;
    if (first.key.text !== setting.key.text) throw twoKeys(setting.name);
    byName.set(setting.name, first);
  }
  const relayed = [...byName.values()];
  const isOff = parseGosumdb(sumdb.database) === 'off';
  return { proving: (isOff ? undefined : relayed[0]) ?? publicDatabase(byName), relayed };
}

function publicDatabase(relayed: ReadonlyMap<string, DatabaseSetting>): DatabaseSetting {
  const key = parseVerifierKey(SUM_GOLANG_ORG);
  return relayed.get(key.name) ?? { name: key.name, key };
}

function twoKeys(name: string): AppError {
  return new AppError('CONFIG_INVALID', `use checksum database ${name}: it is named with two different keys`);
}

/** The ways to them. Does no IO. Throws CONFIG_INVALID with a reason that the command line has words for. */
export function databaseWays(config: Named, { access, ...dependencies }: WayNeeds): Databases<DatabaseWays> {
  return blameNow({ key: 'sumdb.database', reason: 'sumdb-unusable' }, () => {
    const proxies: Proxies = { places: placesOf(config, access), noProxy: createPrivacy(config).noProxy };
    const withWays = (setting: DatabaseSetting): DatabaseWays => ({
      setting,
      remotes: createSumdbRemotes(setting, proxies, dependencies),
    });
    return mapped(databaseSettings(config), withWays);
  });
}

/** The upstreams of the chain, which may relay a database, in its order; of a pool each member, for any of them may. */
function placesOf({ upstream, upstreams }: Named, access: UpstreamAccess | undefined): readonly ProxyPlace[] {
  return parseUpstreamList(upstream).flatMap((entry): readonly ProxyPlace[] => {
    if (entry.kind === 'proxy') return [{ url: entry.url }];
    if (entry.kind !== 'pool') return [];
    const members = upstreams.filter(({ pool = DEFAULT_POOL }) => pool === entry.name);
    return members.map(({ name, url }) => ({ url, ...access?.get(name) }));
  });
}

/** Opens them: each one once, with its share of the memory. Reads nothing yet. Throws CONFIG_INVALID as databaseWays does. */
export function openDatabases(
  config: Named,
  { store, registers }: Pick<Keep, 'store' | 'registers'>,
  { observer, ...dependencies }: WayNeeds & { readonly observer: VerifyObserver },
): Databases<SumdbClient> {
  const ways = databaseWays(config, dependencies);
  const tileMemoryBytes = Math.floor(config.sumdb.tileMemory / Math.max(1, ways.relayed.length));
  const limits = { tileMemoryBytes };
  return mapped(ways, (one) => new SumdbClient({ ...one, store, registers, clock: systemClock, observer, limits }));
}

/** What stands in both places is made once. */
function mapped<A, B>({ proving, relayed }: Databases<A>, make: (one: A) => B): Databases<B> {
  const first = make(proving);
  return { proving: first, relayed: relayed.map((one) => (one === proving ? first : make(one))) };
}
