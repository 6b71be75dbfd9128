/** The whole judgement on a module zip: strict form, the go command's rules, and its hash. */
import { hash1, type HashedFile } from '../dirhash.ts';
import { RunningSha256, sha256Hex } from '../sha256.ts';
import { shown } from '../shown.ts';
import type { ByteSource } from './byte-source.ts';
import { checkZipEntries, checkZipName, requireValid, zipPrefix } from './check.ts';
import { zipFault } from './fault.ts';
import { MAX_ZIP_BYTES } from './limits.ts';
import { openZip, type Pause, readContents, type Zip, type ZipEntry } from './reader.ts';

/** What was found in a good module zip. */
export interface ModuleZipFacts {
  /** `h1:` of the zip, as go.sum has it. */
  readonly h1: string;
  /** Without directories. */
  readonly fileCount: number;
  /** Of all files together, unpacked. */
  readonly contentBytes: number;
  /** Hex SHA-256 of the go.mod at the root, when the module has one. */
  readonly goModSha256?: string;
}

/**
 * Reads the zip in `source` from end to end as that of module `path` at `version`. Throws ZIP_INVALID with the first thing wrong, BAD_MODULE_PATH or
 * BAD_VERSION when nothing can be named so. Takes 5 to 15 ms per MB of zip; a module of 520 MB unpacked in 18,327 files took 1.1 s and 100 MB, mostly garbage not yet collected.
 */
export async function inspectModuleZip(source: ByteSource, path: string, version: string): Promise<ModuleZipFacts> {
  return hashModuleZip(openModuleZip(source, path, version), path, version);
}

/** The first half of inspectModuleZip, without waiting: whatever the directory of the zip tells. Unpacked sizes are known and bounded from here on. */
export function openModuleZip(source: ByteSource, path: string, version: string): Zip {
  checkZipName(path, version);
  if (source.sizeBytes > MAX_ZIP_BYTES)
    throw zipFault(`${source.sizeBytes} bytes are over the limit of ${MAX_ZIP_BYTES}`);
  const zip = openZip(source);
  requireModuleZip(zip, path, version);
  return zip;
}

/** Throws ZIP_INVALID unless the directory of `zip` is one that the go command and other readers agree on. */
export function requireModuleZip({ source, entries }: Zip, path: string, version: string): void {
  requireValid(checkZipEntries(path, version, { sizeBytes: source.sizeBytes, entries }), 'check zip');
  requireUniqueNames(entries);
}

/** The second half: all contents. */
export async function hashModuleZip(zip: Zip, path: string, version: string, pause?: Pause): Promise<ModuleZipFacts> {
  const hasher = new EntryHasher();
  await readContents(zip, hasher, pause);
  const goMod = `${zipPrefix(path, version)}go.mod`;
  const goModSha256 = hasher.files.find(({ name }) => name === goMod)?.sha256;
  return {
    h1: hash1(hasher.files),
    fileCount: zip.entries.reduce((count, entry) => count + (entry.isDirectory ? 0 : 1), 0),
    contentBytes: contentBytesOf(zip.entries),
    ...(goModSha256 === undefined ? {} : { goModSha256 }),
  };
}

/** Of all entries, as they say. */
export function contentBytesOf(entries: readonly ZipEntry[]): number {
  return entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/** The go command's rules let a directory be listed twice; other readers need not. */
function requireUniqueNames(entries: readonly ZipEntry[]): void {
  const names = new Set<string>();
  for (const { name } of entries) {
    if (names.has(name)) throw zipFault(`entry ${shown(name)} occurs twice`);
    names.add(name);
  }
}

/** Hashes contents as they are read. */
export class EntryHasher {
  readonly files: HashedFile[] = [];
  #running: RunningSha256 | undefined;
  #whole: string | undefined;

  content(part: Uint8Array, entry: ZipEntry): void {
    if (part.length === entry.sizeBytes) {
      this.#whole = sha256Hex(part);
      return;
    }
    this.#running ??= new RunningSha256();
    this.#running.add(part);
  }

  done({ name }: ZipEntry): void {
    this.files.push({ name, sha256: this.#running?.hex() ?? this.#whole ?? EMPTY });
    this.#running = undefined;
    this.#whole = undefined;
  }
}

const EMPTY = sha256Hex('');
