import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/schema.ts';
import { parseSignerKey, SIGNER_START, type SignerKey } from '../gomod/sumdb/key.ts';
import { diskFailure, isAbsence } from '../io/disk-failure.ts';
import { replaceFile } from '../io/replace-file.ts';
import { readSecretFile } from '../io/secret-file.ts';
import type { HeadCopy, LedgerFault } from '../ledger/head-copy.ts';
import { type Discover, type Ledger, openLedger } from '../ledger/ledger.ts';
import { hasLog } from '../ledger/log.ts';
import type { LedgerObserver } from '../ledger/observer.ts';
import { RecordIndex } from '../ledger/record-index.ts';
import { systemClock } from '../std/clock.ts';
import { type AppError, isAppError } from '../std/errors.ts';
import type { KnownSums } from '../verify/expectations.ts';
import type { Around } from './around.ts';
import type { Closing } from './closing.ts';
import type { Keep } from './keep.ts';
import { openStoredLedger } from './provers.ts';
import { ledgerFailure } from './start-failure.ts';

/** The variable that may hold the signer key itself. */
export const SECRET_VARIABLE = 'LARDER_LEDGER_SECRET';

const MAX_COPY_BYTES = 64 * 1024;
const INDEX_FILE = 'ledger/index.sqlite';

type LedgerConfig = Pick<Config, 'ledger' | 'data'>;

/** What a ledger needs of the program around it. */
interface LedgerNeeds {
  readonly keep: Pick<Keep, 'store' | 'registers' | 'folder'>;
  readonly discover: Discover;
  readonly observer: LedgerObserver;
  /** Names of the databases of others that are given out too. */
  readonly taken: readonly string[];
}

/** What a ledger is opened for: `own` to log and to sign, which needs the key; `stored` to know what is logged. */
export type LedgerUse = 'own' | 'stored';

/** The ledger of an engine. */
interface LedgerOfEngine {
  /** Undefined when none is kept, or is to be known alone. */
  readonly own: Ledger | undefined;
  /** What is logged; undefined when there is none. */
  readonly logged: KnownSums | undefined;
  /** Says how it finds out what it does not know. Until then it waits: it asks the resolver, and what the resolver stores is checked against the ledger. */
  readonly discoverBy: (discover: Discover) => void;
}

/** Opens the ledger for `use`; it is closed with `closing`. Rejects as openOwnLedger and openStoredLedger do. */
export async function openLedgerFor(
  use: LedgerUse,
  config: LedgerConfig,
  { around, closing, ...needs }: Omit<LedgerNeeds, 'discover'> & { readonly around: Around; readonly closing: Closing },
): Promise<LedgerOfEngine> {
  if (use === 'stored') {
    const { signal } = new AbortController();
    const logged = await openStoredLedger({ shelves: needs.keep, closing, signal });
    return { own: undefined, logged, discoverBy: () => undefined };
  }
  const discovering = Promise.withResolvers<Discover>();
  const discover: Discover = async (module, o) => await (await discovering.promise)(module, o);
  const own = await openOwnLedger(config, around, { ...needs, discover });
  if (own !== undefined) closing.add(() => own.close());
  return { own, logged: own, discoverBy: discovering.resolve };
}

/**
 * The ledger, or undefined when none is configured and none is stored. Rejects with CONFIG_INVALID and a reason that the command line has words for when the
 * key cannot be used, or when to go on from what is stored would show clients another log than before.
 */
async function openOwnLedger(
  config: LedgerConfig,
  around: Around,
  { keep, discover, observer, taken }: LedgerNeeds,
): Promise<Ledger | undefined> {
  const o = { signal: new AbortController().signal };
  const signer = await readSigner(config, around);
  if (signer === undefined) {
    if (await hasLog(keep.registers, o))
      throw ledgerFailure(
        'ledger-no-key',
        'open the ledger: there is one in the data folder, and no key is configured',
        { folder: config.data },
      );
    return undefined;
  }
  const { name } = signer;
  if (taken.includes(name))
    throw ledgerFailure('ledger-name-taken', `open the ledger: ${name} is a database of others here`, { name });
  const index = new RecordIndex(indexPath(keep));
  try {
    const parts = { ...keep, signer, copy: headCopy(config), index, discover, observer, clock: systemClock };
    const onCovering = (covered: number, size: number): void => observer.onIndexing?.({ covered, size });
    return await openLedger(parts, { ...o, onCovering });
  } catch (error) {
    index.close();
    throw withLedgerReason(error, config);
  }
}

/** The signer key that is configured: the variable's, else the file's; undefined for none. CONFIG_INVALID without a word of the key when it cannot be used. */
export async function readSigner(
  config: Pick<LedgerConfig, 'ledger'>,
  { environment }: Pick<Around, 'environment'>,
): Promise<SignerKey | undefined> {
  const keyFile = keyFileOf(config);
  const secret = environment[SECRET_VARIABLE]?.trim() ?? '';
  if (secret !== '') return parseKey(secret, `environment ${SECRET_VARIABLE}`);
  return keyFile === undefined ? undefined : parseKey(await readKeyFile(keyFile), keyFile);
}

/** The path of the key file that is configured. CONFIG_INVALID when it is the key itself, which as a path would come into messages, and be a file's name. */
export function keyFileOf({ ledger }: Pick<LedgerConfig, 'ledger'>): string | undefined {
  if (ledger.key?.includes(SIGNER_START))
    throw keyUnusable('ledger.key', `it names the file of the key; the key itself may be in ${SECRET_VARIABLE}`);
  return ledger.key;
}

/** The second place of the last published head. CONFIG_INVALID when the configuration does not say where. */
export function headCopy({ ledger }: LedgerConfig): HeadCopy {
  const path = ledger.headFile ?? (ledger.key === undefined ? undefined : `${ledger.key}.head`);
  if (path === undefined) throw ledgerFailure('ledger-no-head-file', 'open the ledger: ledger.headFile is not set', {});
  return {
    read: async () => await readSmall(path, MAX_COPY_BYTES),
    write: async (bytes, { signal }) => await replaceFile(path, bytes, { signal, mode: 0o644 }),
  };
}

/** Where the index of the records lies: not a blob, and made again when it is missing. */
function indexPath({ folder }: Pick<Keep, 'folder'>): string {
  return join(folder.root, INDEX_FILE);
}

/** CONFIG_INVALID of the ledger with the reason that the command line has words for. */
export function withLedgerReason(error: unknown, { data, ledger }: LedgerConfig): unknown {
  const fault = isAppError(error, 'CONFIG_INVALID') ? error.detail['fault'] : undefined;
  if (!isAppError(error) || fault === undefined) return error;
  const copy = ledger.headFile ?? `${ledger.key}.head`;
  return ledgerFailure(`ledger-${fault as LedgerFault}`, error.message, {
    ...error.detail,
    folder: data,
    copy,
  });
}

async function readKeyFile(path: string): Promise<string> {
  const read = await readSecretFile(path);
  if (read.kind === 'text') return read.text;
  if (read.kind === 'unusable') throw keyUnusable(path, read.why);
  throw ledgerFailure('ledger-key-open', `read ${path}: others may read it`, { path, mode: read.mode });
}

function parseKey(text: string, origin: string): SignerKey {
  try {
    return parseSignerKey(text);
  } catch (error) {
    throw isAppError(error, 'CONFIG_INVALID') ? keyUnusable(origin, 'it is not a signer key') : error;
  }
}

function keyUnusable(path: string, why: string): AppError {
  return ledgerFailure('ledger-key-unusable', `read the ledger's key from ${path}: ${why}`, { path, why });
}

async function readSmall(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
  try {
    const bytes = await readFile(path);
    // What is too large is not a head; cut, it does not verify.
    return bytes.subarray(0, maxBytes);
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw diskFailure(error, `read ${path}`, path);
  }
}
