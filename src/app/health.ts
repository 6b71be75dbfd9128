import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import type { Health, Readiness } from '../server/operations.ts';
import { waitFor } from '../std/ask.ts';
import { AppError, systemCodeOf } from '../std/errors.ts';

/** A store on a network file system can hang; a load balancer must have its answer before it gives up. */
const LONGEST_LOOK_MS = 1000;

/** Ready as long as `folder` can be read. Says nothing of upstreams: their outage must not take every replica out at once. */
export function storeHealth(folder: string): Health {
  return { readiness: () => look(folder) };
}

async function look(folder: string): Promise<Readiness> {
  const slow = AbortSignal.timeout(LONGEST_LOOK_MS);
  try {
    await waitFor(access(folder, constants.R_OK | constants.X_OK), slow);
    return { ready: true, detail: 'the store can be read' };
  } catch (error) {
    const why =
      error instanceof AppError ? `no answer within ${LONGEST_LOOK_MS} ms` : (systemCodeOf(error) ?? 'unknown');
    return { ready: false, detail: `the store cannot be read: ${why}` };
  }
}
