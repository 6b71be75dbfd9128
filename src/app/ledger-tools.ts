/** What the command line does to a ledger: makes, checks and exports it. */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Config } from '../config/schema.ts';
import { isDatabaseName } from '../gomod/sumdb/database.ts';
import { generateKey, isKeyName, parseSignerKey, type SignerKey } from '../gomod/sumdb/key.ts';
import { diskFailure, isAbsence } from '../io/disk-failure.ts';
import { syncFolder } from '../io/durable-file.ts';
import { type ExportedFile, exportedFiles } from '../ledger/export.ts';
import { readCopy } from '../ledger/head-copy.ts';
import { createLog, hasLog, Log } from '../ledger/log.ts';
import { RecordIndex } from '../ledger/record-index.ts';
import { replayLog, type ReplayReport } from '../ledger/replay.ts';
import { type Ask, throwIfAborted } from '../std/ask.ts';
import { type AppError, systemCodeOf } from '../std/errors.ts';
import type { Around } from './compose.ts';
import { requireData } from './stored-data.ts';
import { openShelves } from './keep.ts';
import { headCopy, readSigner, SECRET_VARIABLE, withLedgerReason } from './ledger.ts';
import { ledgerFailure } from './start-failure.ts';

export type { ReplayReport } from '../ledger/replay.ts';

const NEW_KEY = constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW | constants.O_WRONLY;

/** What was made. */
export interface MadeLedger {
  readonly name: string;
  /** For GOSUMDB. */
  readonly verifierKey: string;
  /** The key file; absent when the key is the environment's. */
  readonly keyFile?: string;
  /** Whether the key file is new. */
  readonly isKeyNew: boolean;
}

/**
 * Makes the key `name` (unless its file or the environment has one already: then that is used) and an empty log in the data folder. Nothing that exists is
 * changed. Rejects with CONFIG_INVALID and a reason, or STORE_UNAVAILABLE.
 */
export async function initLedger(
  config: Config,
  around: Around,
  { name, signal }: Ask & { readonly name: string },
): Promise<MadeLedger> {
  if (!isDatabaseName(name) || !isKeyName(name))
    throw ledgerFailure(
      'ledger-name-unusable',
      `make a ledger: ${JSON.stringify(name)} is not a name of a checksum database`,
      { name },
    );
  const copy = headCopy(config);
  const shelves = await openShelves(config);
  try {
    const existing = await existingSigner(config, around);
    if (await hasLog(shelves.registers, { signal })) throw isThere(config.data);
    if (existing !== undefined && existing.name !== name) throw otherName(existing.name, name);
    const signer = existing ?? (await makeKey(config, name));
    if ((await readCopy(copy, signer.verifier, { signal })) !== undefined)
      throw ledgerFailure('ledger-log-gone', `make a ledger: a head of ${name} was published already`, {
        name,
        folder: config.data,
      });
    await createLog(shelves.registers, signer.verifier, { signal });
    const isFromEnvironment = (around.environment[SECRET_VARIABLE] ?? '') !== '';
    return {
      name,
      verifierKey: signer.verifier.text,
      isKeyNew: existing === undefined,
      ...(isFromEnvironment || config.ledger.key === undefined ? {} : { keyFile: config.ledger.key }),
    };
  } catch (error) {
    throw withLedgerReason(error, config);
  } finally {
    await shelves.close();
  }
}

/** Replays the stored log and compares it with the published head, where the configuration says where that is. Rejects with CONFIG_INVALID when there is no ledger. */
export async function verifyLedger(
  config: Config,
  o: Ask & { readonly onProgress: (checked: number, size: number) => void },
): Promise<ReplayReport> {
  await requireData(config);
  const shelves = await openShelves(config);
  try {
    const { key, headFile } = config.ledger;
    const copy = key === undefined && headFile === undefined ? {} : { copy: headCopy(config) };
    const index = new RecordIndex(shelves.folder.temp.newPath());
    const report = await replayLog({ ...o, ...shelves, ...copy, index });
    if (report === undefined) throw noLog(config.data);
    return report;
  } finally {
    await shelves.close();
  }
}

/** What was written. */
export interface ExportReport {
  readonly name: string;
  readonly verifierKey: string;
  readonly size: number;
  readonly files: number;
}

/** Writes the log below the folder `to` as files for a static server; what is there already and as large is left. Rejects with CONFIG_INVALID or STORE_UNAVAILABLE. */
export async function exportLedger(
  config: Config,
  around: Around,
  o: Ask & { readonly to: string; readonly onProgress: (files: number) => void },
): Promise<ExportReport> {
  await requireData(config);
  const signer = await readSigner(config, around);
  if (signer === undefined) throw ledgerFailure('ledger-not-configured', 'export the ledger: no key is configured', {});
  const shelves = await openShelves(config);
  try {
    const log = await Log.open(shelves, o);
    if (log === undefined) throw noLog(config.data);
    if (log.key.text !== signer.verifier.text) throw otherName(signer.name, log.key.name);
    let files = 0;
    for await (const file of exportedFiles(log, signer, o)) {
      throwIfAborted(o.signal);
      await writeExported(join(o.to, file.path), file);
      o.onProgress(++files);
    }
    return { name: log.key.name, verifierKey: log.key.text, size: log.head.size, files };
  } finally {
    await shelves.close();
  }
}

async function existingSigner(config: Config, around: Around): Promise<SignerKey | undefined> {
  const hasSecret = (around.environment[SECRET_VARIABLE] ?? '') !== '';
  if (!hasSecret && (config.ledger.key === undefined || !(await isThereFile(config.ledger.key)))) return undefined;
  return await readSigner(config, around);
}

async function isThereFile(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    (error: unknown) => !isAbsence(error),
  );
}

/** A new key in its file, which nobody else may read. */
async function makeKey({ ledger: { key: path } }: Config, name: string): Promise<SignerKey> {
  if (path === undefined)
    throw ledgerFailure('ledger-not-configured', 'make a ledger: nothing says where its key goes', {});
  const { signer } = generateKey(name, randomBytes(32));
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(path, NEW_KEY, 0o600);
    try {
      await file.writeFile(`${signer}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await syncFolder(dirname(path));
  } catch (error) {
    throw diskFailure(error, `write ${path}`, path);
  }
  return parseSignerKey(signer);
}

/** Whole at once for who serves it meanwhile. A file that lasts is written once, so that a second export takes only what is new. */
async function writeExported(path: string, { bytes, isLasting }: ExportedFile): Promise<void> {
  const temp = `${path}.${process.pid}.new`;
  try {
    if (isLasting && (await hasSize(path, bytes.length))) return;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(temp, bytes);
    await rename(temp, path);
  } catch (error) {
    throw diskFailure(error, `write ${path}`, path);
  }
}

async function hasSize(path: string, size: number): Promise<boolean> {
  try {
    return (await stat(path)).size === size;
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

function isThere(folder: string): AppError {
  return ledgerFailure('ledger-is-there', `make a ledger: there is one in ${folder}`, { folder });
}

function otherName(name: string, wanted: string): AppError {
  return ledgerFailure('ledger-other-key', `use the ledger's key: it is the key of ${name}, not of ${wanted}`, {
    name: wanted,
    key: name,
  });
}

function noLog(folder: string): AppError {
  return ledgerFailure('ledger-no-log', `read the ledger: there is none in ${folder}`, { folder });
}
