/**
 * Names of modules: which paths are valid, how paths and versions are escaped, and which versions a path may have.
 * Every text that comes in is attacker-controlled; every check is linear in its length.
 */
import type { Branded } from '../std/branded.ts';
import { compareBytewise } from '../std/bytes.ts';
import { AppError } from '../std/errors.ts';
import { build, compare, isDigit, isValid, major } from './semver.ts';
import { shown } from './shown.ts';
import { isCanonicalVersion } from './version.ts';

/** A module path that passed checkPath: `github.com/Azure/azure-sdk-for-go`. */
export type ModulePath = Branded<string, 'ModulePath'>;
/** A canonical module version: `v1.2.3`, a pseudo-version, or with `+incompatible`. */
export type Version = Branded<string, 'Version'>;
/** A module path with each upper-case letter X written `!x`: the form on the wire and on disk. */
export type EscapedPath = Branded<string, 'EscapedPath'>;
/** A version or revision name, escaped the same way. */
export type EscapedVersion = Branded<string, 'EscapedVersion'>;

export interface ModuleVersion {
  readonly path: ModulePath;
  readonly version: Version;
}

/** The three things that are kept for ever about a module version. */
export type ArtifactKind = 'info' | 'mod' | 'zip';

/** Names one immutable artifact. */
export interface ArtifactId {
  readonly module: ModuleVersion;
  readonly kind: ArtifactKind;
}

// ------------------------------------------------------------------ paths

/** Throws BAD_MODULE_PATH unless `path` is a valid module path. */
export function checkPath(path: string): void {
  const fault = modulePathFault(path);
  if (fault !== undefined) throw malformed('module path', path, fault);
}

/** `path` as a ModulePath; throws BAD_MODULE_PATH unless it is valid. */
export function parseModulePath(path: string): ModulePath {
  checkPath(path);
  return path as ModulePath;
}

/** Whether `path` is a valid module path. */
export function isModulePath(path: string): path is ModulePath {
  return modulePathFault(path) === undefined;
}

/** Throws BAD_MODULE_PATH unless `path` is a valid package import path (`fmt`, `example.com/x/.hidden`, `a+b`). */
export function checkImportPath(path: string): void {
  const fault = pathFault(path, IMPORT_CHAR);
  if (fault !== undefined) throw malformed('import path', path, fault);
}

/** Throws BAD_MODULE_PATH unless `path` is a valid slash-separated path of a file in a module. Letters of any script are allowed. */
export function checkFilePath(path: string): void {
  const fault = filePathFault(path);
  if (fault !== undefined) throw malformed('file path', path, fault);
}

/** Why `path` is no valid path of a file in a module, or undefined when it is one. */
export function filePathFault(path: string): string | undefined {
  return pathFault(path, FILE_CHAR);
}

function malformed(what: string, path: string, fault: string): AppError {
  return new AppError('BAD_MODULE_PATH', `check ${what} ${shown(path)}: ${fault}`);
}

/** Character classes, as bits of CHAR_CLASS; also the kind of path they belong to. */
const MODULE_CHAR = 1;
const IMPORT_CHAR = 2;
const FILE_CHAR = 4;
const HOST_CHAR = 8;
type PathKind = typeof MODULE_CHAR | typeof IMPORT_CHAR | typeof FILE_CHAR;

const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const CHAR_CLASS = charClasses([
  [HOST_CHAR, `${LOWER}0123456789-.`],
  [MODULE_CHAR, `${LOWER}${LOWER.toUpperCase()}0123456789-._~`],
  [IMPORT_CHAR, `${LOWER}${LOWER.toUpperCase()}0123456789-._~+`],
  [FILE_CHAR, `${LOWER}${LOWER.toUpperCase()}0123456789 !#$%&()+,-.=@[]^_{}~`],
]);

function charClasses(classes: readonly (readonly [bit: number, chars: string])[]): Uint8Array {
  const table = new Uint8Array(128);
  for (const [bit, chars] of classes) for (const c of chars) table[c.charCodeAt(0)]! |= bit; // all of chars is ASCII
  return table;
}

const DOT = 0x2e;
const DASH = 0x2d;
const TILDE = 0x7e;
const BANG = 0x21;

/** Rules that only module paths have: a host-like first element, and a major suffix that is one. */
function modulePathFault(path: string): string | undefined {
  const fault = pathFault(path, MODULE_CHAR);
  if (fault !== undefined) return fault;
  const slash = path.indexOf('/');
  const end = slash < 0 ? path.length : slash;
  let hasDot = false;
  for (let i = 0; i < end; i++) {
    const c = path.charCodeAt(i);
    if (((CHAR_CLASS[c] ?? 0) & HOST_CHAR) === 0) return `invalid char ${shown(path.charAt(i))} in first path element`;
    hasDot ||= c === DOT;
  }
  if (!hasDot) return 'missing dot in first path element';
  return splitPathVersion(path) === undefined ? 'invalid major version suffix' : undefined;
}

/** Rules that all kinds of paths share. */
function pathFault(path: string, kind: PathKind): string | undefined {
  if (path === '') return 'empty string';
  if (kind !== FILE_CHAR && path.charCodeAt(0) === DASH) return 'leading dash';
  for (let start = 0; ; ) {
    const slash = path.indexOf('/', start);
    const end = slash < 0 ? path.length : slash;
    const fault = elementFault(path, start, end, kind);
    if (fault !== undefined) return fault;
    if (slash < 0) return undefined;
    start = end + 1;
  }
}

/** Why path[start, end) is no valid element, or undefined when it is one. */
function elementFault(path: string, start: number, end: number, kind: PathKind): string | undefined {
  if (start === end) return 'empty path element';
  if (kind === MODULE_CHAR && path.charCodeAt(start) === DOT) return 'leading dot in path element';
  if (path.charCodeAt(end - 1) === DOT) return 'trailing dot in path element';
  let firstDot = end;
  for (let i = start; i < end; i++) {
    const c = path.charCodeAt(i);
    if (c >= 0x80) {
      const rest = kind === FILE_CHAR ? endOfLetter(path, i) : 0;
      if (rest === 0) return `invalid char ${shown(String.fromCodePoint(path.codePointAt(i) ?? c))}`;
      i = rest - 1;
    } else if (((CHAR_CLASS[c] ?? 0) & kind) === 0) {
      return `invalid char ${shown(path.charAt(i))}`;
    } else if (c === DOT && firstDot === end) {
      firstDot = i;
    }
  }
  return windowsFault(path, start, firstDot, kind);
}

const LETTER = /^\p{L}$/u;

/** Index after the non-ASCII letter at `i`, or 0 when there is none. Lone surrogates are no letters. */
function endOfLetter(path: string, i: number): number {
  const letter = String.fromCodePoint(path.codePointAt(i) ?? 0);
  return LETTER.test(letter) ? i + letter.length : 0;
}

const WINDOWS_NAME = /^(?:con|prn|aux|nul|com[1-9]|lpt[1-9])$/i;

/** Names that Windows cannot have; `stem` is the element up to its first dot. */
function windowsFault(path: string, start: number, stemEnd: number, kind: PathKind): string | undefined {
  const length = stemEnd - start;
  if ((length === 3 || length === 4) && WINDOWS_NAME.test(path.slice(start, stemEnd))) {
    return `${shown(path.slice(start, stemEnd))} disallowed as path element component on Windows`;
  }
  if (kind === FILE_CHAR) return undefined;
  let i = stemEnd;
  while (i > start && isDigit(path.charCodeAt(i - 1))) i--;
  const isShortName = i > start && i < stemEnd && path.charCodeAt(i - 1) === TILDE;
  return isShortName ? 'trailing tilde and digits in path element' : undefined;
}

// ------------------------------------------------------------------ escaping

/** `path` with each upper-case letter X as `!x`. */
export function escapePath(path: ModulePath): EscapedPath {
  return escapeUpperCase(path) as EscapedPath;
}

/** The module path that `escaped` stands for; throws BAD_MODULE_PATH when it stands for none. */
export function unescapePath(escaped: string): ModulePath {
  const path = unescapeUpperCase(escaped);
  if (path === undefined) throw malformed('escaped module path', escaped, 'not in escaped form');
  return parseModulePath(path);
}

/** `v`, a version or any name a revision can be asked by over HTTP, escaped. Throws BAD_VERSION for names that cannot: with `/`, `!`, non-ASCII, ... */
export function escapeVersion(v: string): EscapedVersion {
  const fault = revisionNameFault(v) ?? (v.includes('!') || !isAscii(v) ? 'cannot be escaped' : undefined);
  if (fault !== undefined) throw badVersion('escape version', v, fault);
  return escapeUpperCase(v) as EscapedVersion;
}

/** The version or revision name that `escaped` stands for, not necessarily a semantic version; throws BAD_VERSION when it stands for none. */
export function unescapeVersion(escaped: string): string {
  const v = unescapeUpperCase(escaped);
  const fault = v === undefined ? 'not in escaped form' : revisionNameFault(v);
  if (v === undefined || fault !== undefined) throw badVersion('unescape version', escaped, fault ?? '');
  return v;
}

function badVersion(attempted: string, v: string, fault: string): AppError {
  return new AppError('BAD_VERSION', `${attempted} ${shown(v)}: ${fault}`);
}

/** A revision name must be good as one element of a file path. */
function revisionNameFault(v: string): string | undefined {
  return v.includes('/') ? 'disallowed character "/"' : elementFault(v, 0, v.length, FILE_CHAR);
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x80) return false;
  return true;
}

function isUpperCase(c: number): boolean {
  return c >= 0x41 && c <= 0x5a;
}

function escapeUpperCase(text: string): string {
  let escaped = '';
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    if (!isUpperCase(text.charCodeAt(i))) continue;
    escaped += `${text.slice(from, i)}!${text.charAt(i).toLowerCase()}`;
    from = i + 1;
  }
  return from === 0 ? text : escaped + text.slice(from);
}

/** Undefined when `escaped` has a raw upper-case letter, a non-ASCII character, or `!` before anything but a lower-case letter. */
function unescapeUpperCase(escaped: string): string | undefined {
  let text = '';
  let from = 0;
  for (let i = 0; i < escaped.length; i++) {
    const c = escaped.charCodeAt(i);
    if (c >= 0x80 || isUpperCase(c)) return undefined;
    if (c !== BANG) continue;
    const letter = escaped.charCodeAt(i + 1);
    if (!(letter >= 0x61 && letter <= 0x7a)) return undefined;
    text += escaped.slice(from, i) + String.fromCharCode(letter - 0x20);
    from = ++i + 1;
  }
  return from === 0 ? escaped : text + escaped.slice(from);
}

// ------------------------------------------------------------------ paths and versions

/** A module path cut before its major version suffix: `{prefix: 'example.com/m', pathMajor: '/v2'}`; for gopkg.in paths the suffix is `.v2`. */
export interface SplitPath {
  readonly prefix: string;
  readonly pathMajor: string;
}

/** `path` cut before its major version suffix (which may be empty); undefined when it has one that is not allowed (`/v1`, `/v02`, gopkg.in without `.vN`). */
export function splitPathVersion(path: string): SplitPath | undefined {
  if (path.startsWith(GOPKG_IN)) return splitGopkgIn(path);
  let start = path.length;
  while (start > 0 && (isDigit(path.charCodeAt(start - 1)) || path.charCodeAt(start - 1) === DOT)) start--;
  if (start === path.length || !path.endsWith('/v', start)) return { prefix: path, pathMajor: '' };
  const number = path.slice(start);
  if (number.includes('.') || number.startsWith('0') || number === '1') return undefined;
  return { prefix: path.slice(0, start - 2), pathMajor: path.slice(start - 2) };
}

const GOPKG_IN = 'gopkg.in/';
const UNSTABLE = '-unstable';

/** Every gopkg.in path ends in `.vN` or `.vN-unstable`. */
function splitGopkgIn(path: string): SplitPath | undefined {
  const end = path.endsWith(UNSTABLE) ? path.length - UNSTABLE.length : path.length;
  let start = end;
  while (start > 0 && isDigit(path.charCodeAt(start - 1))) start--;
  const number = path.slice(start);
  if (!path.endsWith('.v', start) || number === '' || (number.startsWith('0') && number !== '0')) return undefined;
  return { prefix: path.slice(0, start - 2), pathMajor: path.slice(start - 2) };
}

/** The major version that `pathMajor` demands: `v2` of `/v2`, `.v2` and `.v2-unstable`; empty for none. */
export function pathMajorPrefix(pathMajor: string): string {
  return stableSuffix(pathMajor).slice(1);
}

function stableSuffix(pathMajor: string): string {
  return pathMajor.startsWith('.v') && pathMajor.endsWith(UNSTABLE) ? pathMajor.slice(0, -UNSTABLE.length) : pathMajor;
}

/** Whether version `v` may belong to a module whose path has the suffix `pathMajor`. */
export function matchPathMajor(v: string, pathMajor: string): boolean {
  const suffix = stableSuffix(pathMajor);
  // Pseudo-versions made before the first tag; early proxies gave them out for gopkg.in/x.v1.
  if (suffix === '.v1' && v.startsWith('v0.0.0-')) return true;
  const m = major(v);
  if (suffix === '') return m === 'v0' || m === 'v1' || build(v) === '+incompatible';
  return m === suffix.slice(1);
}

/** Whether a go.mod that declares `declaredPath` may serve a module whose path has the suffix `pathMajor`. Only the majors count: a fork may keep the original's path. */
export function declaresMajor(declaredPath: string, pathMajor: string): boolean {
  const declared = declaredPath === '' ? undefined : splitPathVersion(declaredPath)?.pathMajor;
  if (declared === undefined) return false;
  if (pathMajor === '') return ['', 'v0', 'v1'].includes(pathMajorPrefix(declared));
  return declared.slice(1) === pathMajor.slice(1);
}

/** Throws BAD_MODULE_PATH or BAD_VERSION unless `path` is valid and `version` is a semantic version that fits it. It need not be canonical. */
export function check(path: string, version: string): void {
  checkPath(path);
  if (!isValid(version)) throw badVersion(`check version of ${shown(path)}`, version, 'not a semantic version');
  if (fitsPath(path, version)) return;
  const wanted = pathMajorPrefix(splitPathVersion(path)?.pathMajor ?? '') || 'v0 or v1';
  throw badVersion(`check version of ${shown(path)}`, version, `should be ${wanted}, not ${major(version)}`);
}

/** Whether `v` is a canonical version and may belong to `path`: then its artifacts are immutable, and an answer about it must name it. */
export function isCanonicalFor(path: ModulePath, v: string): v is Version {
  return isCanonicalVersion(v) && fitsPath(path, v);
}

function fitsPath(path: string, version: string): boolean {
  const split = splitPathVersion(path);
  return split !== undefined && matchPathMajor(version, split.pathMajor);
}

/** Order of go.sum lines: by path, then semantic version, then what follows a slash in `version` (`v1.0.0` before `v1.0.0/go.mod`). */
export function compareModuleVersions(
  a: { readonly path: string; readonly version: string },
  b: { readonly path: string; readonly version: string },
): number {
  const byPath = compareBytewise(a.path, b.path);
  if (byPath !== 0) return byPath;
  const x = cutAtSlash(a.version);
  const y = cutAtSlash(b.version);
  return compare(x.version, y.version) || compareBytewise(x.version, y.version) || compareBytewise(x.rest, y.rest);
}

function cutAtSlash(text: string): { readonly version: string; readonly rest: string } {
  const slash = text.indexOf('/');
  return slash < 0 ? { version: text, rest: '' } : { version: text.slice(0, slash), rest: text.slice(slash) };
}
