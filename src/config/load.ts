import { readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { messageOf, systemCodeOf } from '../std/errors.ts';
import { chainProblem } from './chain.ts';
import { readEnvironment } from './environment.ts';
import { writtenAs } from './leaves.ts';
import { nearest } from './nearest.ts';
import type { ConfigProblem } from './problem.ts';
import { redactValue } from './redact.ts';
import { type Config, type KeySpec, keySpecs, schema } from './schema.ts';
import { noProxyOfGo, noSumdbOfGo, upstreamOfGo } from './upstream.ts';
import { fromText } from './value-text.ts';
import type { Written } from './written.ts';
import { LONGEST_FILE, readYaml } from './yaml-file.ts';

/** The file that is read from the current folder when no other is named. */
export const DEFAULT_FILE = 'larder.yaml';

/** What the command line said about the configuration. */
export interface ConfigFlags {
  /** `--config` */
  readonly file?: string;
  /** Flags of their own, by key: a text, or one per repetition. */
  readonly values: ReadonlyMap<string, { readonly flag: string; readonly value: string | readonly string[] }>;
  /** `--set key=value`, in order. */
  readonly sets: readonly string[];
}

/** The world as the loader sees it. */
export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Current folder. */
  readonly folder: string;
  /** Whether a server will listen: only then may the upstream not be the address it listens on. Default true. */
  readonly willListen?: boolean;
  /** Names and addresses of this machine besides localhost. */
  readonly localNames: readonly string[];
  /** Home folder, if there is one. */
  readonly home: string | undefined;
}

/** Where the effective value of a key was written: `flag --listen`, `environment LARDER_LISTEN`, `file x.yaml:12`, `default`. */
type Origins = ReadonlyMap<string, string>;

/** One key as it took effect, fit to be printed: secrets are hidden. */
export interface EffectiveValue {
  readonly key: string;
  readonly value: unknown;
  readonly origin: string;
  /** Only where the value is not the one in force, because a secret in it is hidden. */
  readonly isRedacted?: true;
}

export type Loaded =
  | {
      readonly ok: true;
      readonly config: Config;
      readonly origins: Origins;
      readonly effective: readonly EffectiveValue[];
      /** The config file that was read, absolute. */
      readonly file?: string;
    }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

/**
 * The configuration that is in force: flags before LARDER_* variables before the file before defaults, each key on its own.
 * Reports everything that is wrong at once. Reads the config file, and Go's environment file when no upstream is named; throws nothing.
 */
export function loadConfig(flags: ConfigFlags, around: Surroundings): Loaded {
  const specs = keySpecs();
  const problems: ConfigProblem[] = [];
  const written = new Map<string, Written>();
  const file = readFile(flags, around, specs);
  const layers = [file, readEnvironment(around, specs), readFlags(flags, around, specs)];
  for (const layer of layers) {
    problems.push(...layer.problems);
    for (const one of layer.written) written.set(one.key, one);
  }
  for (const one of derivedDefaults(written, around, problems)) written.set(one.key, one);
  const loaded = finish(specs, written, { around, problems });
  return loaded.ok && file.path !== undefined ? { ...loaded, file: file.path } : loaded;
}

type Layer = { readonly written: readonly Written[]; readonly problems: readonly ConfigProblem[] };

/** `path` is the file that was read. */
function readFile(
  flags: ConfigFlags,
  around: Surroundings,
  specs: readonly KeySpec[],
): Layer & { readonly path?: string } {
  const named = flags.file ?? (around.environment['LARDER_CONFIG'] || undefined);
  const path = resolve(around.folder, named ?? DEFAULT_FILE);
  const name = named ?? DEFAULT_FILE;
  try {
    if (statSync(path).size > LONGEST_FILE * 4)
      return {
        written: [],
        problems: [{ kind: 'bad-yaml', origin: `file ${name}`, what: `longer than ${LONGEST_FILE} characters` }],
      };
    return { ...readYaml(readFileSync(path, 'utf8'), { name, folder: dirname(path), specs }), path };
  } catch (error) {
    if (named === undefined && systemCodeOf(error) === 'ENOENT') return { written: [], problems: [] };
    return {
      written: [],
      problems: [{ kind: 'unreadable-file', origin: `file ${name}`, reason: systemCodeOf(error) ?? messageOf(error) }],
    };
  }
}

function readFlags(flags: ConfigFlags, around: Surroundings, specs: readonly KeySpec[]): Layer {
  const written: Written[] = [];
  const problems: ConfigProblem[] = [];
  for (const text of flags.sets) {
    const cut = text.indexOf('=');
    const key = text.slice(0, Math.max(cut, 0)).trim();
    const origin = `flag --set ${key}`;
    const spec = specs.find((one) => one.key === key);
    if (cut < 1) problems.push({ kind: 'bad-set', origin: 'flag --set', text });
    else if (spec === undefined) problems.push(unknownKey(key, origin, specs));
    else written.push({ key, value: fromText(spec.expected, text.slice(cut + 1)), origin, folder: around.folder });
  }
  for (const [key, { flag, value }] of flags.values) {
    const expected = specs.find((one) => one.key === key)?.expected ?? 'path';
    written.push({
      key,
      value: typeof value === 'string' ? fromText(expected, value) : [...value],
      origin: `flag ${flag}`,
      folder: around.folder,
    });
  }
  return { written, problems };
}

function unknownKey(key: string, origin: string, specs: readonly KeySpec[]): ConfigProblem {
  const near = nearest(
    key,
    specs.map((one) => one.key),
  );
  return { kind: 'unknown-key', origin, key, ...(near === undefined ? {} : { nearest: near }) };
}

/** The defaults that depend on the machine: the data folder, and the upstream and its exceptions that Go itself would use. */
function derivedDefaults(
  written: ReadonlyMap<string, Written>,
  around: Surroundings,
  problems: ConfigProblem[],
): Written[] {
  const derived: Written[] = [];
  if (!written.has('data')) {
    const data = defaultDataFolder(around);
    if (data === undefined) problems.push({ kind: 'no-home', origin: 'default', key: 'data' });
    else derived.push({ key: 'data', value: data, origin: 'default', folder: around.folder });
  }
  if (written.has('upstream')) return derived;
  const goes = { folder: around.folder, isGos: true };
  derived.push({ key: 'upstream', ...upstreamOfGo(around), ...goes });
  // Who takes Go's chain takes its exceptions too: a name that the go command would tell no proxy or checksum database must not reach one through us.
  for (const [key, setting] of [
    ['noProxy', noProxyOfGo(around)],
    ['noSumdb', noSumdbOfGo(around)],
  ] as const)
    if (!written.has(key) && setting !== undefined) derived.push({ key, ...setting, ...goes });
  return derived;
}

function defaultDataFolder({ environment, home }: Surroundings): string | undefined {
  const shared = environment['XDG_DATA_HOME'];
  if (shared !== undefined && isAbsolute(shared)) return join(shared, 'larder');
  return home === undefined ? undefined : join(home, '.local', 'share', 'larder');
}

function finish(
  specs: readonly KeySpec[],
  written: ReadonlyMap<string, Written>,
  o: { readonly around: Surroundings; readonly problems: ConfigProblem[] },
): Loaded {
  const parsed = schema.safeParse(asTree(specs, written, o.around));
  const problems = [...o.problems];
  for (const issue of parsed.error?.issues ?? []) problems.push(problemOf(issue, specs, written));
  if (!parsed.success || problems.length > 0) return { ok: false, problems: withoutRepeats(problems) };
  const config = parsed.data as Config;
  const chain = chainOf(config, written, o.around);
  if (chain !== undefined) return { ok: false, problems: [chain] };
  const origins = new Map(specs.map((spec) => [spec.key, written.get(spec.key)?.origin ?? 'default']));
  return { ok: true, config, origins, effective: effectiveOf(specs, config, origins) };
}

function chainOf(
  config: Config,
  written: ReadonlyMap<string, Written>,
  around: Surroundings,
): ConfigProblem | undefined {
  const one = written.get('upstream');
  const facts = { origin: one?.origin ?? 'default', isOurs: one?.isGos !== true };
  // No port is as good as no listener.
  const listen = around.willListen === false ? { host: '', port: 0 } : config.listen;
  return chainProblem(config.upstream, { listen, localNames: around.localNames, ...facts });
}

/** The written values as the nested object that the schema reads. Keys come from the schema alone, so no written name becomes a property name. */
function asTree(
  specs: readonly KeySpec[],
  written: ReadonlyMap<string, Written>,
  around: Surroundings,
): Record<string, unknown> {
  const tree: Record<string, unknown> = {};
  for (const spec of specs) {
    const parts = spec.key.split('.');
    const last = parts.pop() ?? '';
    let section = tree;
    for (const part of parts) section = (section[part] ??= {}) as Record<string, unknown>;
    const one = written.get(spec.key);
    if (one !== undefined) section[last] = isPathKey(spec) ? absolute(one, around) : one.value;
  }
  return tree;
}

function isPathKey(spec: KeySpec): boolean {
  return spec.expected === 'path' || spec.expected === 'paths';
}

function absolute({ value, folder }: Written, { home }: Surroundings): unknown {
  const one = (path: unknown): unknown => {
    if (typeof path !== 'string' || path === '') return path;
    return home !== undefined && path.startsWith('~/') ? join(home, path.slice(2)) : resolve(folder, path);
  };
  return Array.isArray(value) ? value.map(one) : one(value);
}

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly params?: Record<string, unknown> | undefined;
}

function problemOf(issue: Issue, specs: readonly KeySpec[], written: ReadonlyMap<string, Written>): ConfigProblem {
  const path = issue.path.join('.');
  const spec = specs.find((one) => path === one.key || path.startsWith(`${one.key}.`));
  const key = spec?.key ?? path;
  const one = written.get(key);
  const origin = one?.origin ?? 'default';
  const partner = issue.params?.['partner'];
  if (typeof partner === 'string') return { kind: 'missing-partner', origin, key, partner };
  return {
    kind: 'bad-value',
    origin,
    key,
    shown: shownValue(key, one?.value),
    expected: spec?.expected ?? 'path',
    example: spec?.example ?? '',
    ...(spec?.choices === undefined ? {} : { choices: spec.choices }),
    ...(spec?.range === undefined ? {} : { range: spec.range }),
  };
}

function shownValue(key: string, value: unknown): string {
  const text = value === null ? '' : String(redactValue(key, value));
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** A list with three wrong items is one problem. */
function withoutRepeats(problems: readonly ConfigProblem[]): ConfigProblem[] {
  return [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()];
}

function effectiveOf(specs: readonly KeySpec[], config: Config, origins: Origins): EffectiveValue[] {
  return specs.map((spec) => {
    const value = spec.key
      .split('.')
      .reduce<unknown>((inner, part) => (inner as Record<string, unknown>)[part], config);
    const text = writtenAs(spec.expected, value);
    const shown = redactValue(spec.key, text);
    return {
      key: spec.key,
      value: shown,
      origin: origins.get(spec.key) ?? 'default',
      ...(JSON.stringify(shown) === JSON.stringify(text) ? {} : { isRedacted: true }),
    };
  });
}
