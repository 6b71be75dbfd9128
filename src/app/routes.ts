import { headerOf } from '../config/route-faults.ts';
import type { RouteRow } from '../config/route-rows.ts';
import type { Config } from '../config/schema.ts';
import { secretReference, type SecretSurroundings } from '../credentials/reference.ts';
import { sha256Bytes } from '../gomod/sha256.ts';
import type { RouteRule } from '../policy/routes.ts';
import { AppError, isAppError } from '../std/errors.ts';
import { KnownSecrets } from '../std/known-secrets.ts';
import type { Around } from './around.ts';
import { blamed } from './start-failure.ts';

/** The rules of the routes, in their order; credentials are read and kept as hashes. Rejects with CONFIG_INVALID when one cannot be read. */
export function readRouteRules(
  { routes }: Pick<Config, 'routes'>,
  surroundings: SecretSurroundings,
): Promise<readonly RouteRule[]> {
  return Promise.all(routes.map((row) => ruleOf(row, surroundings)));
}

/** All that is wrong with them, each a CONFIG_INVALID with `detail.key`. */
export async function findUnusableRoutes(
  { routes }: Pick<Config, 'routes'>,
  { environment }: Around,
): Promise<readonly AppError[]> {
  const surroundings = { environment, known: new KnownSecrets() };
  const outcomes = await Promise.allSettled(routes.map((row) => ruleOf(row, surroundings)));
  return outcomes.flatMap((outcome) => {
    if (outcome.status === 'fulfilled') return [];
    if (isAppError(outcome.reason)) return [outcome.reason];
    throw outcome.reason;
  });
}

/** Names of the headers by which requests take routes, as `Vary` has them; undefined when none does. */
export function varyOf(rules: readonly RouteRule[]): string | undefined {
  const names = rules.flatMap(({ header, credentialHash }) => [
    ...(header === undefined ? [] : [header.name]),
    ...(credentialHash === undefined ? [] : ['authorization']),
  ]);
  return names.length === 0 ? undefined : [...new Set(names)].join(', ');
}

async function ruleOf(row: RouteRow, surroundings: SecretSurroundings): Promise<RouteRule> {
  const { name, modules, credential } = row;
  const header = row.header === undefined ? undefined : headerOf(row.header);
  const credentialHash = credential === undefined ? undefined : await hashOf(name, credential, surroundings);
  return {
    name,
    ...(modules !== undefined && { modules }),
    ...(header && { header }),
    ...(credentialHash && { credentialHash }),
  };
}

async function hashOf(route: string, text: string, surroundings: SecretSurroundings): Promise<Uint8Array> {
  try {
    return sha256Bytes((await secretReference(text, surroundings).read()).reveal());
  } catch (error) {
    if (!isAppError(error, 'CONFIG_INVALID')) throw error;
    const told = new AppError('CONFIG_INVALID', `use the row ${route} of routes: ${error.message}`, { cause: error });
    throw blamed(told, { key: 'routes', reason: 'routes-unusable' });
  }
}
