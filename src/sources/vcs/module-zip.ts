/** Makes the zip of a module out of the tree of a commit, file for file what the go command would make (spec: "Building the zip"). */
import { textOfBytes } from '../../gomod/go-text.ts';
import type { ModuleVersion } from '../../gomod/module.ts';
import { checkFiles, type ModuleFile, requireValid, zipPrefix } from '../../gomod/zip/check.ts';
import { MAX_CONTENT_BYTES, MAX_GO_MOD_BYTES, MAX_LICENSE_BYTES, MAX_ZIP_BYTES } from '../../gomod/zip/limits.ts';
import { type NewEntry, zipPieces } from '../../gomod/zip/writer.ts';
import type { Ask } from '../../std/ask.ts';
import { AppError, isAppError } from '../../std/errors.ts';
import type { GitSnapshot, TreeFile } from './snapshot.ts';
import { type TarEntry, tarEntries } from './tar-reader.ts';

/** What a zip is made from: the part of a snapshot that knows trees. `archive` is asked for a single file, too. */
export type TreeArchive = Pick<GitSnapshot, 'files' | 'archive' | 'file'>;

/** What to make a zip of. */
export interface ModuleTree {
  readonly module: ModuleVersion;
  /** Full hash. */
  readonly commit: string;
  /** Where the module's files lie: clean, without slashes at its ends, empty for the root. */
  readonly directory: string;
}

interface ZipAsk extends Ask {
  /** Most bytes of the zip; what Go takes unless given. */
  readonly maxZipBytes?: number;
}

/** Contents up to this size are held in memory, so that several can be deflated at once. */
const WHOLE_BYTES = 256 * 1024;

/**
 * The bytes of the zip of `tree`. Nothing that has been given counts before the end: rejects with NOT_FOUND and the rule that failed when the go command would
 * make no module of these files, with UPSTREAM_BAD_RESPONSE when git contradicts itself, and with its failures. Memory: some 50 MiB however large the
 * files are, and one to two kilobytes for each of them.
 */
export async function* moduleZip(archive: TreeArchive, tree: ModuleTree, o: ZipAsk): AsyncGenerator<Uint8Array> {
  const { maxZipBytes = MAX_ZIP_BYTES } = o;
  let zipBytes = 0;
  try {
    for await (const piece of zipPieces(entriesOf(archive, tree, await planOf(archive, tree, o), o))) {
      // What does not compress is larger in a zip than by itself.
      zipBytes += piece.length;
      if (zipBytes > maxZipBytes) throw refused(tree, `module zip file is too large (limit is ${maxZipBytes} bytes)`);
      yield piece;
    }
  } catch (error) {
    throw isAppError(error, 'ZIP_INVALID') ? new AppError('NOT_FOUND', error.message, { cause: error }) : error;
  }
}

/** Which files go into the zip. */
interface Plan {
  /** Their paths in the module. */
  readonly paths: Set<string>;
  /** The license of the repository, for a module that has none of its own. */
  readonly license: Uint8Array | undefined;
}

async function planOf(archive: TreeArchive, tree: ModuleTree, o: Ask): Promise<Plan> {
  const files = moduleFiles(await archive.files(tree.commit, tree.directory, o), tree);
  const goMod = await vendoringGoMod(archive, tree, files, o);
  const license = await inheritedLicense(archive, tree, files, o);
  if (license !== undefined) files.push({ path: LICENSE, mode: 'regular', sizeBytes: license.length });
  const checked = checkFiles(files, goMod);
  requireValid(checked, attempt(tree));
  const paths = new Set(checked.valid);
  if (license !== undefined) paths.delete(LICENSE);
  return { paths, license };
}

/** Submodules are to git's archives what folders are: no files. Sizes are those of the archive, which attributes change. */
function moduleFiles(listed: readonly TreeFile[], tree: ModuleTree): ModuleFile[] {
  return listed
    .filter(({ type }) => type === 'blob')
    .map(({ name, mode }) => ({ path: inModule(textOfBytes(name), tree), mode: modeOf(mode), sizeBytes: 0 }));
}

function modeOf(mode: string): ModuleFile['mode'] {
  return mode === '120000' ? 'symlink' : 'regular';
}

function inModule(path: string, { directory }: ModuleTree): string {
  if (directory === '') return path;
  if (!path.startsWith(`${directory}/`)) throw inconsistent('lists files that were not asked for');
  return path.slice(directory.length + 1);
}

const GO_MOD = 'go.mod';
const LICENSE = 'LICENSE';
const VENDORED = /(?:^|\/)vendor\//;

/** The module's go.mod as it will be in the zip, where it decides: when something may be vendored. Its attributes can make it other than the blob. */
async function vendoringGoMod(
  archive: TreeArchive,
  tree: ModuleTree,
  files: readonly ModuleFile[],
  o: Ask,
): Promise<Uint8Array | undefined> {
  const hasGoMod = files.some(({ path, mode }) => path === GO_MOD && mode === 'regular');
  if (!hasGoMod || !files.some(({ path }) => VENDORED.test(path))) return undefined;
  const { commit, directory } = tree;
  const goMod = directory === '' ? GO_MOD : `${directory}/${GO_MOD}`;
  for await (const entry of tarEntries(archive.archive(commit, goMod, o))) {
    if (entry.name === goMod && entry.kind === 'regular') return contentUpTo(entry, MAX_GO_MOD_BYTES, tree);
  }
  throw inconsistent('leaves out go.mod');
}

/** What a module in a directory that holds nothing called LICENSE gets from the root: the blob, of a symbolic link its target. */
async function inheritedLicense(
  archive: TreeArchive,
  tree: ModuleTree,
  files: readonly ModuleFile[],
  o: Ask,
): Promise<Uint8Array | undefined> {
  const { commit, directory } = tree;
  if (directory === '' || files.some(({ path }) => path === LICENSE)) return undefined;
  try {
    return await archive.file(commit, LICENSE, o);
  } catch (error) {
    throw isAppError(error, 'TOO_LARGE') ? fileTooLarge(LICENSE, MAX_LICENSE_BYTES, tree) : error;
  }
}

// ------------------------------------------------------------------ contents

async function* entriesOf(
  archive: TreeArchive,
  tree: ModuleTree,
  { paths, license }: Plan,
  o: Ask,
): AsyncGenerator<NewEntry, void, undefined> {
  const prefix = zipPrefix(tree.module.path, tree.module.version);
  let roomBytes = MAX_CONTENT_BYTES - (license?.length ?? 0);
  for await (const entry of tarEntries(archive.archive(tree.commit, tree.directory, o))) {
    const path = entry.kind === 'regular' ? inModule(entry.name, tree) : '';
    if (!paths.delete(path)) continue;
    roomBytes -= entry.sizeBytes;
    requireSize(path, entry.sizeBytes, roomBytes, tree);
    const content = entry.sizeBytes <= WHOLE_BYTES ? await entry.whole() : entry.pieces();
    yield { name: prefix + path, sizeBytes: entry.sizeBytes, content };
  }
  if (paths.size > 0) throw inconsistent('leaves out files that it lists');
  if (license !== undefined) yield { name: prefix + LICENSE, sizeBytes: license.length, content: license };
}

async function contentUpTo(entry: TarEntry, limitBytes: number, tree: ModuleTree): Promise<Uint8Array> {
  if (entry.sizeBytes > limitBytes) throw fileTooLarge(GO_MOD, limitBytes, tree);
  return entry.whole();
}

/** The limits of the go command, on what really comes. `roomBytes` is what the module may still hold after this file. */
function requireSize(path: string, sizeBytes: number, roomBytes: number, tree: ModuleTree): void {
  const limitBytes = path === GO_MOD ? MAX_GO_MOD_BYTES : path === LICENSE ? MAX_LICENSE_BYTES : MAX_CONTENT_BYTES;
  if (roomBytes < 0) throw refused(tree, `module source tree too large (max size is ${MAX_CONTENT_BYTES} bytes)`);
  if (sizeBytes > limitBytes) throw fileTooLarge(path, limitBytes, tree);
}

function fileTooLarge(path: string, limitBytes: number, tree: ModuleTree): AppError {
  return refused(tree, `${path} file too large (max size is ${limitBytes} bytes)`);
}

function refused(tree: ModuleTree, fault: string): AppError {
  return new AppError('NOT_FOUND', `${attempt(tree)}: ${fault}`);
}

function attempt({ module }: ModuleTree): string {
  return `create zip of ${module.path}@${module.version}`;
}

function inconsistent(what: string): AppError {
  return new AppError('UPSTREAM_BAD_RESPONSE', `create zip: the archive of git ${what}`);
}
