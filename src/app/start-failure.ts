import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname } from 'node:path';
import { diskFailure } from '../io/disk-failure.ts';
import type { LedgerFault } from '../ledger/head-copy.ts';
import { AppError, type ErrorDetail, isAppError, systemCodeOf, toAppError } from '../std/errors.ts';

/** `detail.reason` of what start() rejects with, where the command line has words for it. */
type StartReason =
  | 'port-in-use'
  | 'port-not-allowed'
  | 'no-such-address'
  | 'data-not-writable'
  | 'data-disk-full'
  | 'data-not-a-folder'
  | 'tls-unusable'
  | 'no-modcache'
  | 'data-not-ours'
  | 'data-not-there'
  | 'go-sum-unusable'
  | 'from-unusable'
  | 'anchors-unusable'
  | 'netrc-unusable'
  | 'credentials-unusable'
  | 'egress-unusable'
  | 'proxy-unusable'
  | 'upstream-unusable'
  | 'upstreams-unusable'
  | 'routes-unusable'
  | 'sumdb-unusable'
  | LedgerReason;

/** Why the ledger cannot be opened or made. Those that end like a LedgerFault are it. */
type LedgerReason =
  | `ledger-${LedgerFault}`
  | 'ledger-no-key'
  | 'ledger-name-taken'
  | 'ledger-key-unusable'
  | 'ledger-key-open'
  | 'ledger-no-head-file'
  | 'ledger-not-configured'
  | 'ledger-is-there'
  | 'ledger-name-unusable';

/** What a failure is about: a key of the configuration, or what is named elsewhere (`origin`). */
interface Blame {
  readonly reason: StartReason;
  readonly key?: string;
  readonly origin?: string;
}

const LISTEN_REASONS: Readonly<Record<string, StartReason>> = {
  EADDRINUSE: 'port-in-use',
  EACCES: 'port-not-allowed',
  EADDRNOTAVAIL: 'no-such-address',
  ENOTFOUND: 'no-such-address',
  EAI_AGAIN: 'no-such-address',
};

const DATA_REASONS: Readonly<Record<string, StartReason>> = {
  ENOSPC: 'data-disk-full',
  EDQUOT: 'data-disk-full',
  EEXIST: 'data-not-a-folder',
  ENOTDIR: 'data-not-a-folder',
};

/** Why the listener did not open, as the command line can tell it: CONFIG_INVALID with a reason where that is known. */
export function listenFailure(error: unknown, address: string): AppError {
  const failure = toAppError(error, `listen on ${address}`);
  const reason =
    LISTEN_REASONS[systemCodeOf(failure.cause) ?? ''] ??
    (/^(read TLS|use cert)/.test(failure.message) ? 'tls-unusable' : undefined);
  if (reason === undefined) return failure;
  const key = reason === 'tls-unusable' ? 'tls.cert' : 'listen';
  return withReason(failure, reason, { key, address, why: failure.message });
}

/** Why the data folder cannot be used, likewise. */
export function dataFailure(error: unknown, folder: string): AppError {
  const failure = toAppError(error, `open data folder ${folder}`);
  const system = systemCodeOf(failure.cause);
  if (isAppError(error) && system === undefined) return failure;
  return withReason(failure, DATA_REASONS[system ?? ''] ?? 'data-not-writable', {
    folder,
    why: system ?? failure.message,
  });
}

/**
 * `error` of opening `folder`, with its true cause: Node says ENOENT of a folder that cannot be made on a read-only file system.
 * Asks the nearest folder above that is there.
 */
export async function unmasked(error: unknown, folder: string): Promise<unknown> {
  if (!isAppError(error) || systemCodeOf(error.cause) !== 'ENOENT') return error;
  for (let at = folder; ; at = dirname(at)) {
    try {
      await access(at, constants.W_OK | constants.X_OK);
      return error;
    } catch (cause) {
      if (systemCodeOf(cause) !== 'ENOENT') return diskFailure(cause, `open data folder ${folder}`);
      if (at === dirname(at)) return error;
    }
  }
}

/** CONFIG_INVALID: `folder` was named as a data folder to check, and Larder stored nothing there. */
export function noData(folder: string, why: string): AppError {
  return new AppError('CONFIG_INVALID', `check data folder ${folder}: ${why}`, {
    detail: { reason: 'data-not-there' satisfies StartReason, key: 'data', folder, why },
  });
}

/** CONFIG_INVALID: `folder` was named as a module cache and is none. */
export function noModcache(folder: string): AppError {
  return new AppError('CONFIG_INVALID', `read module cache ${folder}: no such folder`, {
    detail: { reason: 'no-modcache' satisfies StartReason, key: 'modcache', folder },
  });
}

/** CONFIG_INVALID about the ledger. */
export function ledgerFailure(reason: LedgerReason, message: string, facts: ErrorDetail): AppError {
  return new AppError('CONFIG_INVALID', message, { detail: { ...facts, reason } });
}

/** Does `work`; a CONFIG_INVALID of it that has no reason yet says in its detail what it is about, and `why`. */
export async function blame<T>(on: Blame, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isAppError(error) ? blamed(error, on) : error;
  }
}

/** `blame` for work that takes no time. */
export function blameNow<T>(on: Blame, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw isAppError(error) ? blamed(error, on) : error;
  }
}

/** `error`, if it is a CONFIG_INVALID that has no reason yet with what it is about, and `why`. */
export function blamed(error: AppError, { reason, ...facts }: Blame): AppError {
  if (error.code !== 'CONFIG_INVALID' || error.detail['reason'] !== undefined) return error;
  return withReason(error, reason, { ...facts, why: error.message });
}

function withReason(failure: AppError, reason: StartReason, facts: Readonly<Record<string, string>>): AppError {
  return new AppError(failure.code, failure.message, {
    cause: failure.cause,
    detail: { ...failure.detail, ...facts, reason },
  });
}
