/**
 * Which files make up a module zip: what of a source tree goes in, what stays out, what makes the whole module unusable; and the same
 * question for a zip that someone else made.
 */
import { AppError } from '../../std/errors.ts';
import { check, filePathFault } from '../module.ts';
import { shown } from '../shown.ts';
import { canonicalVersion } from '../version.ts';
import { Collisions } from './collisions.ts';
import { MAX_CONTENT_BYTES, MAX_GO_MOD_BYTES, MAX_LICENSE_BYTES, MAX_ZIP_BYTES } from './limits.ts';
import { isVendored, vendorRuleOf } from './vendored.ts';

/** A file of a source tree. Directories need not be listed. */
export interface ModuleFile {
  /** Slash-separated, relative to the module's root. */
  readonly path: string;
  readonly mode: 'regular' | 'symlink' | 'directory' | 'other';
  readonly sizeBytes: number;
}

export interface FileFault {
  readonly path: string;
  readonly fault: string;
}

/** What the rules say of each file, in the order they were given. */
export interface CheckedFiles {
  readonly valid: readonly string[];
  /** Left out, as a matter of course. One report per path. */
  readonly omitted: readonly FileFault[];
  /** Each makes the module unusable. One report per path, except by checkZipEntries. */
  readonly invalid: readonly FileFault[];
  /** Set when the whole is too large. */
  readonly sizeFault?: string;
}

/** Throws ZIP_INVALID with the first fault when `checked` has one; `what` says what was being done. */
export function requireValid(checked: CheckedFiles, what: string): void {
  const [first] = checked.invalid;
  const fault = checked.sizeFault ?? (first && `${shown(first.path)}: ${first.fault}`);
  if (fault === undefined) return;
  const detail = { invalidFiles: checked.invalid.length };
  throw new AppError('ZIP_INVALID', `${what}: ${fault}`, { detail });
}

/** Throws BAD_MODULE_PATH or BAD_VERSION unless `path` and `version` can name a module zip: valid, canonical, fitting. */
export function checkZipName(path: string, version: string): void {
  if (canonicalVersion(version) !== version) {
    throw new AppError('BAD_VERSION', `check version of ${shown(path)}: ${shown(version)} is not canonical`);
  }
  check(path, version);
}

/** What every name in the zip of a module starts with. */
export function zipPrefix(path: string, version: string): string {
  return `${path}@${version}/`;
}

// ------------------------------------------------------------------ a source tree

/** Sorts `files` into what goes into the module and what does not. `goMod` is the content of the go.mod at the root, when there is a regular file of this name. */
export function checkFiles(files: readonly ModuleFile[], goMod: Uint8Array | undefined): CheckedFiles {
  const rule = vendorRuleOf(goMod);
  const submodules = submoduleRoots(files);
  const collisions = new Collisions();
  const report = new Report();
  for (const file of files) {
    const { path } = file;
    const before = nameFault(path);
    if (before !== undefined) report.invalid(path, before);
    else if (isVendored(path, rule)) report.omitted(path, 'file is in vendor directory');
    else if (isInside(path, submodules)) report.omitted(path, 'file is in another module');
    else if (path === '.hg_archival.txt')
      report.omitted(path, "file is inserted by 'hg archive' and is always omitted");
    else checkIncluded(file, collisions, report);
  }
  return report.finish();
}

function nameFault(path: string): string | undefined {
  if (!isClean(path)) return 'file path is not clean';
  return path.startsWith('/') ? 'file path is not relative' : undefined;
}

/** A file that is this module's own, so that everything about it counts. */
function checkIncluded(file: ModuleFile, collisions: Collisions, report: Report): void {
  const { path, mode } = file;
  const fault =
    malformation(path) ??
    (path !== 'go.mod' && path.toLowerCase() === 'go.mod' ? GO_MOD_CASE : undefined) ??
    collisions.add(path, mode === 'directory');
  if (fault !== undefined) report.invalid(path, fault);
  else if (mode === 'symlink') report.omitted(path, 'file is a symbolic link');
  else if (mode !== 'regular') report.omitted(path, 'not a regular file');
  else report.sized(path, path, file.sizeBytes, 'module source tree');
}

function malformation(path: string): string | undefined {
  const fault = filePathFault(path);
  return fault && `malformed file path: ${fault}`;
}

const GO_MOD_CASE = 'go.mod files must have lowercase names';

/** Directories, each with its slash, that hold a regular file called go.mod in any case. The root is the empty string. */
function submoduleRoots(files: readonly ModuleFile[]): ReadonlySet<string> {
  const roots = new Set<string>();
  for (const { path, mode } of files) {
    const start = path.lastIndexOf('/') + 1;
    if (mode === 'regular' && start > 0 && isGoMod(path.slice(start))) roots.add(path.slice(0, start));
  }
  return roots;
}

/** Go compares here with full case folding; no letter beyond ASCII folds to one of these. */
function isGoMod(base: string): boolean {
  return base.length === 6 && base.toLowerCase() === 'go.mod';
}

function isInside(path: string, roots: ReadonlySet<string>): boolean {
  if (roots.size === 0) return false;
  for (let slash = path.lastIndexOf('/'); slash >= 0; slash = slash === 0 ? -1 : path.lastIndexOf('/', slash - 1)) {
    if (roots.has(path.slice(0, slash + 1))) return true;
  }
  return false;
}

/** Whether Go's path.Clean would leave `path` as it is. */
export function isClean(path: string): boolean {
  if (path === '.' || path === '/') return true;
  const elements = (path.startsWith('/') ? path.slice(1) : path).split('/');
  let mayClimb = !path.startsWith('/');
  for (const element of elements) {
    if (element === '' || element === '.' || (element === '..' && !mayClimb)) return false;
    mayClimb &&= element === '..';
  }
  return true;
}

// ------------------------------------------------------------------ a finished zip

/** An entry of a zip, by what its directory says. */
export interface NamedEntry {
  readonly name: string;
  readonly sizeBytes: number;
}

/**
 * The go command's rules for the entries of the zip of `path` at `version`, in their order; valid ones are told by their whole names. Throws
 * BAD_MODULE_PATH or BAD_VERSION for a name that no module zip can have.
 */
export function checkZipEntries(
  path: string,
  version: string,
  zip: { readonly sizeBytes: number; readonly entries: readonly NamedEntry[] },
): CheckedFiles {
  checkZipName(path, version);
  if (zip.sizeBytes > MAX_ZIP_BYTES) {
    const sizeFault = `module zip file is too large (${zip.sizeBytes} bytes; limit is ${MAX_ZIP_BYTES} bytes)`;
    return { valid: [], omitted: [], invalid: [], sizeFault };
  }
  const prefix = zipPrefix(path, version);
  const collisions = new Collisions();
  const report = new Report();
  for (const { name, sizeBytes } of zip.entries) {
    const fault = name.startsWith(prefix)
      ? entryFault(name.slice(prefix.length), collisions)
      : `path does not have prefix ${shown(prefix)}`;
    if (fault !== undefined) report.invalidEntry(name, fault);
    else if (!name.endsWith('/')) report.sized(name, name.slice(prefix.length), sizeBytes, 'module contents');
  }
  return report.finish();
}

/** `name` without the prefix: empty for the root directory, which may be there. */
function entryFault(name: string, collisions: Collisions): string | undefined {
  if (name === '') return undefined;
  const isDirectory = name.endsWith('/');
  const path = isDirectory ? name.slice(0, -1) : name;
  if (!isClean(path)) return 'file path is not clean';
  const fault = malformation(path) ?? collisions.add(path, isDirectory);
  if (fault !== undefined || isDirectory) return fault;
  const base = path.slice(path.lastIndexOf('/') + 1);
  if (!isGoMod(base)) return undefined;
  if (base !== path) return 'go.mod file not in module root directory';
  return path === 'go.mod' ? undefined : GO_MOD_CASE;
}

/** The verdicts as they come. */
class Report {
  readonly #valid: string[] = [];
  readonly #omitted: FileFault[] = [];
  readonly #invalid: FileFault[] = [];
  readonly #reported = new Set<string>();
  #roomBytes = MAX_CONTENT_BYTES;
  #sizeFault: string | undefined;

  omitted(path: string, fault: string): void {
    if (this.#isFirst(path)) this.#omitted.push({ path, fault });
  }

  invalid(path: string, fault: string): void {
    if (this.#isFirst(path)) this.#invalid.push({ path, fault });
  }

  invalidEntry(name: string, fault: string): void {
    this.#invalid.push({ path: name, fault });
  }

  /** A file whose name is good: valid unless its size is not. `path` is the name in the module, `name` what it is reported as. */
  sized(name: string, path: string, sizeBytes: number, whole: string): void {
    if (sizeBytes <= this.#roomBytes) this.#roomBytes -= sizeBytes;
    else this.#sizeFault ??= `${whole} too large (max size is ${MAX_CONTENT_BYTES} bytes)`;
    const own = path === 'go.mod' ? MAX_GO_MOD_BYTES : path === 'LICENSE' ? MAX_LICENSE_BYTES : undefined;
    if (own === undefined || sizeBytes <= own) this.#valid.push(name);
    else this.invalid(name, `${path} file too large (max size is ${own} bytes)`);
  }

  finish(): CheckedFiles {
    const files = { valid: this.#valid, omitted: this.#omitted, invalid: this.#invalid };
    return this.#sizeFault === undefined ? files : { ...files, sizeFault: this.#sizeFault };
  }

  #isFirst(path: string): boolean {
    if (this.#reported.has(path)) return false;
    this.#reported.add(path);
    return true;
  }
}
