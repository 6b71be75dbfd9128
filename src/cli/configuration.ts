import { hostname, networkInterfaces } from 'node:os';
import type { Command } from 'commander';
import type { Around } from '../app/around.ts';
import { AppError, isAppError } from '../std/errors.ts';
import type { ConfigFlags, Loaded, Surroundings } from '../config/load.ts';
import { failureInWords, inWords, type Messages } from './messages.ts';
import type { Terminal } from './terminal.ts';
import { VERSION } from './version.ts';

/** The process, as commands see it. */
export interface World {
  readonly terminal: Terminal;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly folder: string;
  readonly home: string | undefined;
}

/** The keys with a flag of their own, as commander names their values. A test holds this list against the schema. */
export const KEY_FLAGS = [
  { key: 'listen', flag: '--listen', takes: '<host:port>', name: 'listen' },
  { key: 'data', flag: '--data', takes: '<folder>', name: 'data' },
  { key: 'workers', flag: '--workers', takes: '<count>', name: 'workers' },
  { key: 'upstream', flag: '--upstream', takes: '<list>', name: 'upstream' },
  { key: 'modcache', flag: '--modcache', takes: '<folder...>', name: 'modcache' },
  { key: 'offline', flag: '--offline', takes: '', name: 'offline' },
  { key: 'log.level', flag: '--log-level', takes: '<level>', name: 'logLevel' },
] as const;

/** Gives a command the flags that say what configuration is in force: all, or the keys with these `names`. They are here as text, so that `--help` and `version` load no schema. */
export function addConfigFlags(
  command: Command,
  { flags }: Messages,
  names: readonly string[] = KEY_FLAGS.map((one) => one.name),
): Command {
  for (const { flag, takes, name } of KEY_FLAGS) {
    if (!names.includes(name)) continue;
    if (takes.endsWith('...>')) command.option(`${flag} ${takes.replace('...', '')}`, flags[name], collect);
    else command.option(`${flag} ${takes}`.trim(), flags[name]);
  }
  return command.option('--config <file>', flags.config).option('--set <key=value>', flags.set, collect);
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** The values of those flags. */
function configFlags(options: Readonly<Record<string, unknown>>): ConfigFlags {
  const values = new Map<string, { flag: string; value: string | readonly string[] }>();
  for (const { key, flag, name } of KEY_FLAGS) {
    const value = options[name] as string | true | readonly string[] | undefined;
    if (value !== undefined) values.set(key, { flag, value: value === true ? 'true' : value });
  }
  const file = options['config'] as string | undefined;
  return {
    ...(file === undefined ? {} : { file }),
    values,
    sets: (options['set'] as readonly string[] | undefined) ?? [],
  };
}

/** Loads the configuration that the flags, the environment and the file say. Nothing is printed. */
export async function loadFor(
  options: Readonly<Record<string, unknown>>,
  world: World,
  o: { readonly willListen: boolean } = { willListen: true },
): Promise<Loaded> {
  const { loadConfig } = await import('../config/load.ts');
  return loadConfig(configFlags(options), { ...surroundings(world), ...o });
}

/** The same for a command that serves nothing; undefined after telling what is wrong with the configuration (exit code `config`). */
export async function loadOrTell(
  options: Readonly<Record<string, unknown>>,
  world: World,
): Promise<Extract<Loaded, { ok: true }> | undefined> {
  const loaded = await loadFor(options, world, { willListen: false });
  if (loaded.ok) return loaded;
  printProblems(loaded, world.terminal);
  return undefined;
}

function surroundings({ environment, folder, home }: World): Surroundings {
  return { environment, folder, home, localNames: localNames() };
}

/** What this machine is called and which addresses it has. */
function localNames(): readonly string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map((one) => one.address));
  return [hostname(), ...addresses];
}

/** The process as app/ needs it. Logs go to stderr. */
export function aroundOf({ environment, home }: World): Around {
  return { version: VERSION, environment, home, logTo: 2 };
}

/** `error` with `detail.origin` when it is about a key of the configuration: where that key was written. */
export function withOrigin(error: unknown, origins: ReadonlyMap<string, string>): unknown {
  if (!isAppError(error) || typeof error.detail['key'] !== 'string') return error;
  const origin = origins.get(error.detail['key']) ?? 'default';
  return new AppError(error.code, error.message, { cause: error.cause, detail: { ...error.detail, origin } });
}

/** What the configuration names and cannot be used, each with its origin. Opens no port and writes nothing. */
export async function findUnusable(
  { config, origins }: Extract<Loaded, { ok: true }>,
  world: World,
): Promise<readonly unknown[]> {
  const preflight = await import('../app/preflight.ts');
  return (await preflight.findUnusable(config, aroundOf(world))).map((error) => withOrigin(error, origins));
}

/** Prints every failure of findUnusable with what to do about it. */
export function printUnusable(found: readonly unknown[], terminal: Terminal): void {
  for (const error of found) {
    const { what, fix } = failureInWords(error, terminal.messages);
    terminal.failure(what, fix);
  }
  terminal.note(`larder: ${terminal.messages.configIsWrong(found.length)}`);
}

/** Prints every problem with what to do about it. */
export function printProblems(loaded: Extract<Loaded, { ok: false }>, terminal: Terminal): void {
  for (const problem of loaded.problems) {
    const { what, fix } = inWords(problem, terminal.messages);
    terminal.failure(what, fix);
  }
  terminal.note(`larder: ${terminal.messages.configIsWrong(loaded.problems.length)}`);
}
