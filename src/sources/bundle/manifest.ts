/** What a bundle says about itself: which files it has, and which module each of them is. */
import { isCanonicalFor, isModulePath, type ModuleVersion } from '../../gomod/module.ts';
import { artifactTarget, escapedTarget, parseRequestPath } from '../../gomod/protocol.ts';
import { shown } from '../../gomod/shown.ts';
import { compareBytewise, decodeUtf8, encodeUtf8 } from '../../std/bytes.ts';
import { AppError } from '../../std/errors.ts';

/** Names of the two files beside the tree. */
export const MANIFEST_FILE = 'manifest';
export const SIGNATURE_FILE = 'manifest.sig';
/** The folder of a bundle that is a GOPROXY (`GOPROXY=file://BUNDLE/download`). */
const TREE_FOLDER = 'download';
/** Some 300,000 files. */
export const MAX_MANIFEST_BYTES = 64 << 20;

const FORMAT = 'larder-bundle/1';
const LONGEST_PURPOSE = 1000;

/** One file of a bundle. */
export interface BundleFile {
  /** Below the bundle: `download/rsc.io/quote/@v/v1.5.2.zip`. */
  readonly path: string;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly size: number;
}

/** What a bundle has of one module version, by the hashes that a go.sum has of it. */
export interface BundleModule extends ModuleVersion {
  /** `h1:` of its go.mod, when the bundle has that. */
  readonly mod?: string;
  /** `h1:` of its zip, when the bundle has that. */
  readonly zip?: string;
}

/** The whole of it. Files are in byte order of their paths, modules in that of path and version; none is there twice. */
export interface Manifest {
  /** A name that no other bundle of a store has; see isBundleId. */
  readonly id: string;
  /** When it was made: `2026-01-02T03:04:05Z`. */
  readonly created: string;
  /** What for, in the words of who made it; may be empty. */
  readonly purpose: string;
  readonly modules: readonly BundleModule[];
  readonly files: readonly BundleFile[];
}

/** Whether `id` can name a bundle and its folder in a store: small letters, digits, `.`, `_` and `-`, from a letter or a digit on, and not a name that the store uses itself. */
export function isBundleId(id: string): boolean {
  return /^[a-z0-9][a-z0-9._-]{0,63}$/.test(id) && id !== 'current' && id !== 'previous';
}

/** The path below the bundle of a file of the tree: `rsc.io/quote/@v/list`. */
export function pathInBundle(target: string): string {
  return `${TREE_FOLDER}/${target}`;
}

/** The one text of a manifest: JSON with a line for each module and file. Lists are sorted here. */
export function encodeManifest({ id, created, purpose, modules, files }: Manifest): Uint8Array {
  const head = JSON.stringify({ format: FORMAT, id, created, for: purpose }).slice(0, -1);
  const moduleLines = modules
    .toSorted(inModuleOrder)
    .map(({ path, version, mod, zip }) => JSON.stringify({ path, version, mod, zip }));
  const fileLines = files.toSorted(inPathOrder).map(({ path, sha256, size }) => JSON.stringify({ path, sha256, size }));
  return encodeUtf8(`${head},"modules":[${lines(moduleLines)}],"files":[${lines(fileLines)}]}\n`);
}

function lines(all: readonly string[]): string {
  return all.length === 0 ? '' : `\n${all.join(',\n')}\n`;
}

function inModuleOrder(a: ModuleVersion, b: ModuleVersion): number {
  return compareBytewise(a.path, b.path) || compareBytewise(a.version, b.version);
}

function inPathOrder(a: BundleFile, b: BundleFile): number {
  return compareBytewise(a.path, b.path);
}

/**
 * The manifest in `bytes`, whose signature was checked. Throws UPSTREAM_BAD_RESPONSE unless it is written exactly as encodeManifest writes it, names only
 * files that a GOPROXY tree has, each once, and has the hash of every go.mod and zip among them.
 */
export function decodeManifest(bytes: Uint8Array): Manifest {
  const manifest = shapeOf(parsed(bytes));
  if (Buffer.compare(encodeManifest(manifest), bytes) !== 0) throw refused('not in its one form');
  requireOnce(manifest.modules, inModuleOrder, ({ path, version }) => `${path}@${version}`);
  requireOnce(manifest.files, inPathOrder, ({ path }) => path);
  requireWhole(manifest);
  return manifest;
}

function parsed(bytes: Uint8Array): unknown {
  const text = bytes.length <= MAX_MANIFEST_BYTES ? decodeUtf8(bytes) : undefined;
  if (text === undefined) throw refused('too long, or not UTF-8');
  try {
    return JSON.parse(text);
  } catch (error) {
    throw refused('not JSON', error);
  }
}

function shapeOf(value: unknown): Manifest {
  const { format, id, created, for: purpose, modules, files } = record(value);
  if (format !== FORMAT) throw refused(`its format is not ${FORMAT}`);
  if (typeof id !== 'string' || !isBundleId(id)) throw refused('its id is none');
  if (typeof created !== 'string' || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(created)) throw refused('no time in it');
  if (typeof purpose !== 'string' || purpose.length > LONGEST_PURPOSE) throw refused('what it is for is no short text');
  if (!Array.isArray(modules) || !Array.isArray(files)) throw refused('no lists in it');
  return { id, created, purpose, modules: modules.map(moduleOf), files: files.map(fileOf) };
}

function moduleOf(value: unknown): BundleModule {
  const { path, version, mod, zip } = record(value);
  if (typeof path !== 'string' || typeof version !== 'string' || !isModulePath(path) || !isCanonicalFor(path, version))
    throw refused(`${shown(String(path))}@${shown(String(version))} is no module version`);
  return { path, version, ...hashMember('mod', mod), ...hashMember('zip', zip) };
}

function hashMember(name: 'mod' | 'zip', value: unknown): { readonly [K in 'mod' | 'zip']?: string } {
  if (value === undefined) return {};
  if (typeof value !== 'string' || !H1.test(value)) throw refused('a hash is none');
  return { [name]: value };
}

const H1 = /^h1:[A-Za-z0-9+/]{43}=$/;

function fileOf(value: unknown): BundleFile {
  const { path, sha256, size } = record(value);
  if (typeof path !== 'string' || !isTreePath(path))
    throw refused(`${shown(String(path))} is no file of a GOPROXY tree`);
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) throw refused(`${path}: no hash`);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw refused(`${path}: no size`);
  return { path, sha256, size };
}

/** Whether `path` is how a file of a GOPROXY tree is named below a bundle: so it holds no `..`, no empty element and no name of another file. */
function isTreePath(path: string): boolean {
  if (!path.startsWith(`${TREE_FOLDER}/`)) return false;
  const target = path.slice(TREE_FOLDER.length + 1);
  try {
    const request = parseRequestPath(`/${target}`);
    return request.kind !== 'sumdb' && escapedTarget(request) === target;
  } catch {
    return false;
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refused('not of objects');
  return value as Readonly<Record<string, unknown>>;
}

/** The lists are sorted: encodeManifest sorts them, and what it writes was compared. */
function requireOnce<T>(sorted: readonly T[], order: (a: T, b: T) => number, nameOf: (one: T) => string): void {
  for (const [i, one] of sorted.entries()) {
    const before = sorted[i - 1];
    if (before !== undefined && order(before, one) === 0) throw refused(`${shown(nameOf(one))} is there twice`);
  }
}

/** Each go.mod and zip has its hash, and each hash its file. */
function requireWhole({ modules, files }: Manifest): void {
  const paths = new Set(files.map(({ path }) => path).filter((path) => /\.(mod|zip)$/.test(path)));
  for (const module of modules) {
    for (const kind of ['mod', 'zip'] as const) {
      if (module[kind] === undefined) continue;
      const path = pathInBundle(artifactTarget({ module, kind }));
      if (!paths.delete(path)) throw refused(`${shown(path)} is not among the files`);
    }
  }
  const [rest] = paths;
  if (rest !== undefined) throw refused(`${shown(rest)} has no h1`);
}

function refused(why: string, cause?: unknown): AppError {
  return new AppError('UPSTREAM_BAD_RESPONSE', `read bundle manifest: ${why}`, { cause });
}
