import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parseGoSum, type GoSumLine } from '../../gomod/gosum.ts';
import { parseModFile } from '../../gomod/modfile/parse.ts';
import { parseWorkFile } from '../../gomod/modfile/work.ts';
import { type Ended, type Run, run } from '../../io/subprocess.ts';
import type { Ask } from '../../std/ask.ts';
import { decodeUtf8 } from '../../std/bytes.ts';
import { goAtLeast } from '../vendor/consistency.ts';

const MAX_OUTPUT_BYTES = 64 << 20;
const SETTINGS_MS = 30_000;

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string>>;

/** A go command, and what runs it. */
export interface GoTool {
  readonly program: string;
  readonly environment: Environment;
  readonly run: Run;
}

/** The go command `program` with this environment. Starts nothing. */
export function goTool(program: string, environment: Readonly<Record<string, string | undefined>>): GoTool {
  const set = Object.entries(environment).filter((one): one is [string, string] => one[1] !== undefined);
  return { program, environment: Object.fromEntries(set), run };
}

/** What the go command is set to do here, whatever it was set by. */
export interface GoSettings {
  readonly goproxy: string;
  readonly goflags: string;
  readonly gonoproxy: string;
  readonly modcache: string;
  /** GO111MODULE=off: there are no modules. */
  readonly isWithoutModules: boolean;
  /** The folder with the go.mod, or of the go.work where there is one: where vendor/ would be. */
  readonly project?: string;
  /** Folders of the modules whose packages are built. */
  readonly modules: readonly string[];
  /** Whether go reads vendor/ here when nothing says otherwise. */
  readonly usesVendor: boolean;
}

/** Runs `go ARGS` in `folder` with `changes` to its environment, and waits for its end. Rejects as Run does. */
export async function runTool(
  tool: GoTool,
  args: readonly string[],
  o: Ask & { readonly folder: string; readonly changes: Environment; readonly idleMs: number },
): Promise<Ended> {
  const limits = { wallMs: Number.POSITIVE_INFINITY, idleMs: o.idleMs, outputBytes: MAX_OUTPUT_BYTES };
  const environment = { ...tool.environment, ...o.changes };
  return await tool.run({ program: tool.program, args, folder: o.folder, environment, limits }, o);
}

/** What `go env` says in `folder`. No network is asked, and no other toolchain started. Undefined when go says nothing that can be used, or there is no such folder: it will say why itself. Rejects with CONFIG_INVALID when there is no go. */
export async function readSettings(tool: GoTool, folder: string, o: Ask): Promise<GoSettings | undefined> {
  if ((await stat(folder).catch(() => undefined)) === undefined) return undefined;
  const names = ['GOPROXY', 'GOFLAGS', 'GONOPROXY', 'GOMODCACHE', 'GO111MODULE', 'GOMOD', 'GOWORK'];
  const asked = await runTool(tool, ['env', '-json', ...names], {
    ...o,
    folder,
    changes: { GOTOOLCHAIN: 'local' },
    idleMs: SETTINGS_MS,
  });
  const said = variablesIn(asked.stdout);
  if (asked.exitCode !== 0 || said === undefined) return undefined;
  const read = (name: string): string => said[name] ?? '';
  const places = await placesOf(read('GOMOD'), read('GOWORK'));
  return {
    goproxy: read('GOPROXY'),
    goflags: read('GOFLAGS'),
    gonoproxy: read('GONOPROXY'),
    modcache: read('GOMODCACHE'),
    isWithoutModules: read('GO111MODULE') === 'off',
    ...places,
  };
}

function variablesIn(stdout: Uint8Array): Readonly<Record<string, string>> | undefined {
  try {
    return JSON.parse(decodeUtf8(stdout) ?? '') as Readonly<Record<string, string>>;
  } catch {
    return undefined;
  }
}

type Places = Pick<GoSettings, 'project' | 'modules' | 'usesVendor'>;

async function placesOf(goMod: string, goWork: string): Promise<Places> {
  const isWork = goWork !== '' && goWork !== 'off';
  const file = isWork ? goWork : goMod;
  if (file === '' || file === '/dev/null' || file === 'NUL') return { modules: [], usesVendor: false };
  const project = dirname(file);
  const bytes = await readFile(file).catch(() => new Uint8Array());
  const work = isWork ? parseWorkFile(bytes) : undefined;
  const modules = work === undefined ? [project] : work.ok ? work.file.use.map((one) => resolve(project, one)) : [];
  const mod = isWork ? undefined : parseModFile(bytes);
  const go = work?.ok ? work.file.go : mod?.ok ? mod.file.go : undefined;
  const facts = await stat(join(project, 'vendor')).catch(() => undefined);
  return { project, modules, usesVendor: facts?.isDirectory() === true && goAtLeast(go, isWork ? 22 : 14) };
}

/** The lines of the go.sum files of the project, and of its go.work.sum; what cannot be read has none. */
export async function pinsOf({ project, modules }: GoSettings): Promise<readonly GoSumLine[]> {
  const files = [
    ...modules.map((folder) => join(folder, 'go.sum')),
    ...(project === undefined ? [] : [join(project, 'go.work.sum')]),
  ];
  const all = await Promise.all(files.map(linesOf));
  return all.flat();
}

async function linesOf(file: string): Promise<readonly GoSumLine[]> {
  try {
    return parseGoSum(await readFile(file, 'utf8'), file);
  } catch {
    return [];
  }
}

/** The value of `-mod` that counts for packages: of the command line, else the last in GOFLAGS. */
export function modFlagOf(
  { goflags }: Pick<GoSettings, 'goflags'>,
  commandLine: string | undefined,
): string | undefined {
  return commandLine ?? [...goflags.matchAll(/(?:^|\s)['"]?--?mod=([^\s'"]+)/g)].at(-1)?.[1];
}
