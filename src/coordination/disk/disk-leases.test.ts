import { mkdir, mkdtemp, readdir, readlink, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openTempDirectory, type TempDirectory } from '../../io/temp-directory.ts';
import { systemClock } from '../../std/clock.ts';
import { isLease, type Place } from '../lease.ts';
import { describeLeases } from '../lease-contract.ts';
import { TimedLeases } from '../timed-leases.ts';
import { DiskLeaseBoard } from './disk-leases.ts';
import { FenceFloor } from './fence-floor.ts';
import { generationName } from './generation-file.ts';
import { encodeLease } from './lease-file.ts';

describeLeases('a board of files', async () => {
  const root = await mkdtemp(join(tmpdir(), 'larder-leases-'));
  const temps = [await openTempDirectory(root), await openTempDirectory(root)] as const;
  return {
    boards: [new DiskLeaseBoard({ root, temp: temps[0] }), new DiskLeaseBoard({ root, temp: temps[1] })],
    close: async () => {
      for (const temp of temps) await temp.close();
      await rm(root, { recursive: true, force: true });
    },
  };
});

describe('the board of files', () => {
  const o = { signal: new AbortController().signal };
  const ofOther = `${'f'.repeat(16)}-7-9-${'0'.repeat(8)}`;
  let root: string;
  let temp: TempDirectory;
  let board: DiskLeaseBoard;
  const inFolder = async (): Promise<string[]> => (await readdir(join(root, '.leases'))).sort();
  const leave = async (name: string, mark: string, fence: number): Promise<string> => {
    const path = join(root, '.leases', name, generationName(fence));
    await mkdir(join(root, '.leases', name), { recursive: true });
    await writeFile(path, encodeLease({ mark, beats: 0, share: 0 }));
    return path;
  };

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'larder-leases-'));
    temp = await openTempDirectory(root);
    board = new DiskLeaseBoard({ root, temp });
  });
  afterEach(async () => {
    await temp.close();
    await rm(root, { recursive: true, force: true });
  });

  test('keeps nothing of what was given back but the highest fence', async () => {
    for (let i = 0; i < 50; i++) await (await board.claim(`fill/${i}`, undefined, o))?.leave();
    expect(await inFolder()).toEqual(['.floor', 'fill']);
    expect(await readdir(join(root, '.leases/fill'))).toEqual([]);
    expect(await readdir(join(root, '.leases/.floor'))).toHaveLength(1);
    expect(await readdir(temp.path)).toEqual([]);
    expect((await board.claim('fill/x', undefined, o))?.fence).toBeGreaterThan(50);
  });

  test('hands on at once what a process had that is gone, above its fence', async () => {
    const [world] = (await readdir(join(root, '.tmp')))[0]!.split('-');
    await leave('work', `${world}-4194304000-9-00000000`, 41);
    const leases = new TimedLeases(board, { clock: systemClock, ttlMs: 60_000 });
    const got = await leases.tryHold('work', o);
    expect(isLease(got) && got.fence).toBe(42);
    await leases.close();
  });

  test('is swept of what is left of gone processes and, after an hour, of those that stayed silent; never by the times in the files', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const [world] = (await readdir(join(root, '.tmp')))[0]!.split('-');
    await leave('a/gone', `${world}-4194304000-9-00000000`, 7);
    const young = await leave('a/young', ofOther, 8);
    const old = await leave('b/old', ofOther, 9);
    await utimes(old, new Date(0), new Date(Date.now() - 2 * 3600_000));
    const own = await board.claim('c', undefined, o);
    await board.sweep();
    expect(await inFolder()).toEqual(['.floor', 'a', 'b', 'c']);
    expect(await readdir(join(root, '.leases/a'))).toEqual(['young']);
    for (let i = 1; i <= 6; i++) {
      await utimes(young, i, i);
      vi.advanceTimersByTime(10 * 60_000);
      await board.sweep();
    }
    expect(await inFolder()).toEqual(['.floor', 'a', 'c']);
    expect(await readdir(join(root, '.leases/a'))).toEqual(['young']);
    expect(await own?.beat(0.5)).toBe(true);
    expect((await board.claim('b/old', undefined, o))?.fence).toBeGreaterThan(9);
  });

  test('that cannot be written is STORE_UNAVAILABLE', async () => {
    await writeFile(join(root, '.leases'), 'in the way');
    await expect(board.claim('work', undefined, o)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  test('keeps neither a place nor an open file of a claim when it cannot be told whether it stands', async () => {
    const tooMany = Object.assign(new Error('too many open files'), { code: 'EMFILE' });
    vi.spyOn(FenceFloor.prototype, 'read').mockResolvedValueOnce(0).mockRejectedValueOnce(tooMany);
    onTestFinished(() => void vi.restoreAllMocks());
    await expect(board.claim('work', undefined, o)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await readdir(join(root, '.leases/work'))).toEqual([]);
    const opened = (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ''));
    expect((await Promise.all(opened)).filter((path) => path.startsWith(root))).toEqual([]);
  });

  test('gives no file a name that another had, so that who wakes late removes nobody else', async () => {
    const names: string[] = [];
    for (let i = 0; i < 3; i++) {
      const place = await board.claim('work', undefined, o);
      names.push(...(await readdir(join(root, '.leases/work'))));
      await place?.leave();
    }
    expect(names).toEqual([1, 2, 3].map(generationName));
  });

  test('removes nobody else when a claim wakes late, after others have come and gone', async () => {
    onTestFinished(() => void vi.restoreAllMocks());
    let holder: Place | undefined;
    const read = vi.spyOn(FenceFloor.prototype, 'read').mockResolvedValueOnce(0);
    read.mockImplementationOnce(async () => {
      // The claim has linked its file, and sleeps.
      const second = await board.claim('work', await board.look('work', o), o);
      await second?.leave();
      holder = await board.claim('work', await board.look('work', o), o);
      return second?.fence ?? 0;
    });
    expect(await board.claim('work', undefined, o)).toBeUndefined();
    expect(await holder?.beat(0)).toBe(true);
  });

  test('does not let a claim stand that was made behind what is no longer there', async () => {
    const first = await board.claim('work', undefined, o);
    const slow = await board.look('work', o);
    const second = await board.claim('work', slow, o);
    await second?.leave();
    const third = await board.claim('work', undefined, o);
    expect(await board.claim('work', slow, o)).toBeUndefined();
    expect([await first?.beat(0), await third?.beat(0)]).toEqual([false, true]);
  });
});
