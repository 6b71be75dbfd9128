import { isAbsolute, join } from 'node:path';
import type { ConfigProblem } from './problem.ts';
import { type Around, type GoSetting, isSetForGo, settingOfGo, upstreamOfGo } from './upstream.ts';
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
  for (const [key, setting] of Object.entries(settingsOfGo(around, !written.has('upstream'))))
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

function defaultDataFolder({ environment, home }: Around): string | undefined {
  const shared = environment['XDG_DATA_HOME'];
  if (shared !== undefined && isAbsolute(shared)) return join(shared, 'larder');
  return home === undefined ? undefined : join(home, '.local', 'share', 'larder');
}
