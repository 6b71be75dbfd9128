import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  escapePath,
  isCanonicalFor,
  type ModulePath,
  type ModuleVersion,
  unescapeVersion,
  type Version,
} from '../../gomod/module.ts';
import { artifactTarget, escapedTarget, type ProxyRequest } from '../../gomod/protocol.ts';
import { isPseudoVersion } from '../../gomod/pseudo.ts';
import { parseRevInfo, type RevInfo } from '../../gomod/rev-info.ts';
import { sortVersions } from '../../gomod/semver.ts';
import { MAX_GO_MOD_BYTES, MAX_ZIP_BYTES } from '../../gomod/zip/limits.ts';
import { MAX_LIST_BYTES, newestCommit, parseVersionList } from '../../gomod/version-list.ts';
import { type Ask, throwIfAborted } from '../../std/ask.ts';
import { decodeUtf8 } from '../../std/bytes.ts';
import { AppError, isAppError } from '../../std/errors.ts';
import type { Spooled } from '../../std/spooled.ts';
import type { Source, Spool, Unverified } from '../source.ts';
import { readTreeFile, treeFailure, treeFilePieces } from './tree-file.ts';

const MAX_INFO_BYTES = 1 << 20;
const MAX_ZIPHASH_BYTES = 1024;
/** `h1:` and the base64 of a SHA-256. */
const H1 = /^h1:[A-Za-z0-9+/]{43}=$/;
/** Files of one `@v` folder that are looked at: up to six per version. */
const MAX_FOLDER_ENTRIES = 600_000;

export interface ModcacheOptions {
  readonly name: string;
  /** Absolute path of a download tree: `GOMODCACHE/cache/download`, or what a `file://` GOPROXY names. */
  readonly directory: string;
}

/**
 * A download tree on this machine, read only: a go command's module cache, a copy of another proxy, or Larder's own public tree. It may be in use by
 * a go command meanwhile, and may be incomplete: a version often has only its `.mod`. Damaged files (zero-filled after a power loss) are
 * UPSTREAM_BAD_RESPONSE, a missing permission is UPSTREAM_UNAVAILABLE: neither says that the module is not here.
 */
export class ModcacheSource implements Source {
  readonly name: string;
  readonly #directory: string;

  constructor({ name, directory }: ModcacheOptions) {
    this.name = name;
    this.#directory = directory;
  }

  /**
   * The `list` file and the versions whose files stand in the folder: a module cache's own `list` has pseudo-versions in it and lacks versions with
   * upper-case letters.
   */
  async list(module: ModulePath, o: Ask): Promise<readonly Version[]> {
    const attempt = `list versions of ${module} in ${this.name}`;
    const [listed, held] = await Promise.all([
      this.#listFile(module, attempt, o),
      this.#held(module, ['mod', 'zip'], attempt, o),
    ]);
    if (listed === undefined && held.length === 0) throw new AppError('NOT_FOUND', `${attempt}: not in this tree`);
    return sortVersions([...new Set([...(listed ?? []), ...held.filter((version) => !isPseudoVersion(version))])]);
  }

  async query(module: ModulePath, query: string, o: Ask): Promise<Unverified<RevInfo>> {
    const attempt = `read the info of ${module}@${query} in ${this.name}`;
    const isExact = isCanonicalFor(module, query);
    const request: ProxyRequest = isExact
      ? { kind: 'artifact', id: { module: { path: module, version: query }, kind: 'info' } }
      : { kind: 'query', module, query };
    const info = await this.#info(request, attempt, o);
    if (isExact && info.version !== query) throw damaged(attempt, `the file is about version ${info.version}`);
    return { unverified: info, source: this.name };
  }

  /**
   * The `@latest` file where the tree has one; else, for a module without any tagged version, the pseudo-version of the newest commit whose `.info` is
   * held. With tagged versions NOT_FOUND, as a go command would have it: which of them is the latest hangs on their go.mod files and on what other
   * sources list.
   */
  async latest(module: ModulePath, o: Ask): Promise<Unverified<RevInfo>> {
    const attempt = `find the latest version of ${module} in ${this.name}`;
    const told = await this.#optional(this.#info({ kind: 'latest', module }, attempt, o));
    if (told !== undefined) return { unverified: told, source: this.name };
    const [tagged, held] = await Promise.all([
      this.#optional(this.list(module, o)),
      this.#held(module, ['info'], attempt, o),
    ]);
    const newest = [...(tagged ?? []), ...held].every(isPseudoVersion) ? newestCommit(held) : undefined;
    if (newest === undefined) throw new AppError('NOT_FOUND', `${attempt}: not in this tree`);
    return await this.query(module, newest, o);
  }

  async mod(mv: ModuleVersion, o: Ask): Promise<Unverified<Uint8Array>> {
    const attempt = `read the go.mod of ${mv.path}@${mv.version} in ${this.name}`;
    const bytes = await readTreeFile(
      this.#path(artifactTarget({ module: mv, kind: 'mod' })),
      MAX_GO_MOD_BYTES,
      attempt,
      o,
    );
    if (bytes.includes(0)) throw damaged(attempt, 'the file has zero bytes in it');
    return { unverified: bytes, source: this.name };
  }

  async zip(mv: ModuleVersion, into: Spool, o: Ask): Promise<Unverified<Spooled>> {
    const attempt = `read the zip of ${mv.path}@${mv.version} in ${this.name}`;
    const path = this.#path(artifactTarget({ module: mv, kind: 'zip' }));
    const claimedH1 = await this.#claimedH1(path, attempt, o);
    const spooled = await into.fill(checkedZip(treeFilePieces(path, MAX_ZIP_BYTES, attempt, o), attempt), o);
    return { unverified: spooled, source: this.name, ...(claimedH1 === undefined ? {} : { claimedH1 }) };
  }

  async #info(request: ProxyRequest, attempt: string, o: Ask): Promise<RevInfo> {
    return parseInfo(await readTreeFile(this.#path(escapedTarget(request)), MAX_INFO_BYTES, attempt, o), attempt);
  }

  async #listFile(module: ModulePath, attempt: string, o: Ask): Promise<readonly Version[] | undefined> {
    const bytes = await this.#optional(
      readTreeFile(this.#path(`${escapePath(module)}/@v/list`), MAX_LIST_BYTES, attempt, o),
    );
    if (bytes?.includes(0)) throw damaged(attempt, 'the list file has zero bytes in it');
    return bytes && parseVersionList(bytes, module);
  }

  /** The versions that have a file with one of `extensions`; temporary and lock files have other names. */
  async #held(
    module: ModulePath,
    extensions: readonly string[],
    attempt: string,
    { signal }: Ask,
  ): Promise<readonly Version[]> {
    const versions = new Set<Version>();
    let seen = 0;
    try {
      for await (const { name } of await opendir(this.#path(`${escapePath(module)}/@v`))) {
        throwIfAborted(signal);
        if (++seen > MAX_FOLDER_ENTRIES)
          throw new AppError('TOO_LARGE', `${attempt}: more than ${MAX_FOLDER_ENTRIES} files in one folder`);
        const version = versionOfFile(module, name, extensions);
        if (version !== undefined) versions.add(version);
      }
    } catch (error) {
      const failure = treeFailure(error, attempt);
      if (failure.code !== 'NOT_FOUND') throw failure;
    }
    return [...versions];
  }

  /** What the tree says the zip hashes to. A damaged note is no proof against the zip: the go command recomputes it too. */
  async #claimedH1(zipPath: string, attempt: string, o: Ask): Promise<string | undefined> {
    const bytes = await this.#optional(readTreeFile(`${zipPath}hash`, MAX_ZIPHASH_BYTES, attempt, o));
    const text = (bytes && decodeUtf8(bytes))?.trim() ?? '';
    return H1.test(text) ? text : undefined;
  }

  async #optional<T>(reading: Promise<T>): Promise<T | undefined> {
    try {
      return await reading;
    } catch (error) {
      if (isAppError(error, 'NOT_FOUND')) return undefined;
      throw error;
    }
  }

  /** Targets are made from checked names, so they stay below the directory. */
  #path(target: string): string {
    return join(this.#directory, ...target.split('/'));
  }
}

function versionOfFile(module: ModulePath, name: string, extensions: readonly string[]): Version | undefined {
  const dot = name.lastIndexOf('.');
  if (!extensions.includes(name.slice(dot + 1))) return undefined;
  try {
    const version = unescapeVersion(name.slice(0, dot));
    return isCanonicalFor(module, version) ? version : undefined;
  } catch {
    return undefined;
  }
}

function parseInfo(bytes: Uint8Array, attempt: string): RevInfo {
  try {
    return parseRevInfo(bytes);
  } catch (error) {
    throw new AppError('UPSTREAM_BAD_RESPONSE', `${attempt}: the file is no version info`, { cause: error });
  }
}

/** Stops at the first piece of what is no zip; what is inside is for verify/ to say. */
async function* checkedZip(
  pieces: AsyncIterable<Uint8Array>,
  attempt: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  let isFirst = true;
  for await (const piece of pieces) {
    if (isFirst && (piece[0] !== 0x50 || piece[1] !== 0x4b)) throw damaged(attempt, 'the file is no zip');
    isFirst = false;
    yield piece;
  }
  if (isFirst) throw damaged(attempt, 'the file is empty');
}

function damaged(attempt: string, why: string): AppError {
  return new AppError('UPSTREAM_BAD_RESPONSE', `${attempt}: ${why}`);
}
