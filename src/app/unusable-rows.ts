import type { Config } from '../config/schema.ts';
import { NO_CREDENTIALS } from '../credentials/credentials.ts';
import type { AppError } from '../std/errors.ts';
import { KnownSecrets } from '../std/known-secrets.ts';
import { findUnusableBundles } from './bundles.ts';
import { openClient } from './clients.ts';
import { Closing } from './closing.ts';
import type { Around } from './around.ts';
import { findUnusableRoutes } from './routes.ts';
import { findUnusableAccess } from './upstream-access.ts';

/** All that upstreams, peers, routes and stores of bundles name, or are, and that cannot be used: files and secrets. Each a CONFIG_INVALID with `detail.key`. Reads files, connects to nobody. */
export async function findUnusableRows(config: Config, around: Around): Promise<readonly AppError[]> {
  const closing = new Closing();
  // What a proxy of the environment spoils is told of elsewhere.
  const client = openClient(config, { ...around, environment: {} }, { instanceId: 'check' });
  closing.add(() => client.close());
  const observers = { secrets: new KnownSecrets(), logger: { warn: () => undefined } };
  const shared = { client, credentials: NO_CREDENTIALS };
  try {
    const ofAccess = await findUnusableAccess(config, around, { shared, instanceId: 'check', observers, closing });
    return [...ofAccess, ...(await findUnusableRoutes(config, around)), ...(await findUnusableBundles(config))];
  } finally {
    await closing.close();
  }
}
