import { createHash, randomBytes } from 'node:crypto';
import { lstat, mkdir, readdir, readFile, rename, rm, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { diskFailure, isAbsence } from '../../io/disk-failure.ts';
import { makeFolder } from '../../io/make-folder.ts';
import { AppError, systemCodeOf } from '../../std/errors.ts';

/** What hashes a repository is made of. */
export type ObjectFormat = 'sha1' | 'sha256';

/** What is known of a mirror without asking git. */
export interface MirrorNote {
  readonly url: string;
  /** When its refs were last those of the remote, ms since 1970. */
  readonly refreshedAt: number;
  /** Of its packs. */
  readonly bytes: number;
}

/** Its time of change is when the mirror was last used. */
const NOTE = 'larder.json';
const NOTE_VERSION = 1;
/** What begins so is on its way out, or in. */
const PASSING = '.passing-';

/** Files that make a bare repository, as `git init` would; what can be executed is not among them. Attributes of the tree hold, but for two (spec: "Git commands of the reference"). */
function filesOf(format: ObjectFormat): Readonly<Record<string, string>> {
  const extensions = format === 'sha256' ? '[extensions]\n\tobjectFormat = sha256\n' : '';
  return {
    HEAD: 'ref: refs/larder/none\n',
    config: `[core]\n\trepositoryFormatVersion = ${format === 'sha256' ? 1 : 0}\n\tbare = true\n${extensions}`,
    'info/attributes': '* -export-subst -export-ignore\n',
  };
}

/** The name of the folder for `url`. */
export function mirrorKey(url: string): string {
  return createHash('sha256').update(url).digest('hex');
}

/** A path beside `path` for a mirror on its way in or out. */
export function passingPath(path: string): string {
  return join(dirname(path), `${PASSING}${randomBytes(8).toString('hex')}`);
}

/** Makes the empty bare repository `path`, which is not there. Rejects with STORE_UNAVAILABLE. */
export async function makeMirror(path: string, format: ObjectFormat): Promise<void> {
  const attempted = 'make a folder for a mirror';
  try {
    await makeFolder(dirname(path), { attempted, mode: 0o700 });
    await mkdir(path, { mode: 0o700 });
    await Promise.all(['refs', 'info', 'objects'].map((name) => mkdir(join(path, name))));
    await mkdir(join(path, 'objects', 'pack'));
    await Promise.all(Object.entries(filesOf(format)).map(([name, text]) => writeFile(join(path, name), text)));
  } catch (error) {
    throw diskFailure(error, attempted);
  }
}

/** Puts the whole mirror `made` in its place; false when another process was faster. Rejects with STORE_UNAVAILABLE. */
export async function placeMirror(made: string, path: string): Promise<boolean> {
  try {
    await rename(made, path);
    return true;
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST'].includes(systemCodeOf(error) ?? '')) return false;
    throw diskFailure(error, 'put a mirror in its place');
  }
}

/**
 * What tells the folder `path` from another that took its place; undefined when there is none. Rejects with STORE_UNAVAILABLE when somebody else could have made it what it is:
 * git does what the configuration of a repository says.
 */
export async function mirrorIdentity(path: string): Promise<string | undefined> {
  const facts = await lstat(path, { bigint: true }).catch(() => undefined);
  if (facts === undefined) return undefined;
  const uid = BigInt(process.getuid?.() ?? Number(facts.uid));
  if (facts.isDirectory() && facts.uid === uid && (facts.mode & OTHERS_WRITE) === 0n)
    return `${facts.ino}-${facts.birthtimeNs}`;
  throw new AppError('STORE_UNAVAILABLE', 'use a mirror: it does not belong to this account alone: take it away', {
    detail: { path },
  });
}

const OTHERS_WRITE = 0o022n;

/** Takes the mirror away at once, and its files then; nothing when there is none. Processes that read it fail or end well: nothing is changed under them. Rejects with STORE_UNAVAILABLE. */
export async function dropMirror(path: string): Promise<void> {
  const gone = passingPath(path);
  try {
    await rename(path, gone);
    await rm(gone, { recursive: true, force: true });
  } catch (error) {
    if (!isAbsence(error)) throw diskFailure(error, 'take a mirror away');
  }
}

/** The note of a mirror; undefined when there is none that can be read, or the mirror is not ours alone. */
export async function readNote(path: string): Promise<MirrorNote | undefined> {
  try {
    await mirrorIdentity(path);
    const note = JSON.parse(await readFile(join(path, NOTE), 'utf8')) as Partial<MirrorNote> & { version?: unknown };
    const { version, url, refreshedAt, bytes } = note;
    if (version !== NOTE_VERSION || typeof url !== 'string') return undefined;
    return typeof refreshedAt === 'number' && typeof bytes === 'number' ? { url, refreshedAt, bytes } : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps a note. It is no loss when that fails. */
export async function writeNote(path: string, note: MirrorNote): Promise<void> {
  const temp = join(path, `${NOTE}.${process.pid}`);
  try {
    await writeFile(temp, JSON.stringify({ version: NOTE_VERSION, ...note }));
    await rename(temp, join(path, NOTE));
  } catch {
    await unlink(temp).catch(() => undefined);
  }
}

/** Says that the mirror is used at `now` (ms since 1970). */
export async function touchMirror(path: string, now: number): Promise<void> {
  await utimes(join(path, NOTE), now / 1000, now / 1000).catch(() => undefined);
}

/** A mirror among others. */
export interface MirrorOnDisk {
  readonly key: string;
  readonly bytes: number;
  /** Ms since 1970. */
  readonly usedAt: number;
}

/** The mirrors in `folder`, in no order, and takes away what was left on its way `before` (ms since 1970). Never rejects: what cannot be read is not there. */
export async function listMirrors(folder: string, before: number): Promise<MirrorOnDisk[]> {
  const names = await readdir(folder).catch(() => []);
  const found: MirrorOnDisk[] = [];
  for (const name of names) {
    const path = join(folder, name);
    if (name.startsWith(PASSING)) await dropForgotten(path, before);
    else if (/^[0-9a-f]{64}$/.test(name))
      found.push({ key: name, bytes: await mirrorBytes(path), usedAt: await usedAt(path) });
  }
  return found;
}

async function usedAt(path: string): Promise<number> {
  const facts = (await stat(join(path, NOTE)).catch(() => undefined)) ?? (await stat(path).catch(() => undefined));
  return facts?.mtimeMs ?? 0;
}

/** Of its packs, also of those that arrive just now: all the rest of a mirror is small. 0 when it is not there. */
export async function mirrorBytes(path: string): Promise<number> {
  return (await packsOf(path)).reduce((sum, { bytes }) => sum + bytes, 0);
}

interface PackFile {
  readonly path: string;
  readonly bytes: number;
  readonly changedAt: number;
}

async function packsOf(path: string): Promise<PackFile[]> {
  const folder = join(path, 'objects', 'pack');
  const names = await readdir(folder).catch(() => []);
  const files = await Promise.all(
    names.map(async (name) => {
      const facts = await stat(join(folder, name)).catch(() => undefined);
      return facts === undefined ? [] : [{ path: join(folder, name), bytes: facts.size, changedAt: facts.mtimeMs }];
    }),
  );
  return files.flat();
}

/** How many packs there are. Rejects never. */
export async function countPacks(path: string): Promise<number> {
  return (await packsOf(path)).filter((file) => file.path.endsWith('.pack')).length;
}

/** Takes away what a killed git left unfinished and did not change after `before` (ms since 1970). Never rejects. */
export async function tidyPacks(path: string, before: number): Promise<void> {
  const left = (await packsOf(path)).filter((file) => /\/tmp_[^/]*$/.test(file.path) && file.changedAt <= before);
  await Promise.all(left.map((file) => unlink(file.path).catch(() => undefined)));
}

async function dropForgotten(path: string, before: number): Promise<void> {
  const facts = await stat(path).catch(() => undefined);
  if (facts === undefined || facts.mtimeMs > before) return;
  await rm(path, { recursive: true, force: true }).catch(() => undefined);
}
