/** What the command line does to bundles: the toolbox with the keys and the store of the configuration. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Config } from '../config/schema.ts';
import { parseGoSum } from '../gomod/gosum.ts';
import { generateKey, parseSignerKey, parseVerifierKey, type SignerKey, type VerifierKey } from '../gomod/sumdb/key.ts';
import { diskFailure } from '../io/disk-failure.ts';
import { readSecretFile, writeSecretFile } from '../io/secret-file.ts';
import type { Ask } from '../std/ask.ts';
import { AppError, type ErrorDetail, isAppError, messageOf } from '../std/errors.ts';
import { type BundleOrder, createBundle, type MadeBundle } from '../toolbox/bundle/create.ts';
import { installBundle } from '../toolbox/bundle/install.ts';
import {
  listBundles,
  type RolledBack,
  rollbackBundle,
  type StoredBundle,
  type Switched,
} from '../toolbox/bundle/switch.ts';
import { type BundleReport, verifyBundle } from '../toolbox/bundle/verify.ts';
import { createZipInspector } from '../verify/zip-inspector.ts';

/** What `bundle create` is told; see BundleOrder. */
export interface CreateOrder extends Pick<BundleOrder, 'from' | 'to' | 'modules' | 'id' | 'purpose' | 'onMissing'> {
  readonly keyFile: string;
  readonly goSums: readonly string[];
}

/** The commands. Close them. All reject with CONFIG_INVALID and a reason when a key or a store is not named or cannot be used. */
export interface BundleCommands {
  /** Writes a new signer key to its file and resolves with its verifier key. */
  makeKey(name: string, file: string): Promise<string>;
  create(order: CreateOrder, o: Ask): Promise<MadeBundle>;
  verify(folder: string, o: Ask): Promise<BundleReport>;
  /** `refused` = why the bundle is not to be used; nothing was switched. */
  install(folder: string, o: Ask): Promise<Switched | { readonly refused: string }>;
  rollback(o: Ask): Promise<RolledBack>;
  list(o: Ask): Promise<readonly StoredBundle[]>;
  close(): Promise<void>;
}

/** Who is trusted and where bundles are: of the command line, else of the configuration. */
export interface BundleFlags {
  readonly verifiers: readonly string[];
  readonly store?: string;
  readonly onProgress: (done: number, of: number) => void;
}

/** The commands for this configuration. Opens nothing. */
export function openBundleTools({ ladder }: Pick<Config, 'ladder'>, flags: BundleFlags): BundleCommands {
  const inspector = createZipInspector();
  const { onProgress } = flags;
  const keys = (): readonly VerifierKey[] => trusted(flags.verifiers, ladder.bundleKeys);
  const store = (): string => {
    const named = flags.store ?? ladder.bundles[0];
    if (named === undefined) throw refused('bundle-no-store', 'no store of bundles is named');
    return named;
  };
  return {
    makeKey: async (name, file) => {
      const pair = generateKey(name, randomBytes(32));
      await writeSecretFile(file, pair.signer);
      return pair.verifier;
    },
    create: async ({ keyFile, goSums, ...order }, o) => {
      const signer = await readSigner(keyFile);
      const goSum = (await Promise.all(goSums.map(linesOf))).flat();
      return await createBundle({ ...order, goSum, signer, inspector, onProgress, now: new Date() }, o);
    },
    verify: async (folder, o) => await verifyBundle(folder, { ...o, keys: keys(), inspector, onProgress }),
    install: async (folder, o) => {
      try {
        return await installBundle(store(), folder, { ...o, keys: keys(), inspector, onProgress });
      } catch (error) {
        if (!isAppError(error, 'UPSTREAM_BAD_RESPONSE')) throw error;
        return { refused: error.message };
      }
    },
    rollback: async (o) => await rollbackBundle(store(), { ...o, keys: keys() }),
    list: async (o) => await listBundles(store(), { ...o, keys: keys() }),
    close: async () => await inspector.close(),
  };
}

function trusted(given: readonly string[], configured: readonly string[]): readonly VerifierKey[] {
  if (given.length + configured.length === 0) throw refused('bundle-no-key', 'no key says whose bundles are trusted');
  if (given.length === 0) return configured.map(parseVerifierKey);
  try {
    return given.map(parseVerifierKey);
  } catch (error) {
    throw refused('bundle-verifier-unusable', messageOf(error), { why: messageOf(error) });
  }
}

async function readSigner(path: string): Promise<SignerKey> {
  const read = await readSecretFile(path);
  if (read.kind === 'open')
    throw refused('bundle-key-open', `read ${path}: others may read it`, { path, mode: read.mode });
  const unusable = (why: string): AppError => refused('bundle-key-unusable', `read ${path}: ${why}`, { path, why });
  if (read.kind === 'unusable') throw unusable(read.why);
  try {
    return parseSignerKey(read.text);
  } catch {
    throw unusable('it is not a signer key');
  }
}

async function linesOf(path: string): Promise<BundleOrder['goSum']> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    const why = messageOf(diskFailure(error, 'read it', path));
    throw refused('file-unreadable', `read ${path}: ${why}`, { path, why });
  });
  return parseGoSum(text, path);
}

function refused(reason: string, what: string, facts: ErrorDetail = {}): AppError {
  return new AppError('CONFIG_INVALID', what, { detail: { ...facts, reason } });
}
