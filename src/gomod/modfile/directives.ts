import { matchPathMajor, splitPathVersion } from '../module.ts';
import { autoQuote, unquote } from '../quote.ts';
import { shown } from '../shown.ts';
import { canonicalVersion } from '../version.ts';
import type { GodebugDirective, PathVersion, ReplaceDirective } from './mod-file.ts';
import type { Block, Line } from './syntax.ts';

/**
 * Readers of one directive's arguments. Each throws DirectiveError when they are wrong, and leaves the tokens it has read in
 * normal form, which is how a file is normalised for printing.
 */

/** What is wrong with one directive; its caller knows the line. */
export class DirectiveError extends Error {}

/** One directive as it stands in the file: a line of its own, or a line of a block. */
export class Directive {
  readonly verb: string;
  readonly line: Line;
  readonly block: Block | undefined;
  readonly #skip: number;

  constructor(verb: string, line: Line, block: Block | undefined) {
    this.verb = verb;
    this.line = line;
    this.block = block;
    this.#skip = block === undefined ? 1 : 0;
  }

  /** Number of arguments. */
  get count(): number {
    return this.line.tokens.length - this.#skip;
  }

  /** The argument as written; empty when there are fewer. */
  get(index: number): string {
    return this.line.tokens[this.#skip + index] ?? '';
  }

  /** Puts the normal form of an argument into the tree. */
  set(index: number, token: string): void {
    this.line.tokens[this.#skip + index] = token;
  }

  /** Throws unless there are exactly `count` arguments; `usage` says what is expected. */
  expect(count: number, usage: string): void {
    if (this.count !== count) throw new DirectiveError(`expected ${usage}`);
  }
}

/** Undefined; throws when the directive was there already. */
export function onlyOnce(seen: unknown, verb: string): undefined {
  if (seen !== undefined) throw new DirectiveError(`${verb} is repeated`);
  return undefined;
}

/** `go 1.24`. With `isLax`, a version with a tail that this program does not know is cut to its language version. */
export function readGo(args: Directive, isLax: boolean): string {
  args.expect(1, 'go VERSION');
  const version = args.get(0);
  if (GO_VERSION.test(version)) return version;
  const language = isLax ? LAX_GO_VERSION.exec(version)?.[1] : undefined;
  if (language === undefined) throw new DirectiveError(`go version ${shown(version)} is not of the form 1.23.0`);
  args.set(0, language);
  return language;
}

const GO_VERSION = /^[1-9][0-9]*\.(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))?(?:[a-z]+[0-9]+)?$/;
const LAX_GO_VERSION = /^v?([1-9][0-9]*\.(?:0|[1-9][0-9]*))[^0-9][^\n]*$/;

/** `toolchain go1.24.1` or `toolchain default`. */
export function readToolchain(args: Directive): string {
  args.expect(1, 'toolchain NAME');
  const name = args.get(0);
  if (!/^(?:default$|go1(?:$|\.))/.test(name))
    throw new DirectiveError(`toolchain ${shown(name)} is neither go1.23.0 or the like nor default`);
  return name;
}

/** `godebug key=value`. */
export function readGodebug(args: Directive): GodebugDirective {
  args.expect(1, 'godebug KEY=VALUE');
  const setting = args.get(0);
  const equals = setting.indexOf('=');
  if (equals < 0 || /["`',]/.test(setting)) throw new DirectiveError('expected godebug KEY=VALUE');
  return { key: setting.slice(0, equals), value: setting.slice(equals + 1) };
}

/** The one argument of `module`, `tool`, `ignore` and `use`; `usage` names it. */
export function readOnlyString(args: Directive, usage: string): string {
  args.expect(1, usage);
  return readString(args, 0);
}

/** `PATH VERSION` of `require` and `exclude`. */
export function readPathVersion(args: Directive, verb: string): PathVersion {
  args.expect(2, `${verb} PATH VERSION`);
  const path = readString(args, 0);
  const version = readVersion(args, 1);
  checkMajor(path, version);
  return { path, version };
}

/** `PATH [VERSION] => PATH VERSION` or `PATH [VERSION] => DIRECTORY`. */
export function readReplace(args: Directive): ReplaceDirective {
  const arrow = args.get(1) === '=>' ? 1 : 2;
  const hasTarget = args.count === arrow + 2 || args.count === arrow + 3;
  if (!hasTarget || args.get(arrow) !== '=>')
    throw new DirectiveError('expected replace PATH [VERSION] => PATH VERSION, or => DIRECTORY');
  const path = readString(args, 0);
  const version = arrow === 1 ? '' : readVersion(args, 1);
  checkMajor(path, arrow === 1 ? undefined : version);
  return { old: { path, version }, new: readReplacement(args, arrow + 1) };
}

/** What stands to the right of `=>`, from argument `at`. */
function readReplacement(args: Directive, at: number): PathVersion {
  const path = readString(args, at);
  if (args.count === at + 2) {
    const version = readVersion(args, at + 1);
    if (isDirectoryPath(path)) throw new DirectiveError(`replacement directory ${shown(path)} cannot have a version`);
    return { path, version };
  }
  if (!isDirectoryPath(path)) {
    const hint = path.includes('@')
      ? 'write PATH VERSION, not PATH@VERSION'
      : 'without a version it must be a directory: ./, ../ or rooted';
    throw new DirectiveError(`replacement ${shown(path)}: ${hint}`);
  }
  if (path.includes('\\')) throw new DirectiveError(`replacement directory ${shown(path)} looks like a Windows path`);
  return { path, version: '' };
}

/** Whether the go command takes `path` for a directory, not for a module path. Windows forms count everywhere. */
function isDirectoryPath(path: string): boolean {
  return /^(?:\.\.?$|\.\.?[/\\]|[/\\]|[A-Za-z]:)/.test(path);
}

/**
 * `VERSION` or `[LOW, HIGH]`, versions as written, and how many arguments that took; undefined when it is neither. Does not
 * throw: a dependency's go.mod may hold a million intervals of a kind that is skipped.
 */
export function readInterval(args: Directive): { low: string; high: string; taken: number } | undefined {
  const first = args.get(0);
  if (first !== '[') {
    const version = args.count === 0 || first === '(' ? undefined : takeLooseVersion(args, 0);
    return version === undefined ? undefined : { low: version, high: version, taken: 1 };
  }
  const low = takeLooseVersion(args, 1);
  if (low === undefined || args.get(2) !== ',') return undefined;
  const high = takeLooseVersion(args, 3);
  if (high === undefined || args.get(4) !== ']') return undefined;
  return { low, high, taken: 5 };
}

/** Argument `index` as a version that need not even be one: only its quotes are read. */
function takeLooseVersion(args: Directive, index: number): string | undefined {
  const version = index < args.count ? takeString(args, index) : undefined;
  if (version !== undefined) args.set(index, version);
  return version;
}

/** Argument `index` as a canonical version. */
function readVersion(args: Directive, index: number): string {
  const written = readString(args, index);
  const version = canonicalVersion(written);
  if (version === '') throw new DirectiveError(`version ${shown(written)} is not of the form v1.2.3`);
  args.set(index, version);
  return version;
}

/** Argument `index` without its quotes; throws when they are wrong. */
function readString(args: Directive, index: number): string {
  const text = takeString(args, index);
  if (text === undefined) throw new DirectiveError(`bad quotes in ${shown(args.get(index))}`);
  return text;
}

/** Argument `index` without its quotes, undefined when they are wrong. Raw strings are refused: other quotes are reserved. */
function takeString(args: Directive, index: number): string | undefined {
  const token = args.get(index);
  if (PLAIN.test(token)) return token;
  const text = token.startsWith('"') ? unquote(token) : /["'`]/.test(token) ? undefined : token;
  if (text !== undefined) args.set(index, autoQuote(text));
  return text;
}

/** Nearly all arguments: they need no quotes and have none. */
const PLAIN = /^[\w.\-/+~@]+$/;

/** Throws unless `path` has a well-formed major version suffix, and `version` (if any) fits it. */
function checkMajor(path: string, version: string | undefined): void {
  const split = splitPathVersion(path);
  if (split === undefined) throw new DirectiveError(`bad major version suffix in ${shown(path)}`);
  if (version === undefined || matchPathMajor(version, split.pathMajor)) return;
  throw new DirectiveError(`version ${shown(version)} does not fit the module path ${shown(path)}`);
}
