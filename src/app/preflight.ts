import type { Config } from '../config/schema.ts';
import { loadTlsIdentity } from '../server/tls-files.ts';
import { NO_CREDENTIALS } from '../credentials/credentials.ts';
import { systemClock } from '../std/clock.ts';
import { type AppError, isAppError } from '../std/errors.ts';
import { type GoSumPins, readGoSumPins } from '../verify/pins.ts';
import { createChain } from './chain.ts';
import { openClient } from './clients.ts';
import type { Around } from './around.ts';
import { findUnusableCredentials } from './credentials.ts';
import { databaseWays } from './databases.ts';
import { openGuard } from './egress.ts';
import { readSigner } from './ledger.ts';
import { blame } from './start-failure.ts';
import { findUnusableRows } from './unusable-rows.ts';

/**
 * All that the configuration names and that cannot be used: files that cannot be read or do not fit, sources that cannot be made. Each is a
 * CONFIG_INVALID with `detail.reason` and, where it is a key's, `detail.key`. Reads files; opens no port and writes nothing. The parts are
 * made by the same functions as when the server starts. Ports and the data folder show only then.
 */
export async function findUnusable(config: Config, around: Around): Promise<readonly AppError[]> {
  const found: AppError[] = [];
  const attempt = async <T>(work: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      if (!isAppError(error, 'CONFIG_INVALID')) throw error;
      found.push(error);
      return undefined;
    }
  };
  await attempt(() => openPins(config));
  await attempt(() => checkTls(config));
  await attempt(() => readSigner(config, around));
  await attempt(() => openGuard(config));
  found.push(...(await findUnusableCredentials(config, around)));
  const client = await attempt(() => openClient(config, around, { instanceId: 'check' }));
  // What a proxy of the environment spoils must not hide what is wrong with the chain.
  const stand = client ?? openClient(config, { ...around, environment: {} }, { instanceId: 'check' });
  const parts = { client: stand, credentials: NO_CREDENTIALS };
  found.push(...(await findUnusableRows(config, around)));
  for (const folder of config.modcache) await attempt(() => createChain(onlyModcache(config, folder), parts));
  await attempt(() => createChain({ ...config, modcache: [] }, parts));
  await attempt(() => databaseWays({ ...config, upstream: 'off' }, parts));
  await stand.close();
  return found;
}

function onlyModcache(config: Config, folder: string): Config {
  return { ...config, modcache: [folder], upstream: 'off' };
}

async function checkTls({ tls: { cert, key } }: Config): Promise<void> {
  if (cert === undefined || key === undefined) return;
  await blame({ key: 'tls.cert', reason: 'tls-unusable' }, () => loadTlsIdentity({ cert, key }, systemClock));
}

/** The pins of `verify.goSum`. */
export function openPins({ verify }: Config): Promise<GoSumPins> {
  return blame({ key: 'verify.goSum', reason: 'go-sum-unusable' }, () => readGoSumPins(verify.goSum));
}
