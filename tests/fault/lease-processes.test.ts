import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { seededRandom } from '../fakes/seeded-random.ts';

const TTL_MS = 600;
const HOLDERS = 5;
/** How long nobody may get on, on a busy machine, ms. */
const PATIENCE_MS = 20_000;

let root: string;
let acts: string;
const children = new Set<ChildProcess>();

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'larder-holders-'));
  acts = join(root, 'acts.log');
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
  await rm(root, { recursive: true, force: true });
});

async function holder(kind: 'leases' | 'lock-file'): Promise<ChildProcess> {
  const script = join(import.meta.dirname, 'lease-holder.ts');
  const child = spawn(process.execPath, [script, root, acts, kind, String(TTL_MS)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.add(child);
  await once(child.stdout, 'data');
  return child;
}

/** When somebody believed to hold: from its first act to its last. */
interface Belief {
  readonly fence: number;
  readonly pid: number;
  readonly from: bigint;
  to: bigint;
}

async function beliefs(): Promise<Belief[]> {
  const byHolder = new Map<string, Belief>();
  for (const line of (await readFile(acts, 'utf8')).trim().split('\n')) {
    const [fence, pid, at] = line.split(' ');
    const key = `${fence} ${pid}`;
    const known = byHolder.get(key);
    if (known === undefined)
      byHolder.set(key, { fence: Number(fence), pid: Number(pid), from: BigInt(at!), to: BigInt(at!) });
    else known.to = BigInt(at!);
  }
  return [...byHolder.values()].sort((a, b) => a.fence - b.fence);
}

/** Pairs of holders of which one still acted when the next had begun, or that had the same fence. */
function overlaps(all: readonly Belief[]): string[] {
  return all.flatMap((one, i) => {
    const next = all[i + 1];
    const isInOrder = next === undefined || (one.fence < next.fence && one.to < next.from);
    return isInOrder ? [] : [`fence ${one.fence} of ${one.pid} beside ${next.fence} of ${next.pid}`];
  });
}

/** What befalls a holder: the one that acts just now, or any. */
type Blow = 'stop actor' | 'kill any' | 'stop any' | 'kill actor';
const EACH: readonly Blow[] = ['stop actor', 'kill any', 'stop any', 'kill actor'];

/** Deals the blows, one after the other; each time another holder has to get on. One that is stopped goes on after that, and does not know that it is late; those that were killed are replaced. */
async function torture(kind: 'leases' | 'lock-file', blows: readonly Blow[]): Promise<void> {
  const random = seededRandom(blows.length);
  const living = await Promise.all(Array.from({ length: HOLDERS }, () => holder(kind)));
  for (const blow of blows) {
    await sleep(random() * 200);
    const victim = blow.endsWith('actor') ? await actorOf(living) : living[Math.floor(random() * HOLDERS)]!;
    if (blow.startsWith('kill')) {
      victim.kill('SIGKILL');
      children.delete(victim);
      await untilAnotherActs(victim);
      living[living.indexOf(victim)] = await holder(kind);
    } else {
      victim.kill('SIGSTOP');
      await untilAnotherActs(victim);
      await sleep(random() * TTL_MS);
      victim.kill('SIGCONT');
    }
  }
  for (const child of living) child.kill('SIGKILL');
  for (const child of living) if (child.signalCode === null) await once(child, 'exit');
}

/** Who wrote the last line; NaN while there is none. */
async function lastToAct(): Promise<number> {
  const lines = (await readFile(acts, 'utf8').catch(() => '')).trim().split('\n');
  return Number(lines.at(-1)?.split(' ')[1]);
}

async function actorOf(living: readonly ChildProcess[]): Promise<ChildProcess> {
  return await vi.waitUntil(
    async () => {
      const pid = await lastToAct();
      return living.find((child) => child.pid === pid);
    },
    { timeout: PATIENCE_MS, interval: 10 },
  );
}

async function untilAnotherActs(than: ChildProcess): Promise<void> {
  await vi.waitUntil(async () => (await lastToAct()) !== than.pid, { timeout: PATIENCE_MS, interval: 10 });
}

describe('processes that want one lease', () => {
  test('never act two at a time, whenever they are killed, stopped and continued; and always one gets on', async () => {
    await torture('leases', [...EACH, ...EACH]);
    expect(overlaps(await beliefs())).toEqual([]);
  }, 120_000);

  test('a file that is there or not does not keep them apart: what is tried here can fail', async () => {
    await torture('lock-file', ['stop actor', 'stop actor', 'stop actor']);
    expect(overlaps(await beliefs())).not.toEqual([]);
  }, 120_000);

  test('leave one free name behind when all were killed, and nothing of the others', async () => {
    await torture('leases', ['kill actor', 'stop any']);
    const last = await holder('leases');
    await expect
      .poll(async () => (await beliefs()).some(({ pid }) => pid === last.pid), { timeout: 10_000 })
      .toBe(true);
    last.kill('SIGKILL');
    await once(last, 'exit');
    const left = await readdir(join(root, '.leases', 'work')).catch(() => []);
    expect(left.length).toBeLessThanOrEqual(2);
  }, 60_000);
});
