/** The files of a vendor/: what is there, what should be, and copies of it. */
import { lstat, mkdir } from 'node:fs/promises';
import { bytesOfText } from '../../gomod/go-text.ts';
import { shown } from '../../gomod/shown.ts';
import { diskFailure } from '../../io/disk-failure.ts';
import type { Ask } from '../../std/ask.ts';
import { AppError } from '../../std/errors.ts';
import { copyFile, type FileFacts, hashFile } from '../copy-file.ts';
import { each } from '../each.ts';
import { type TreeEntry, walkTree } from '../tree.ts';
import { nameFault, type VendoredFile, vendorHash } from './vendor-sum.ts';

const AT_A_TIME = 4;

/** What a vendor/ was found to be. */
export type VendorState =
  | { readonly kind: 'intact'; readonly h1: string; readonly files: number }
  /** vendor/ is there, and nobody said what should be in it. */
  | { readonly kind: 'no-sum' }
  | { readonly kind: 'damaged'; readonly faults: readonly VendorFault[] };

/** One thing that is not as vendor.sum says. `other` = a link, a pipe, a name that no list can hold. */
export interface VendorFault {
  readonly kind: 'missing' | 'changed' | 'mode' | 'extra' | 'other';
  /** Quoted, safe to print. */
  readonly name: string;
}

/** What is told while it goes on: files so far. */
export interface Progress extends Ask {
  readonly onProgress?: (files: number) => void;
}

/** Holds the tree `folder` against what vendor.sum lists; a folder that is a link counts as none. Rejects with STORE_UNAVAILABLE. */
export async function stateOf(
  folder: string,
  sum: ReadonlyMap<string, VendoredFile>,
  o: Progress,
): Promise<Exclude<VendorState, { readonly kind: 'no-sum' }>> {
  const found: VendoredFile[] = [];
  const faults: VendorFault[] = [];
  try {
    await each(await entriesOf(folder, o), AT_A_TIME, async (entry) => {
      if (entry.kind === 'folder') return;
      const fault = entryFault(entry);
      if (fault === undefined) found.push(vendored(entry, await hashFile(entry.place, o)));
      else faults.push({ kind: 'other', name: shown(entry.name) });
      o.onProgress?.(found.length);
    });
  } catch (error) {
    throw diskFailure(error, 'verify vendor/', folder);
  }
  faults.push(...differences(sum, found));
  if (faults.length > 0) return { kind: 'damaged', faults: faults.sort((a, b) => (a.name < b.name ? -1 : 1)) };
  return { kind: 'intact', h1: vendorHash(found), files: found.length };
}

/** What `found` has otherwise than vendor.sum. */
export function differences(sum: ReadonlyMap<string, VendoredFile>, found: readonly VendoredFile[]): VendorFault[] {
  const byName = new Map(found.map((file) => [file.name, file]));
  const faults: VendorFault[] = [];
  const tell = (kind: VendorFault['kind'], name: string): void => void faults.push({ kind, name: shown(name) });
  for (const { name, sha256, isExecutable } of sum.values()) {
    const file = byName.get(name);
    if (file === undefined) tell('missing', name);
    else if (file.sha256 !== sha256) tell('changed', name);
    else if (file.isExecutable !== isExecutable) tell('mode', name);
  }
  for (const { name } of found) if (!sum.has(name)) tell('extra', name);
  return faults;
}

/** Copies the tree `from` to the new folder `to`, and tells what was copied. Rejects with CONFIG_INVALID and the reason `vendor-strange` when it is no folder, or has what no list can hold; with the system's errors. */
export async function copyTree(from: string, to: string, o: Progress): Promise<readonly VendoredFile[]> {
  const entries = await entriesOf(from, o);
  const fault = (await isFolder(from))
    ? entries
        .map((entry) => (entry.kind === 'folder' ? nameFault(entry.name) : entryFault(entry)))
        .find((one) => one !== undefined)
    : `${from} is no folder`;
  if (fault !== undefined) throw refused('vendor-strange', `copy ${from}: ${fault}`, fault);
  await mkdir(to);
  const folders = entries.filter(({ kind }) => kind === 'folder').map(({ name }) => placeIn(to, name));
  for (const folder of folders) await mkdir(folder);
  const files: VendoredFile[] = [];
  await each(entries, AT_A_TIME, async (entry) => {
    if (entry.kind !== 'file') return;
    const modeOf = (isExecutable: boolean): number => (isExecutable ? 0o755 : 0o644);
    files.push(vendored(entry, await copyFile(entry.place, placeIn(to, entry.name), { ...o, modeOf })));
    o.onProgress?.(files.length);
  });
  return files;
}

/** Whether a folder, and no link to one, is at `path`. */
export async function isFolder(path: string): Promise<boolean> {
  const facts = await lstat(path).catch(() => undefined);
  return facts?.isDirectory() === true;
}

/** A refusal with the reason that the command line has words for. */
export function refused(reason: string, what: string, why: string): AppError {
  return new AppError('CONFIG_INVALID', what, { detail: { reason, why } });
}

function vendored({ name }: TreeEntry, { sha256, isExecutable }: FileFacts): VendoredFile {
  return { name, sha256, isExecutable };
}

function entryFault({ name, kind }: TreeEntry): string | undefined {
  return kind === 'file' ? nameFault(name) : `${shown(name)} is a ${kind === 'link' ? 'link' : 'file of another kind'}`;
}

/** The whole list, without contents; none when there is no folder, or it is a link. */
async function entriesOf(folder: string, o: Ask): Promise<readonly TreeEntry[]> {
  if (!(await isFolder(folder))) return [];
  const entries: TreeEntry[] = [];
  for await (const entry of walkTree(folder, o)) entries.push(entry);
  return entries;
}

/** Byte for byte: names need not be UTF-8. */
function placeIn(folder: string, name: string): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`), bytesOfText(name)]);
}
