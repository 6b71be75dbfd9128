import { readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';

/** Go's own default, for a machine where nothing is set. */
const GO_DEFAULT = 'https://proxy.golang.org,direct';
const LONGEST_ENV_FILE = 65_536;

/** The machine as the go command sees it. */
export interface Around {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly home: string | undefined;
}

/** A setting of the go command, and where it was found. */
export interface GoSetting {
  readonly value: string;
  /** `environment GOPROXY`, `file /home/a/.config/go/env:3` or `default`. */
  readonly origin: string;
}

/** The GOPROXY that the go command on this machine would use: its environment, the file of `go env -w`, its default. An empty value counts as not set, as for Go. */
export function upstreamOfGo(around: Around): GoSetting {
  return settingOfGo('GOPROXY', around) ?? { value: GO_DEFAULT, origin: 'default' };
}

/** Whether the go command has a value of `name`. */
export function isSetForGo(name: string, around: Around): boolean {
  return settingOfGo(name, around) !== undefined;
}

/** What the go command on this machine takes `name` from: its environment, else the file of `go env -w`; undefined when neither sets it. */
export function settingOfGo(name: string, around: Around): GoSetting | undefined {
  const value = around.environment[name];
  if (value !== undefined && value !== '') return { value, origin: `environment ${name}` };
  const file = goEnvFile(around);
  return file === undefined ? undefined : settingInFile(file, name);
}

/** Where `go env -w` writes: $GOENV, else go/env in the user's configuration folder; undefined when that is switched off or unknown. */
function goEnvFile({ environment, home }: Around): string | undefined {
  const named = environment['GOENV'];
  if (named === 'off') return undefined;
  if (named !== undefined && named !== '') return named;
  const folder = userConfigFolder(environment, home);
  return folder === undefined ? undefined : join(folder, 'go', 'env');
}

function userConfigFolder(environment: Around['environment'], home: string | undefined): string | undefined {
  if (process.platform === 'win32') return environment['AppData'] ?? environment['APPDATA'];
  if (process.platform === 'darwin')
    return home === undefined ? undefined : join(home, 'Library', 'Application Support');
  const shared = environment['XDG_CONFIG_HOME'];
  if (shared !== undefined && isAbsolute(shared)) return shared;
  return home === undefined ? undefined : join(home, '.config');
}

/** A file that cannot be read sets nothing, as for Go. */
function settingInFile(file: string, name: string): GoSetting | undefined {
  const lines = readLines(file);
  // Of two lines with one name the later is in force. A line that begins with a blank is none, and what follows the `=` is the value, blanks and all.
  const at = lines.findLastIndex((line) => line.startsWith(`${name}=`));
  const value = lines[at]?.slice(name.length + 1) ?? '';
  return value === '' ? undefined : { value, origin: `file ${file}:${at + 1}` };
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').slice(0, LONGEST_ENV_FILE).split('\n');
  } catch {
    return [];
  }
}
