/**
 * A process that wants a lease again and again, and while it believes that it has it acts: a line in a common file with its fence and when it last made sure, by a clock that all processes of
 * the machine share. Arguments: data folder, file of acts, `leases` or `lock-file`, time of life of a lease in ms.
 */
import { appendFileSync, closeSync, openSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isLease } from '../../src/coordination/lease.ts';
import { openLeases } from '../../src/coordination/registry.ts';
import { openTempDirectory } from '../../src/io/temp-directory.ts';
import { systemClock } from '../../src/std/clock.ts';

const [root = '', acts = '', kind = '', ttl = ''] = process.argv.slice(2);
const ttlMs = Number(ttl);
const MAX_STEPS = 200;
const o = { signal: new AbortController().signal };

/** What both kinds give: whether it may still act, and the end. */
interface Held {
  readonly fence: number;
  isOurs(): boolean;
  release(): Promise<void>;
}

const take = kind === 'leases' ? await leases() : lockFile();
console.log('ready');
for (;;) {
  const held = await take();
  if (held === undefined) await sleep(Math.random() * 20);
  else await act(held);
}

async function act(held: Held): Promise<void> {
  // Counted in steps and not in time: who was stopped has as much to do as before.
  for (let steps = Math.random() * MAX_STEPS; steps > 0; steps--) {
    const at = process.hrtime.bigint();
    if (!held.isOurs()) break;
    appendFileSync(acts, `${held.fence} ${process.pid} ${at}\n`);
    await sleep(Math.random() * 4);
  }
  await held.release();
}

async function leases(): Promise<() => Promise<Held | undefined>> {
  const opened = openLeases('disk', { root, temp: await openTempDirectory(root) }, { clock: systemClock, ttlMs });
  if (opened === undefined) throw new Error('no leases');
  return async () => {
    const got = await opened.tryHold('work', o);
    if (!isLease(got)) return undefined;
    return { fence: got.fence, isOurs: () => !got.lost.aborted, release: () => got.release() };
  };
}

/** What is often written instead: a file that is there or not, believed to be stale by its age. The fence is told by nobody, so it is a count by time. */
function lockFile(): () => Promise<Held | undefined> {
  const path = join(root, 'lock');
  return async () => {
    try {
      if (Date.now() - statSync(path).mtimeMs > ttlMs) unlinkSync(path);
    } catch {
      // Nobody has it, or another was faster.
    }
    try {
      closeSync(openSync(path, 'wx'));
    } catch {
      return undefined;
    }
    const release = async (): Promise<void> => {
      try {
        unlinkSync(path);
      } catch {
        // Another believed it to be stale.
      }
    };
    return { fence: Number(process.hrtime.bigint() / 1000n), isOurs: () => true, release };
  };
}
