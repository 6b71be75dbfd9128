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
  /** Their paths in the module, in tree order. */
  readonly paths: Set<string>;
  /** No attribute can make one of them other than its blob. */
  readonly arePlain: boolean;
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
  return { paths, arePlain: await arePlain(archive, tree, files, o), license };
}

const ATTRIBUTES = '.gitattributes';

/** Attributes stand in the folders of the files and in those above them; git reads no others here. */
async function arePlain(
  archive: TreeArchive,
  { commit, directory }: ModuleTree,
  files: readonly ModuleFile[],
  o: Ask,
): Promise<boolean> {
  if (files.length > FEW_FILES || files.some(({ path }) => path.split('/').at(-1) === ATTRIBUTES)) return false;
  const above = directory === '' ? [] : ['', ...directory.split('/').slice(0, -1)];
  let folder = '';
  for (const name of above) {
    folder += name === '' ? '' : `${name}/`;
    if ((await archive.file(commit, folder + ATTRIBUTES, o)) !== undefined) return false;
  }
  return true;
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
  plan: Plan,
  o: Ask,
): AsyncGenerator<NewEntry, void, undefined> {
  const prefix = zipPrefix(tree.module.path, tree.module.version);
  const { license } = plan;
  const few = plan.arePlain ? await fewFiles(archive, tree, plan, o) : undefined;
  for await (const file of few ?? archivedFiles(archive, tree, plan, o)) yield { ...file, name: prefix + file.name };
  if (license !== undefined) yield { name: prefix + LICENSE, sizeBytes: license.length, content: license };
}

/** Modules with few, small files that are as their blobs are: a question each to a process that runs already, where an archive is a process of its own. */
const FEW_FILES = 64;
const FEW_BYTES = 1 << 20;

/** The files, named as in the module; undefined when they are too large for this, or have names that are no plain text. */
async function fewFiles(
  archive: TreeArchive,
  { commit, directory }: ModuleTree,
  { paths }: Plan,
  o: Ask,
): Promise<readonly NewEntry[] | undefined> {
  const files: NewEntry[] = [];
  let roomBytes = FEW_BYTES;
  for (const name of paths) {
    const content = await blobAt(archive, commit, directory === '' ? name : `${directory}/${name}`, o);
    roomBytes -= content?.length ?? 0;
    if (content === undefined || roomBytes < 0) return undefined;
    files.push({ name, sizeBytes: content.length, content });
  }
  return files;
}

async function blobAt(archive: TreeArchive, commit: string, path: string, o: Ask): Promise<Uint8Array | undefined> {
  if (!/^[\x20-\x7e]+$/.test(path)) return undefined;
  try {
    return await archive.file(commit, path, o);
  } catch (error) {
    if (isAppError(error, 'TOO_LARGE')) return undefined;
    throw error;
  }
}

/** The files as attributes make them, named as in the module. */
async function* archivedFiles(
  archive: TreeArchive,
  tree: ModuleTree,
  { paths, license }: Plan,
  o: Ask,
): AsyncGenerator<NewEntry, void, undefined> {
  let roomBytes = MAX_CONTENT_BYTES - (license?.length ?? 0);
  for await (const entry of tarEntries(archive.archive(tree.commit, tree.directory, o))) {
    const name = entry.kind === 'regular' ? inModule(entry.name, tree) : '';
    if (!paths.delete(name)) continue;
    const { sizeBytes } = entry;
    roomBytes -= sizeBytes;
    requireSize(name, sizeBytes, roomBytes, tree);
    yield { name, sizeBytes, content: sizeBytes <= WHOLE_BYTES ? await entry.whole() : entry.pieces() };
  }
  if (paths.size > 0) throw inconsistent('leaves out files that it lists');
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
