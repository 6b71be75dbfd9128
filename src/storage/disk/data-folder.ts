import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { diskFailure, isAbsence } from '../../io/disk-failure.ts';
import { DurableFolder } from '../../io/durable-file.ts';
import { makeFolder } from '../../io/make-folder.ts';
import { spooledBytes } from '../../io/spool.ts';
import { openTempDirectory, TEMP_FOLDER, type TempDirectory } from '../../io/temp-directory.ts';
import type { Ask } from '../../std/ask.ts';
import { decodeUtf8, encodeUtf8 } from '../../std/bytes.ts';
import { AppError } from '../../std/errors.ts';

/** The layout this program writes. A folder with a higher number was written by a newer one and is refused. */
const DATA_VERSION = 1;

/** What every data folder has. */
export const FORMAT_FILE = 'FORMAT';
/** What may be in a folder that counts as empty. */
const NOT_DATA: readonly string[] = [TEMP_FOLDER, 'lost+found'];

/** An opened data folder: what is in it has the layout this program knows. */
export interface DataFolder {
  /** Absolute. */
  readonly root: string;
  /** Made at first use; stays with the data. */
  readonly uuid: string;
  readonly version: number;
  /** This process's own temporary folder in it. */
  readonly temp: TempDirectory;
  /** Removes the temporary folder; the data stays. */
  close(): Promise<void>;
}

/**
 * Opens `root`, making it when it does not exist and giving it a FORMAT when it is empty. Looks at nothing else in it, so the time does not
 * depend on how much is stored. Rejects with CONFIG_INVALID for a folder that is not Larder's or is a newer Larder's, and with STORE_UNAVAILABLE
 * when it cannot be read or written.
 */
export async function openDataFolder(root: string, o: Ask): Promise<DataFolder> {
  const path = resolve(root);
  await makeRoot(path);
  const isNew = (await readFormat(path)) === undefined;
  if (isNew) await refuseForeign(path);
  const temp = await openTempDirectory(path);
  try {
    if (isNew) await writeFormat(path, temp, o);
    const format = await readFormat(path);
    if (format === undefined)
      throw new AppError('STORE_UNAVAILABLE', `open data folder ${path}: ${FORMAT_FILE} vanished`);
    return { root: path, ...format, temp, close: () => temp.close() };
  } catch (error) {
    await temp.close();
    throw error;
  }
}

async function makeRoot(path: string): Promise<void> {
  const attempted = `create data folder ${path}`;
  try {
    await makeFolder(path, { attempted });
  } catch (error) {
    throw diskFailure(error, attempted);
  }
}

async function refuseForeign(path: string): Promise<void> {
  const names = (await readdir(path)).filter((name) => !NOT_DATA.includes(name));
  // Another process may have made the FORMAT in between.
  if (names.length === 0 || names.includes(FORMAT_FILE)) return;
  throw invalid(
    path,
    `it is not empty and has no ${FORMAT_FILE} file; choose an empty folder, or put ${FORMAT_FILE} back if these are Larder's data`,
  );
}

/** By link, so that of several processes that start at once one decides the uuid. */
async function writeFormat(path: string, temp: TempDirectory, o: Ask): Promise<void> {
  const text = `${JSON.stringify({ uuid: randomUUID(), version: DATA_VERSION })}\n`;
  await new DurableFolder({ root: path, temp }).writeOnce(FORMAT_FILE, spooledBytes(encodeUtf8(text)), o);
}

async function readFormat(path: string): Promise<{ uuid: string; version: number } | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(join(path, FORMAT_FILE));
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw diskFailure(error, `read ${join(path, FORMAT_FILE)}`);
  }
  return parseFormat(path, decodeUtf8(bytes) ?? '');
}

function parseFormat(path: string, text: string): { uuid: string; version: number } {
  const { uuid, version } = parseJson(text);
  if (typeof uuid !== 'string' || typeof version !== 'number') {
    throw invalid(path, `its ${FORMAT_FILE} file is damaged; it should read {"uuid":"...","version":${DATA_VERSION}}`);
  }
  if (version > DATA_VERSION) {
    throw invalid(
      path,
      `its layout is version ${version}, this Larder knows ${DATA_VERSION}; start the newer Larder that wrote it`,
    );
  }
  return { uuid, version };
}

function parseJson(text: string): { uuid?: unknown; version?: unknown } {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

function invalid(path: string, why: string): AppError {
  return new AppError('CONFIG_INVALID', `open data folder ${path}: ${why}`);
}
