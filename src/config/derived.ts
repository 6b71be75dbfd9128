import { isAbsolute, join } from 'node:path';
import type { ConfigProblem } from './problem.ts';
import { type Around, type GoSetting, isSetForGo, settingOfGo, upstreamOfGo } from './upstream.ts';
import { isUpstreamName } from '../policy/upstream-list.ts';
import type { WrittenRow } from './rows.ts';
import { DEFAULT_POOL } from './upstream-rows.ts';
import type { Written } from './written.ts';

/** The defaults that depend on the machine: the data folder, and what the go command on it would do where nothing else is written. */
export function derivedDefaults(
  written: ReadonlyMap<string, Written>,
  around: Around & { readonly folder: string },
  problems: ConfigProblem[],
): Written[] {
  const derived: Written[] = [];
  const data = written.has('data') ? undefined : defaultDataFolder(around);
  if (data !== undefined) derived.push({ key: 'data', value: data, origin: 'default', folder: around.folder });
  else if (!written.has('data')) problems.push({ kind: 'no-home', origin: 'default', key: 'data' });
  const chain = written.has('upstream') ? undefined : chainOfRows(written.get('upstreams'));
  if (chain !== undefined) derived.push({ key: 'upstream', ...chain, folder: around.folder });
  const isGosChain = !written.has('upstream') && chain === undefined;
  for (const [key, setting] of Object.entries(settingsOfGo(around, isGosChain)))
    if (!written.has(key) && setting !== undefined)
      derived.push({ key, ...setting, folder: around.folder, isGos: true });
  return derived;
}

/**
 * What the go command would use. Its private modules are private here, whatever the upstream is: a name that it would tell nobody must not reach anybody through us.
 * Only where its chain is ours as well, GONOPROXY may say that the proxies in it may be asked for them, as for Go.
 */
function settingsOfGo(around: Around, isGosChain: boolean): Readonly<Record<string, GoSetting | undefined>> {
  const isOpened = isGosChain && isSetForGo('GONOPROXY', around);
  const goPrivate = settingOfGo('GOPRIVATE', around);
  return {
    upstream: isGosChain ? upstreamOfGo(around) : undefined,
    private: isOpened ? undefined : goPrivate,
    noProxy: settingOfGo('GONOPROXY', around),
    noSumdb: settingOfGo('GONOSUMDB', around) ?? (isOpened ? goPrivate : undefined),
    'git.govcs': settingOfGo('GOVCS', around),
    'git.insecure': settingOfGo('GOINSECURE', around),
  };
}

/** The pools of the rows of `upstreams`, in the order in which they are first named, and `direct`. Rows that cannot be read are told of elsewhere. */
function chainOfRows(rows: Written | undefined): GoSetting | undefined {
  const written: readonly unknown[] = Array.isArray(rows?.value) ? rows.value : [rows?.value];
  const found = written.flatMap((row) => (row instanceof Map ? [(row as WrittenRow).get('pool') ?? DEFAULT_POOL] : []));
  const names = new Set(found.flatMap((name) => (typeof name === 'string' && isUpstreamName(name) ? [name] : [])));
  if (names.size === 0) return undefined;
  return { value: [...names, 'direct'].join(','), origin: 'default: the pools of upstreams, then direct' };
}

function defaultDataFolder({ environment, home }: Around): string | undefined {
  const shared = environment['XDG_DATA_HOME'];
  if (shared !== undefined && isAbsolute(shared)) return join(shared, 'larder');
  return home === undefined ? undefined : join(home, '.local', 'share', 'larder');
}
