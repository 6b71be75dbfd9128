import { chainsOf } from '../config/chain.ts';
import type { Config } from '../config/schema.ts';
import { type ConfiguredCredentials, createCredentials } from '../credentials/configured.ts';
import { decodedEscapes } from '../gomod/url-syntax.ts';
import { run } from '../io/subprocess.ts';
import { systemClock } from '../std/clock.ts';
import { type AppError, isAppError } from '../std/errors.ts';
import { KnownSecrets } from '../std/known-secrets.ts';
import type { Around } from './around.ts';
import type { Observers } from './observers.ts';
import { blamed } from './start-failure.ts';

/**
 * The operator's credentials, when all that is in variables and files can be read: rows of the configuration, netrc and GOAUTH of the environment. Helpers and
 * commands are not started yet. Whoever opens them closes them. Rejects with CONFIG_INVALID.
 */
export async function openCredentials(
  config: Config,
  around: Around,
  { logger, secrets }: Pick<Observers, 'logger' | 'secrets'>,
): Promise<ConfiguredCredentials> {
  for (const secret of chainsOf(config).flatMap(secretsIn)) secrets.addForGood(secret);
  const credentials = made(config, around, {
    known: secrets,
    onTrouble: (why) => logger.warn({ why }, 'credentials of the environment cannot be used; going on without them'),
  });
  const [unusable] = await credentials.check();
  if (unusable !== undefined) throw withBlame(unusable, around);
  return credentials;
}

/** All that is wrong with them, each a CONFIG_INVALID with `detail.reason`. */
export async function findUnusableCredentials(config: Config, around: Around): Promise<readonly AppError[]> {
  try {
    const credentials = made(config, around, { known: new KnownSecrets(), onTrouble: () => {} });
    return (await credentials.check()).map((error) => withBlame(error, around));
  } catch (error) {
    if (isAppError(error, 'CONFIG_INVALID')) return [error];
    throw error;
  }
}

function secretsIn(chain: string): readonly string[] {
  return chain.split(/[,|]/).flatMap((entry) => passwordIn(entry.trim()));
}

/** The password in `url` in all its forms: as it is written, as it is meant, and as it is sent, which an upstream may repeat. None where there is no password. */
export function passwordIn(url: string): readonly string[] {
  const { username = '', password = '' } = URL.parse(url) ?? {};
  const meant = decodedEscapes(password);
  const sent = Buffer.from(`${decodedEscapes(username)}:${meant}`).toString('base64');
  return password === '' ? [] : [password, meant, sent];
}

interface Hearers {
  readonly known: KnownSecrets;
  readonly onTrouble: (message: string) => void;
}

function made(config: Config, around: Around, hearers: Hearers): ConfiguredCredentials {
  const { environment, home } = around;
  const rows = config.credentials;
  try {
    return createCredentials({ rows, environment, home, ...hearers, run, clock: systemClock });
  } catch (error) {
    throw isAppError(error) ? withBlame(error, around) : error;
  }
}

function withBlame(error: AppError, { environment }: Around): AppError {
  const { key, variable } = error.detail;
  if (key !== undefined) return blamed(error, { reason: 'credentials-unusable', key: 'credentials' });
  if (variable === 'GOAUTH') return blamed(error, { reason: 'credentials-unusable', origin: 'environment GOAUTH' });
  return blamed(error, { reason: 'netrc-unusable', ...(environment['NETRC'] && { origin: 'environment NETRC' }) });
}
