import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import type { ToldTrouble } from '../observe/store-troubles.ts';
import type { Health, Readiness } from '../server/operations.ts';
import { waitFor } from '../std/ask.ts';
import { AppError, systemCodeOf } from '../std/errors.ts';

/** A store on a network file system can hang; a load balancer must have its answer before it gives up. */
const LONGEST_LOOK_MS = 1000;

/**
 * Ready as long as `folder` can be read, degraded while there is a recent trouble of the store. Says nothing of upstreams: their outage must
 * not take every replica out at once.
 */
export function storeHealth(folder: string, recentTrouble: () => ToldTrouble | undefined): Health {
  return { readiness: () => look(folder, recentTrouble) };
}

async function look(folder: string, recentTrouble: () => ToldTrouble | undefined): Promise<Readiness> {
  const slow = AbortSignal.timeout(LONGEST_LOOK_MS);
  try {
    await waitFor(access(folder, constants.R_OK | constants.X_OK), slow);
    const trouble = recentTrouble();
    if (trouble === undefined) return { ready: true, detail: 'the store can be read' };
    return { ready: true, degraded: true, detail: troubleInWords(trouble) };
  } catch (error) {
    const why =
      error instanceof AppError ? `no answer within ${LONGEST_LOOK_MS} ms` : (systemCodeOf(error) ?? 'unknown');
    return { ready: false, detail: `the store cannot be read: ${why}` };
  }
}

/** Without the trouble's message and subject: anybody may ask, and they name folders and modules. */
function troubleInWords({ operation, code }: ToldTrouble): string {
  return `modules are served, but the store fails to ${VERBS[operation]} (${code}): ${adviceFor(code)}; the log says more`;
}

const VERBS: Readonly<Record<ToldTrouble['operation'], string>> = {
  read: 'read',
  commit: 'keep what was fetched',
  remember: 'remember lists',
  quarantine: 'put evidence aside',
  view: 'write lists for static servers',
};

function adviceFor(code: ToldTrouble['code']): string {
  if (code === 'STORE_UNAVAILABLE')
    return 'free space on the volume of the data folder, and see that larder may write there';
  if (code === 'STORE_CORRUPT') return 'run larder fsck --repair, then look at the disk';
  if (code === 'CONFLICT') return 'see whether servers share the data folder over a file system without atomic links';
  return `see ${code} in docs/reference/errors.md`;
}
