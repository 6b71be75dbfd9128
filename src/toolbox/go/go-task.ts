import { isAbsolute, join } from 'node:path';

/**
 * What a go command needs of the network. `straight` no modules · `packages` those that some packages are built from · `modules` all that go.mod and what it requires name ·
 * `open` it looks for versions that are not pinned yet.
 */
export interface GoTask {
  readonly needs: 'straight' | 'packages' | 'modules' | 'open';
  /** Where it works: the folder it was called in, or that of `-C`. */
  readonly folder: string;
  /** For `packages`: flags that change which packages these are, and the packages as named. */
  readonly flags: readonly string[];
  readonly patterns: readonly string[];
  readonly withTests: boolean;
  /** The value of `-mod` on the command line. */
  readonly mod?: string;
}

/** Commands whose packages are built or looked at. */
const PACKAGES: ReadonlySet<string> = new Set([
  'build',
  'install',
  'run',
  'test',
  'vet',
  'list',
  'generate',
  'fix',
  'tool',
]);
const MODULES: ReadonlySet<string> = new Set([
  'mod graph',
  'mod verify',
  'mod why',
  'mod vendor',
  'mod download',
  'work vendor',
]);
const OPEN: ReadonlySet<string> = new Set(['get', 'mod tidy', 'work sync']);

/** Flags without a value. Others take the next word unless it is written with `=`. */
const ALONE: ReadonlySet<string> = new Set(
  `a n v x i c e m u t d work race msan asan cover json deps test find export compiled versions retracted short failfast benchmem fullpath artifacts
   buildvcs linkshared modcacherw trimpath reuse insecure diff h help`.split(/\s+/),
);
/** For `vet` and `fix` the other way round: the flags that take the next word. The rest are names of analyzers, which are their tool's own and switch something on. */
const ANALYSIS_VALUED: ReadonlySet<string> = new Set(
  `c p tags mod modfile overlay asmflags gcflags gccgoflags ldflags compiler buildmode installsuffix pgo pkgdir toolexec vettool fixtool printf.funcs printfuncs
   unusedresult.funcs unusedfuncs unusedresult.stringmethods unusedstringmethods debug-actiongraph debug-runtime-trace debug-trace`.split(
    /\s+/,
  ),
);
/** Flags that change which packages are looked at, or whether they are found. */
const MATTER: ReadonlySet<string> = new Set(
  'tags mod modfile overlay race msan asan compiler installsuffix'.split(' '),
);

/** What `go ARGS`, called in `folder`, needs. Nothing that it says is checked: that is for go to do. */
export function taskOf(args: readonly string[], folder: string): GoTask {
  const isGrouped = args[0] === 'mod' || args[0] === 'work';
  const name = args.slice(0, isGrouped ? 2 : 1).join(' ');
  const { rest, place } = changedFolder(args.slice(isGrouped ? 2 : 1), folder);
  const read = readWords(rest, name);
  const { mod } = read;
  const task = {
    folder: place,
    withTests: name === 'test' || name === 'vet',
    flags: read.flags,
    patterns: read.patterns,
  };
  return { ...task, needs: needsOf(name, read), ...(mod === undefined ? {} : { mod }) };
}

/** `-C DIR` comes before all other flags. */
function changedFolder(
  args: readonly string[],
  folder: string,
): { readonly rest: readonly string[]; readonly place: string } {
  const [, inline] = /^--?C=(.*)$/s.exec(args[0] ?? '') ?? [];
  const isApart = args[0] === '-C' || args[0] === '--C';
  const to = inline ?? (isApart ? args[1] : undefined);
  if (to === undefined) return { rest: args, place: folder };
  return { rest: args.slice(isApart ? 2 : 1), place: isAbsolute(to) ? to : join(folder, to) };
}

interface Words {
  readonly flags: readonly string[];
  readonly patterns: readonly string[];
  readonly names: ReadonlySet<string>;
  readonly mod?: string | undefined;
}

function readWords(args: readonly string[], command: string): Words {
  const flags: string[] = [];
  const patterns: string[] = [];
  const names = new Set<string>();
  let mod: string | undefined;
  for (let i = 0; i < args.length; i++) {
    const word = args[i] ?? '';
    const [, name = '', given] = /^--?([^=-][^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    if (name === 'args') break;
    if (name === '') {
      patterns.push(word);
      if (command === 'run' && !(word.endsWith('.go') && args[i + 1]?.endsWith('.go') === true)) break;
      continue;
    }
    names.add(name);
    const value = given === undefined && takesNext(name, command) ? args[++i] : given;
    if (name === 'mod') mod = value;
    if (MATTER.has(name)) flags.push(value === undefined ? `-${name}` : `-${name}=${value}`);
  }
  return { flags, patterns: command === 'tool' ? ['tool'] : patterns, names, mod };
}

function takesNext(flag: string, command: string): boolean {
  if (command === 'vet' || command === 'fix') return ANALYSIS_VALUED.has(flag);
  return !ALONE.has(flag) && !flag.startsWith('test.');
}

function needsOf(command: string, { patterns, names }: Words): GoTask['needs'] {
  if (OPEN.has(command)) return 'open';
  const isVersioned = patterns.some((pattern) => pattern.includes('@'));
  if (command === 'mod download') return patterns.length === 0 ? 'modules' : 'open';
  if (MODULES.has(command)) return 'modules';
  if (!PACKAGES.has(command)) return 'straight';
  if (command === 'list' && names.has('m'))
    return isVersioned || names.has('u') || names.has('versions') ? 'open' : 'modules';
  return isVersioned ? 'open' : 'packages';
}
