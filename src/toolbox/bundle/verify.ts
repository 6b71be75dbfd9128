import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hashGoMod } from '../../gomod/dirhash.ts';
import { artifactTarget } from '../../gomod/protocol.ts';
import { shown } from '../../gomod/shown.ts';
import type { VerifierKey } from '../../gomod/sumdb/key.ts';
import { MAX_GO_MOD_BYTES } from '../../gomod/zip/limits.ts';
import { bundleFilePieces } from '../../sources/bundle/bundle-file.ts';
import {
  type BundleFile,
  type BundleModule,
  type Manifest,
  MANIFEST_FILE,
  pathInBundle,
  SIGNATURE_FILE,
} from '../../sources/bundle/manifest.ts';
import { type OpenedBundle, openBundle } from '../../sources/bundle/opened-bundle.ts';
import type { Ask } from '../../std/ask.ts';
import { AppError, isAppError, messageOf, systemCodeOf } from '../../std/errors.ts';
import type { Spooled } from '../../std/spooled.ts';
import type { ZipInspector } from '../../verify/zip-inspector.ts';
import { each } from '../each.ts';
import { walkTree } from '../tree.ts';

/** Faults that are told one by one; more of them say nothing new. */
const MOST_FAULTS = 1000;
const AT_A_TIME = 4;

/** What was found. */
export interface BundleReport {
  /** Absent when the manifest could not be believed. */
  readonly manifest?: Manifest;
  /** Names of the trusted keys that signed. */
  readonly signers: readonly string[];
  /** What is wrong, in words; none = the bundle may be used. */
  readonly faults: readonly string[];
}

/** What verifying takes. */
export interface VerifyNeeds extends Ask {
  readonly keys: readonly VerifierKey[];
  readonly inspector: Pick<ZipInspector, 'inspect'>;
  readonly onProgress?: (files: number, of: number) => void;
}

/**
 * Everything that is wrong with the bundle in `folder`: its signature, its manifest, files that are missing, damaged, not in the manifest or no plain files, and hashes
 * of modules. Rejects only when it cannot be read, or with ABORTED.
 */
export async function verifyBundle(folder: string, needs: VerifyNeeds): Promise<BundleReport> {
  const opened = await refusable(openBundle(folder, needs.keys, needs));
  if (typeof opened === 'string') return { signers: [], faults: [opened] };
  const faults = await faultsOf(opened, needs);
  return { manifest: opened.manifest, signers: opened.signers, faults };
}

/** The same for a bundle whose manifest is open. */
export async function faultsOf(bundle: OpenedBundle, needs: VerifyNeeds): Promise<readonly string[]> {
  const faults = await strangersIn(bundle, needs);
  const files = await damageIn(bundle, needs, faults);
  await wrongHashes(bundle, needs, { faults, sound: files });
  return faults.slice(0, MOST_FAULTS);
}

/** What the folder has beside the manifest's files: anything, links above all. */
export async function strangersIn({ folder, manifest }: OpenedBundle, o: Ask): Promise<string[]> {
  const known = new Set([MANIFEST_FILE, SIGNATURE_FILE, ...manifest.files.map(({ path }) => path)]);
  const faults: string[] = [];
  for await (const { name, kind } of walkTree(folder, o)) {
    if (kind === 'folder' || (kind === 'file' && known.has(name)) || faults.length >= MOST_FAULTS) continue;
    faults.push(kind === 'file' ? `${shown(name)} is not in the manifest` : `${shown(name)} is no plain file`);
  }
  return faults;
}

/** Paths of the files that are what the manifest says; tells of the others. */
async function damageIn(
  { folder, manifest }: OpenedBundle,
  needs: VerifyNeeds,
  faults: string[],
): Promise<ReadonlySet<string>> {
  const sound = new Set<string>();
  let checked = 0;
  await each(manifest.files, AT_A_TIME, async (file) => {
    const fault = await refusable(readThrough(join(folder, file.path), file, needs));
    if (typeof fault === 'string') faults.push(fault);
    else sound.add(file.path);
    needs.onProgress?.(++checked, manifest.files.length);
  });
  return sound;
}

async function readThrough(place: string, file: BundleFile, o: Ask): Promise<undefined> {
  for await (const _ of bundleFilePieces(place, file, o));
}

async function wrongHashes(
  { folder, manifest }: OpenedBundle,
  needs: VerifyNeeds,
  { faults, sound }: { readonly faults: string[]; readonly sound: ReadonlySet<string> },
): Promise<void> {
  const files = new Map(manifest.files.map((file) => [file.path, file]));
  await each(manifest.modules, AT_A_TIME, async (module) => {
    for (const kind of ['mod', 'zip'] as const) {
      const file = files.get(pathInBundle(artifactTarget({ module, kind })));
      if (file === undefined || !sound.has(file.path)) continue;
      const fault = await wrongHash(module, kind, join(folder, file.path), { file, needs });
      if (fault !== undefined) faults.push(fault);
    }
  });
}

async function wrongHash(
  module: BundleModule,
  kind: 'mod' | 'zip',
  place: string,
  { file, needs }: { readonly file: BundleFile; readonly needs: VerifyNeeds },
): Promise<string | undefined> {
  const found = await refusable(h1Of(module, kind, place, { file, ...needs }));
  if (found === module[kind]) return undefined;
  return found.startsWith('h1:') ? `${file.path} is ${found}, and the manifest says ${module[kind]}` : found;
}

/** `h1:` of a go.mod or a module zip. Rejects with ZIP_INVALID for what is no zip of that module. */
export async function h1Of(
  module: BundleModule,
  kind: 'mod' | 'zip',
  place: string,
  o: Ask & {
    readonly file: Pick<BundleFile, 'path' | 'size' | 'sha256'>;
    readonly inspector: Pick<ZipInspector, 'inspect'>;
  },
): Promise<string> {
  const { size: sizeBytes, sha256, path } = o.file;
  if (kind === 'mod') {
    if (sizeBytes > MAX_GO_MOD_BYTES) throw new AppError('TOO_LARGE', `${path} has ${sizeBytes} bytes`);
    return hashGoMod(await readFile(place));
  }
  const body: Spooled = { kind: 'file', path: place, sizeBytes, sha256, discard: async () => undefined };
  return (await o.inspector.inspect(body, module, o)).h1;
}

/** What `work` resolves with, or in words why what it looked at cannot be used; other failures go on. */
async function refusable<T>(work: Promise<T>): Promise<T | string> {
  try {
    return await work;
  } catch (error) {
    const isVerdict = isAppError(error, 'UPSTREAM_BAD_RESPONSE', 'ZIP_INVALID', 'CHECKSUM_MISMATCH', 'TOO_LARGE');
    if (isVerdict || systemCodeOf(error) === 'ENOENT') return messageOf(error);
    throw error;
  }
}
