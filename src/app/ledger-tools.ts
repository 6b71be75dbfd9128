/** What the command line does to a ledger: makes, checks and exports it. */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Config } from '../config/schema.ts';
import { isDatabaseName } from '../gomod/sumdb/database.ts';
import { generateKey, isKeyName, type SignerKey, type VerifierKey } from '../gomod/sumdb/key.ts';
import { diskFailure, isAbsence } from '../io/disk-failure.ts';
import { writeSecretFile } from '../io/secret-file.ts';
import { type ExportedFile, exportedFiles } from '../ledger/export.ts';
import { checkAgainstCopy, idOf, readCopy, requireKeyOf } from '../ledger/head-copy.ts';
import { Heads } from '../ledger/heads.ts';
import { createLog, hasLog, Log } from '../ledger/log.ts';
import { RecordIndex } from '../ledger/record-index.ts';
import { replayLog, type ReplayReport } from '../ledger/replay.ts';
import { type Ask, throwIfAborted } from '../std/ask.ts';
import { type AppError, systemCodeOf } from '../std/errors.ts';
import type { Around } from './around.ts';
import { requireData } from './stored-data.ts';
import { openShelves } from './keep.ts';
import { headCopy, keyFileOf, readSigner, SECRET_VARIABLE, withLedgerReason } from './ledger.ts';
import { ledgerFailure } from './start-failure.ts';

export type { ReplayReport } from '../ledger/replay.ts';

/** What was made. */
export interface MadeLedger {
  readonly name: string;
  /** For GOSUMDB. */
  readonly verifierKey: string;
  /** The key file; absent when the key is the environment's. */
  readonly keyFile?: string | undefined;
  /** Whether the key file is new. */
  readonly isKeyNew: boolean;
  /** The data folder that has the log. */
  readonly data: string;
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
  checkName(name);
  const keyFile = keyFileOf(config);
  const hasSecret = isSet(around);
  if (keyFile === undefined && !hasSecret) throw notConfigured('make a ledger');
  const copy = headCopy(config);
  const shelves = await openShelves(config);
  try {
    if (await hasLog(shelves.registers, { signal })) throw isThere(config.data);
    const isKeyNew = !hasSecret && keyFile !== undefined && !(await isThereFile(keyFile));
    if (isKeyNew) await makeKey(keyFile, name);
    const { verifier } = await requireSigner(config, around);
    if (verifier.name !== name) throw otherName(verifier, name);
    if ((await readCopy(copy, verifier, { signal })) !== undefined) throw wasPublished(name, config.data);
    await createLog(shelves.registers, verifier, { signal });
    return { name, verifierKey: verifier.text, isKeyNew, data: config.data, ...(hasSecret ? {} : { keyFile }) };
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

/** Writes the log below the folder `to` as files for a static server; tiles that are there already are left. Rejects with CONFIG_INVALID or STORE_UNAVAILABLE. */
export async function exportLedger(
  config: Config,
  around: Around,
  o: Ask & { readonly to: string; readonly onProgress: (files: number) => void },
): Promise<ExportReport> {
  await requireData(config);
  const shelves = await openShelves(config);
  try {
    const signer = await requireSigner(config, around);
    const copy = headCopy(config);
    // First: what a server logs in between is then in the log, and not missing in it.
    const copied = await readCopy(copy, signer.verifier, o);
    const log = await Log.open(shelves, o);
    if (log === undefined) throw noLog(config.data);
    requireKeyOf(log, signer);
    await checkAgainstCopy(log, copied, o);
    // What is exported is given out, like any head.
    await new Heads(signer, copy).publish(log.head, o);
    let files = 0;
    for await (const file of exportedFiles(log, signer, o)) {
      throwIfAborted(o.signal);
      await writeExported(join(o.to, file.path), file);
      o.onProgress(++files);
    }
    return { name: log.key.name, verifierKey: log.key.text, size: log.head.size, files };
  } catch (error) {
    throw withLedgerReason(error, config);
  } finally {
    await shelves.close();
  }
}

function checkName(name: string): void {
  if (isDatabaseName(name) && isKeyName(name)) return;
  const what = `make a ledger: ${JSON.stringify(name)} is not a name of a checksum database`;
  throw ledgerFailure('ledger-name-unusable', what, { name });
}

function isSet({ environment }: Pick<Around, 'environment'>): boolean {
  return (environment[SECRET_VARIABLE]?.trim() ?? '') !== '';
}

async function requireSigner(config: Config, around: Around): Promise<SignerKey> {
  const signer = await readSigner(config, around);
  if (signer === undefined) throw notConfigured('use the ledger');
  return signer;
}

async function isThereFile(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    (error: unknown) => !isAbsence(error),
  );
}

/** A new key in its file, which nobody else may read. Never replaces one. */
async function makeKey(path: string, name: string): Promise<void> {
  await writeSecretFile(path, generateKey(name, randomBytes(32)).signer);
}

/** Whole at once for who serves it meanwhile. A file that lasts is written once, unless the folder has another log's. */
async function writeExported(path: string, { bytes, isLasting }: ExportedFile): Promise<void> {
  const temp = `${path}.${process.pid}.new`;
  try {
    if (isLasting && (await holds(path, bytes))) return;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(temp, bytes);
    await rename(temp, path);
  } catch (error) {
    throw diskFailure(error, `write ${path}`, path);
  }
}

async function holds(path: string, bytes: Uint8Array): Promise<boolean> {
  try {
    return Buffer.compare(await readFile(path), bytes) === 0;
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

function notConfigured(attempted: string): AppError {
  return ledgerFailure('ledger-not-configured', `${attempted}: no key is configured`, {});
}

function wasPublished(name: string, folder: string): AppError {
  return ledgerFailure('ledger-log-gone', `make a ledger: a head of ${name} was published already`, { name, folder });
}

function isThere(folder: string): AppError {
  return ledgerFailure('ledger-is-there', `make a ledger: there is one in ${folder}`, { folder });
}

function otherName(verifier: VerifierKey, name: string): AppError {
  const given = idOf(verifier);
  return ledgerFailure('ledger-other-key', `make a ledger: the key is ${given}, not one of ${name}`, { name, given });
}

function noLog(folder: string): AppError {
  return ledgerFailure('ledger-no-log', `read the ledger: there is none in ${folder}`, { folder });
}
