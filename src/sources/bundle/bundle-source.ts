import { join } from 'node:path';
import { isCanonicalFor, type ModulePath, type ModuleVersion, type Version } from '../../gomod/module.ts';
import { artifactTarget, escapedTarget, type ProxyRequest } from '../../gomod/protocol.ts';
import { isPseudoVersion } from '../../gomod/pseudo.ts';
import { parseRevInfo, type RevInfo } from '../../gomod/rev-info.ts';
import { sortVersions } from '../../gomod/semver.ts';
import type { VerifierKey } from '../../gomod/sumdb/key.ts';
import { MAX_LIST_BYTES, newestCommit, parseVersionList } from '../../gomod/version-list.ts';
import { MAX_GO_MOD_BYTES } from '../../gomod/zip/limits.ts';
import { type Ask, throwIfAborted } from '../../std/ask.ts';
import { AppError } from '../../std/errors.ts';
import type { Spooled } from '../../std/spooled.ts';
import type { Source, Spool, Unverified } from '../source.ts';
import { bundleFilePieces, readBundleFile } from './bundle-file.ts';
import { CURRENT, linkedId, openStored, stateOf } from './bundle-store.ts';
import { type BundleFile, type BundleModule, pathInBundle } from './manifest.ts';
import type { OpenedBundle } from './opened-bundle.ts';

const MAX_INFO_BYTES = 1 << 20;

export interface BundleSourceOptions {
  readonly name: string;
  /** Absolute path of a store of bundles. */
  readonly store: string;
  /** Who may have signed a bundle. */
  readonly keys: readonly VerifierKey[];
}

/** The bundle that counts, with its files and modules by name. */
interface Shelf {
  readonly state: string;
  readonly bundle: OpenedBundle;
  readonly files: ReadonlyMap<string, BundleFile>;
  readonly modules: ReadonlyMap<string, readonly BundleModule[]>;
}

/**
 * The bundle that `current` of a store leads to, read only. The link is read for each question: a switch counts at once, and what is being read goes on from the bundle it began with. Nothing is
 * installed: NOT_FOUND. Files are held against the manifest as they are read, and zips carry its h1 as what they claim to be; both beside what the verifier asks of any source.
 * What the manifest has and the disk has not is UPSTREAM_BAD_RESPONSE, never "not here".
 */
export class BundleSource implements Source {
  readonly name: string;
  readonly #store: string;
  readonly #keys: readonly VerifierKey[];
  #shelf: { readonly state: string; readonly opening: Promise<Shelf> } | undefined;

  constructor({ name, store, keys }: BundleSourceOptions) {
    this.name = name;
    this.#store = store;
    this.#keys = keys;
  }

  /** Rejects as openStored does when what `current` leads to cannot be used; an empty store can. */
  async check(o: Ask): Promise<void> {
    if ((await linkedId(this.#store, CURRENT)) !== undefined) await this.#open('check', o);
  }

  async list(module: ModulePath, o: Ask): Promise<readonly Version[]> {
    const attempt = `list versions of ${module} in ${this.name}`;
    const shelf = await this.#open(attempt, o);
    const list = shelf.files.get(pathInBundle(escapedTarget({ kind: 'list', module })));
    const held = shelf.modules.get(module);
    if (list === undefined && held === undefined) throw absent(attempt);
    const listed = list && parseVersionList(await this.#read(shelf, list, MAX_LIST_BYTES, o), module);
    const tagged = (held ?? []).filter(
      ({ mod, zip, version }) => (mod ?? zip) !== undefined && !isPseudoVersion(version),
    );
    return sortVersions([...new Set([...(listed ?? []), ...tagged.map(({ version }) => version)])]);
  }

  async query(module: ModulePath, query: string, o: Ask): Promise<Unverified<RevInfo>> {
    const attempt = `read the info of ${module}@${query} in ${this.name}`;
    const isExact = isCanonicalFor(module, query);
    const info = await this.#info(
      isExact
        ? { kind: 'artifact', id: { module: { path: module, version: query }, kind: 'info' } }
        : { kind: 'query', module, query },
      attempt,
      o,
    );
    if (isExact && info.version !== query) throw damaged(attempt, `the file is about version ${info.version}`);
    return { unverified: info, source: this.name };
  }

  /** The `@latest` file where the bundle has one; else the newest commit, of a module without any tagged version. */
  async latest(module: ModulePath, o: Ask): Promise<Unverified<RevInfo>> {
    const attempt = `find the latest version of ${module} in ${this.name}`;
    const shelf = await this.#open(attempt, o);
    const request: ProxyRequest = { kind: 'latest', module };
    if (shelf.files.has(pathInBundle(escapedTarget(request))))
      return { unverified: await this.#info(request, attempt, o), source: this.name };
    const versions = (shelf.modules.get(module) ?? []).map(({ version }) => version);
    const newest = versions.every(isPseudoVersion) ? newestCommit(versions) : undefined;
    if (newest === undefined) throw absent(attempt);
    return await this.query(module, newest, o);
  }

  async mod(mv: ModuleVersion, o: Ask): Promise<Unverified<Uint8Array>> {
    const attempt = `read the go.mod of ${mv.path}@${mv.version} in ${this.name}`;
    const shelf = await this.#open(attempt, o);
    const file = fileOf(shelf, artifactTarget({ module: mv, kind: 'mod' }), attempt);
    return { unverified: await this.#read(shelf, file, MAX_GO_MOD_BYTES, o), source: this.name };
  }

  async zip(mv: ModuleVersion, into: Spool, o: Ask): Promise<Unverified<Spooled>> {
    const attempt = `read the zip of ${mv.path}@${mv.version} in ${this.name}`;
    const shelf = await this.#open(attempt, o);
    const file = fileOf(shelf, artifactTarget({ module: mv, kind: 'zip' }), attempt);
    const claimedH1 = shelf.modules.get(mv.path)?.find(({ version }) => version === mv.version)?.zip;
    const pieces = bundleFilePieces(join(shelf.bundle.folder, file.path), file, o);
    const spooled = await into.fill(pieces, { ...o, expectedBytes: file.size });
    return { unverified: spooled, source: this.name, ...(claimedH1 === undefined ? {} : { claimedH1 }) };
  }

  async #info(request: ProxyRequest, attempt: string, o: Ask): Promise<RevInfo> {
    const shelf = await this.#open(attempt, o);
    const bytes = await this.#read(shelf, fileOf(shelf, escapedTarget(request), attempt), MAX_INFO_BYTES, o);
    try {
      return parseRevInfo(bytes);
    } catch (error) {
      throw new AppError('UPSTREAM_BAD_RESPONSE', `${attempt}: the file is no version info`, { cause: error });
    }
  }

  async #read({ bundle }: Shelf, file: BundleFile, maxBytes: number, o: Ask): Promise<Uint8Array> {
    if (file.size > maxBytes) throw new AppError('TOO_LARGE', `read ${file.path} of the bundle: ${file.size} bytes`);
    return await readBundleFile(join(bundle.folder, file.path), file, o);
  }

  async #open(attempt: string, { signal }: Ask): Promise<Shelf> {
    throwIfAborted(signal);
    const id = await linkedId(this.#store, CURRENT);
    if (id === undefined) throw new AppError('NOT_FOUND', `${attempt}: no bundle is installed`);
    const state = await stateOf(this.#store, id);
    if (this.#shelf?.state !== state) this.#shelf = { state, opening: this.#load(id, state) };
    return await this.#shelf.opening;
  }

  /** Belongs to no single caller, so none of them can stop it. A failure is not kept. */
  async #load(id: string, state: string): Promise<Shelf> {
    try {
      const bundle = await openStored(this.#store, id, { keys: this.#keys, signal: new AbortController().signal });
      const files = new Map(bundle.manifest.files.map((file) => [file.path, file]));
      const modules = Map.groupBy(bundle.manifest.modules, ({ path }) => path as string);
      return { state, bundle, files, modules };
    } catch (error) {
      if (this.#shelf?.state === state) this.#shelf = undefined;
      throw error;
    }
  }
}

function fileOf({ files }: Shelf, target: string, attempt: string): BundleFile {
  const file = files.get(pathInBundle(target));
  if (file === undefined) throw absent(attempt);
  return file;
}

function absent(attempt: string): AppError {
  return new AppError('NOT_FOUND', `${attempt}: not in this bundle`);
}

function damaged(attempt: string, why: string): AppError {
  return new AppError('UPSTREAM_BAD_RESPONSE', `${attempt}: ${why}`);
}
