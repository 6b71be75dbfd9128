import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { messageOf, systemCodeOf } from '../std/errors.ts';
import { derivedDefaults } from './derived.ts';
import { readEnvironment } from './environment.ts';
import { fileMark } from './file-mark.ts';
import { problemOf, withoutRepeats } from './issue.ts';
import { type KeySpec, keySpecs } from './key-specs.ts';
import { writtenAs } from './leaves.ts';
import { nearest } from './nearest.ts';
import type { ConfigProblem } from './problem.ts';
import { redactRows, redactValue } from './redact.ts';
import { type Config, schema, valueAt } from './schema.ts';
import { withPaths } from './rows.ts';
import { togetherProblems } from './together.ts';
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

/** The config file that was read. */
export interface ConfigFile {
  /** Absolute. */
  readonly path: string;
  /** Of the state that was read, or of an older one: a file with another mark may say something else. */
  readonly mark: string;
}

export type Loaded =
  | {
      readonly ok: true;
      readonly config: Config;
      readonly origins: Origins;
      readonly effective: readonly EffectiveValue[];
      readonly file?: ConfigFile;
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
  return loaded.ok && file.file !== undefined ? { ...loaded, file: file.file } : loaded;
}

type Layer = { readonly written: readonly Written[]; readonly problems: readonly ConfigProblem[] };

/** `file` is the one that was read. */
function readFile(
  flags: ConfigFlags,
  around: Surroundings,
  specs: readonly KeySpec[],
): Layer & { readonly file?: ConfigFile } {
  const named = flags.file ?? (around.environment['LARDER_CONFIG'] || undefined);
  const path = resolve(around.folder, named ?? DEFAULT_FILE);
  const name = named ?? DEFAULT_FILE;
  try {
    const facts = statSync(path, { bigint: true });
    if (facts.size > LONGEST_FILE * 4)
      return {
        written: [],
        problems: [{ kind: 'bad-yaml', origin: `file ${name}`, what: `longer than ${LONGEST_FILE} characters` }],
      };
    const layer = readYaml(readFileSync(path, 'utf8'), { name, folder: dirname(path), specs });
    return { ...layer, file: { path, mark: fileMark(facts) } };
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
    else written.push({ key, value: fromText(spec, text.slice(cut + 1)), origin, folder: around.folder });
  }
  for (const [key, { flag, value }] of flags.values) {
    const spec = specs.find((one) => one.key === key) ?? { expected: 'path' as const };
    written.push({
      key,
      value: typeof value === 'string' ? fromText(spec, value) : [...value],
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
  // No port is as good as no listener.
  const listen = o.around.willListen === false ? { host: '', port: 0 } : config.listen;
  const wrong = togetherProblems(config, { specs, written, listen, localNames: o.around.localNames });
  if (wrong.length > 0) return { ok: false, problems: wrong };
  const origins = new Map(specs.map((spec) => [spec.key, written.get(spec.key)?.origin ?? 'default']));
  return { ok: true, config, origins, effective: effectiveOf(specs, config, origins) };
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
    if (one !== undefined) section[last] = located(spec, one, around);
  }
  return tree;
}

/** The value with its paths, if it has any, made absolute. */
function located(spec: KeySpec, { value, folder }: Written, { home }: Surroundings): unknown {
  const absolute = (path: string): string =>
    home !== undefined && path.startsWith('~/') ? join(home, path.slice(2)) : resolve(folder, path);
  const located = (one: unknown): unknown => {
    if (spec.members !== undefined) return withPaths(one, spec.members, absolute);
    return typeof one === 'string' && one !== '' ? absolute(one) : one;
  };
  if (spec.expected !== 'path' && spec.expected !== 'paths' && spec.expected !== 'rows') return value;
  return Array.isArray(value) ? value.map(located) : located(value);
}

function effectiveOf(specs: readonly KeySpec[], config: Config, origins: Origins): EffectiveValue[] {
  return specs.map((spec) => {
    const text = writtenAs(spec.expected, valueAt(config, spec.key));
    const shown = spec.members === undefined ? redactValue(spec.key, text) : redactRows(text, spec.members);
    return {
      key: spec.key,
      value: shown,
      origin: origins.get(spec.key) ?? 'default',
      ...(JSON.stringify(shown) === JSON.stringify(text) ? {} : { isRedacted: true }),
    };
  });
}
