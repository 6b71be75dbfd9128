import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { GoSumIndex, type GoSumLine } from '../../gomod/gosum.ts';
import {
  type ArtifactKind,
  compareModuleVersions,
  isCanonicalFor,
  isModulePath,
  type ModuleVersion,
} from '../../gomod/module.ts';
import { artifactTarget, escapedTarget } from '../../gomod/protocol.ts';
import { isPseudoVersion } from '../../gomod/pseudo.ts';
import { parseRevInfo } from '../../gomod/rev-info.ts';
import { sortVersions } from '../../gomod/semver.ts';
import { sha256Hex } from '../../gomod/sha256.ts';
import type { SignerKey } from '../../gomod/sumdb/key.ts';
import { diskFailure, isAbsence } from '../../io/disk-failure.ts';
import {
  type BundleFile,
  type BundleModule,
  encodeManifest,
  isBundleId,
  type Manifest,
  MANIFEST_FILE,
  pathInBundle,
  SIGNATURE_FILE,
} from '../../sources/bundle/manifest.ts';
import { signManifest } from '../../sources/bundle/signature.ts';
import { type Ask, throwIfAborted } from '../../std/ask.ts';
import { encodeUtf8 } from '../../std/bytes.ts';
import { AppError, type ErrorCode, type ErrorDetail } from '../../std/errors.ts';
import type { ZipInspector } from '../../verify/zip-inspector.ts';
import { copyFile } from '../copy-file.ts';
import { each } from '../each.ts';
import { leftoversIn, passingName } from '../turn.ts';
import { sweep } from './switch.ts';
import { h1Of } from './verify.ts';

const AT_A_TIME = 4;
const MAX_INFO_BYTES = 1 << 20;
/** What a bundle that is being made is called; other things of other commands may stand beside it. */
const MAKING = 'bundle';

/** What goes into a bundle. */
export interface BundleOrder {
  /** A Larder data folder, a module cache, or any GOPROXY tree. */
  readonly from: string;
  /** The folder that is made; nothing may be there. */
  readonly to: string;
  /** Modules by name: go.mod, zip and info of each. */
  readonly modules: readonly ModuleVersion[];
  /** Lines of go.sum files: the go.mod or zip of each, and with exactly that hash. */
  readonly goSum: readonly GoSumLine[];
  readonly signer: SignerKey;
  readonly inspector: Pick<ZipInspector, 'inspect'>;
  /** What for. */
  readonly purpose: string;
  readonly id?: string | undefined;
  readonly now: Date;
  /** What is not in the tree is left out, and told; otherwise it is a failure. */
  readonly onMissing: 'refuse' | 'leave-out';
  readonly onProgress?: (modules: number, of: number) => void;
}

/** What was made. */
export interface MadeBundle {
  readonly manifest: Manifest;
  /** What the tree does not have: `rsc.io/quote@v1.5.2.zip`. */
  readonly missing: readonly string[];
}

/** A module and which of its files are wanted. */
interface Wanted {
  readonly module: ModuleVersion;
  readonly kinds: Set<'mod' | 'zip'>;
}

/**
 * Makes a signed bundle in the folder `to`, whole or not at all. Rejects with NOT_FOUND naming what the tree lacks, CHECKSUM_MISMATCH when a file is not what go.sum says, ZIP_INVALID,
 * CONFLICT when `to` is there, CONFIG_INVALID or STORE_UNAVAILABLE. Killed, it leaves what the next one beside it removes.
 */
export async function createBundle(order: BundleOrder, o: Ask): Promise<MadeBundle> {
  if (order.id !== undefined && !isBundleId(order.id))
    throw refused('CONFIG_INVALID', 'bundle-bad-id', `${order.id} is no name for one`, { id: order.id });
  if (await isThere(order.to))
    throw refused('CONFLICT', 'bundle-place-taken', `${order.to} is there already`, { path: order.to });
  const beside = dirname(order.to);
  const temp = join(beside, await passingName(MAKING));
  try {
    await mkdir(temp, { recursive: true });
    // Others' leftovers may not be ours to remove.
    await sweepBeside(beside).catch(() => undefined);
    const made = await fillBundle(temp, order, o);
    await rename(temp, order.to);
    return made;
  } catch (error) {
    await rm(temp, { recursive: true, force: true }).catch(() => undefined);
    throw diskFailure(error, `create bundle ${order.to}`, order.to);
  }
}

async function sweepBeside(folder: string): Promise<void> {
  await sweep((await leftoversIn(folder)).filter(({ kind }) => kind === MAKING));
}

async function fillBundle(folder: string, order: BundleOrder, o: Ask): Promise<MadeBundle> {
  const tree = await downloadTreeIn(order.from);
  const wanted = wantedOf(order);
  const filling = {
    folder,
    tree,
    order,
    pins: new GoSumIndex(order.goSum),
    files: [] as BundleFile[],
    missing: [] as string[],
  };
  const modules: BundleModule[] = [];
  let done = 0;
  await each(wanted, AT_A_TIME, async (one) => {
    const module = await takeModule(filling, one, o);
    if (module !== undefined) modules.push(module);
    order.onProgress?.(++done, wanted.length);
  });
  if (modules.length === 0 || (order.onMissing === 'refuse' && filling.missing.length > 0))
    throw lacks(order, filling.missing);
  await writeLists(filling, modules);
  const manifest = await writeManifest(folder, { order, modules, files: filling.files });
  return { manifest, missing: filling.missing.sort() };
}

function lacks({ from }: BundleOrder, missing: readonly string[]): AppError {
  const shown = missing.slice(0, 5).join(', ');
  const more = missing.length > 5 ? ` and ${missing.length - 5} more` : '';
  const why = `${shown === '' ? 'any module' : shown}${more}`;
  return refused('NOT_FOUND', 'bundle-lacks', `${from} does not have ${why}`, { path: from, why });
}

/** Where the tree of `folder` is: in a module cache, in a Larder data folder, or the folder itself. Rejects with CONFIG_INVALID when there is no such folder. */
async function downloadTreeIn(folder: string): Promise<string> {
  for (const place of [join(folder, 'cache', 'download'), join(folder, 'download'), folder]) {
    const facts = await stat(place).catch(() => undefined);
    if (facts?.isDirectory() === true) return place;
  }
  throw refused('CONFIG_INVALID', 'bundle-source-absent', `there is no folder ${folder}`, { path: folder });
}

function wantedOf({ modules, goSum }: BundleOrder): readonly Wanted[] {
  const wanted = new Map<string, Wanted>();
  const want = (module: ModuleVersion, kind: 'mod' | 'zip'): void => {
    const key = `${module.path}@${module.version}`;
    const one = wanted.get(key) ?? { module, kinds: new Set() };
    wanted.set(key, one);
    one.kinds.add(kind);
  };
  for (const module of modules) for (const kind of ['mod', 'zip'] as const) want(module, kind);
  for (const { path, version } of goSum) {
    const isMod = version.endsWith('/go.mod');
    const plain = isMod ? version.slice(0, -'/go.mod'.length) : version;
    if (!isModulePath(path) || !isCanonicalFor(path, plain))
      throw new AppError('CONFIG_INVALID', `create bundle: go.sum has ${path} ${version}, which no module is called`);
    want({ path, version: plain }, isMod ? 'mod' : 'zip');
  }
  return [...wanted.values()].sort((a, b) => compareModuleVersions(a.module, b.module));
}

interface Filling {
  readonly folder: string;
  readonly tree: string;
  readonly order: BundleOrder;
  readonly pins: GoSumIndex;
  readonly files: BundleFile[];
  readonly missing: string[];
}

async function takeModule(filling: Filling, { module, kinds }: Wanted, o: Ask): Promise<BundleModule | undefined> {
  const found: { mod?: string; zip?: string } = {};
  for (const kind of kinds) {
    const file = await take(filling, module, kind, o);
    if (file === undefined) filling.missing.push(`${module.path}@${module.version}.${kind}`);
    else found[kind] = await checkedH1(filling, module, kind, { file, signal: o.signal });
  }
  if (found.zip !== undefined) await takeInfo(filling, module, o);
  return found.mod === undefined && found.zip === undefined ? undefined : { ...module, ...found };
}

/** Copies one file of the tree, or undefined when it has none. */
async function take(
  { folder, tree, files }: Filling,
  module: ModuleVersion,
  kind: ArtifactKind,
  o: Ask,
): Promise<BundleFile | undefined> {
  throwIfAborted(o.signal);
  const target = artifactTarget({ module, kind });
  const path = pathInBundle(target);
  await mkdir(dirname(join(folder, path)), { recursive: true });
  try {
    const { sha256, sizeBytes: size } = await copyFile(join(tree, target), join(folder, path), {
      ...o,
      modeOf: () => 0o644,
    });
    const file = { path, sha256, size };
    files.push(file);
    return file;
  } catch (error) {
    await rm(join(folder, path), { force: true });
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

async function checkedH1(
  { folder, order, pins }: Filling,
  module: ModuleVersion,
  kind: 'mod' | 'zip',
  { file, signal }: Ask & { readonly file: BundleFile },
): Promise<string> {
  const h1 = await h1Of(module, kind, join(folder, file.path), { file, inspector: order.inspector, signal });
  const version = kind === 'mod' ? `${module.version}/go.mod` : module.version;
  if (pins.verdict(module.path, version, h1) === 'mismatch')
    throw new AppError(
      'CHECKSUM_MISMATCH',
      `create bundle: ${module.path} ${version} is ${h1} in ${order.from}, and go.sum says ${pins.hashesOf(module.path, version).join(', ')}`,
    );
  return h1;
}

/** An info that is damaged or about another version is left out: a module can be had without it. */
async function takeInfo(filling: Filling, module: ModuleVersion, o: Ask): Promise<void> {
  const file = await take(filling, module, 'info', o);
  if (file === undefined) return;
  const place = join(filling.folder, file.path);
  if (file.size <= MAX_INFO_BYTES && isInfoOf(module, await readFile(place))) return;
  filling.files.splice(filling.files.indexOf(file), 1);
  await rm(place);
}

function isInfoOf({ version }: ModuleVersion, bytes: Uint8Array): boolean {
  try {
    return parseRevInfo(bytes).version === version;
  } catch {
    return false;
  }
}

/** A list of the versions whose zip is there, for each module: what go asks of `GOPROXY=file://`. */
async function writeLists({ folder, files }: Filling, modules: readonly BundleModule[]): Promise<void> {
  for (const [module, all] of Map.groupBy(modules, ({ path }) => path)) {
    const versions = all
      .filter(({ zip, version }) => zip !== undefined && !isPseudoVersion(version))
      .map(({ version }) => version);
    const path = pathInBundle(escapedTarget({ kind: 'list', module }));
    const bytes = encodeUtf8(
      sortVersions(versions)
        .map((version) => `${version}\n`)
        .join(''),
    );
    await writeFile(join(folder, path), bytes);
    files.push({ path, sha256: sha256Hex(bytes), size: bytes.length });
  }
}

async function writeManifest(
  folder: string,
  {
    order,
    modules,
    files,
  }: { readonly order: BundleOrder; readonly modules: readonly BundleModule[]; readonly files: readonly BundleFile[] },
): Promise<Manifest> {
  const created = `${order.now.toISOString().slice(0, 19)}Z`;
  const draft = { id: 'draft', created, purpose: order.purpose, modules, files };
  const id =
    order.id ?? `${created.replaceAll(/[-:]/g, '').toLowerCase()}-${sha256Hex(encodeManifest(draft)).slice(0, 8)}`;
  const manifest = { ...draft, id };
  const bytes = encodeManifest(manifest);
  await writeFile(join(folder, MANIFEST_FILE), bytes, { flush: true });
  await writeFile(join(folder, SIGNATURE_FILE), signManifest(bytes, order.signer), { flush: true });
  return manifest;
}

/** The command line has words of its own for `reason`. */
function refused(code: ErrorCode, reason: string, why: string, facts: ErrorDetail): AppError {
  return new AppError(code, `create bundle: ${why}`, { detail: { ...facts, reason } });
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    (error: unknown) => !isAbsence(error),
  );
}
