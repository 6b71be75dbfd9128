import { setTimeout as sleep } from 'node:timers/promises';
import { systemCodeOf } from '../std/errors.ts';

/** For SIGTERM: time to put things in order after SIGTERM: git takes its lock and temporary files away. For SIGKILL: where nobody collects dead orphans, how long to wait for that. */
const GRACE_MS = 300;
const LOOK_EVERY_MS = 10;

/** Ends every process of the group that `leader` leads: SIGTERM, and SIGKILL to what is left 300 ms later. Resolves when nothing is left of it but zombies. Never rejects. */
export async function endGroup(leader: number): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (!signalGroup(leader, signal)) return;
    if (await isGoneWithin(leader, GRACE_MS)) return;
  }
}

async function isGoneWithin(leader: number, ms: number): Promise<boolean> {
  // Most are gone at once.
  for (let waitedMs = 0, nextMs = 1; waitedMs < ms; waitedMs += nextMs, nextMs = Math.min(2 * nextMs, LOOK_EVERY_MS)) {
    await sleep(nextMs);
    if (!signalGroup(leader, 0)) return true;
  }
  return false;
}

/** Sends `signal` to all of the group (0: to see whether there is one); false when there is nobody. Zombies count as somebody. */
export function signalGroup(leader: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-leader, signal);
  } catch (error) {
    return systemCodeOf(error) !== 'ESRCH';
  }
}
