import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { newProcessMark } from '../io/process-mark.ts';
import { hasLeftovers, inTurn, passingName } from './turn.ts';

const root = mkdtempSync(join(tmpdir(), 'larder-turn-'));
const o = { signal: new AbortController().signal };
afterAll(() => rmSync(root, { recursive: true, force: true }));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(root, 'case-'));
});

/** The mark of a process that has ended, and that of one of another machine. */
async function marks(): Promise<{ readonly dead: string; readonly unseen: string }> {
  const own = await newProcessMark();
  return { dead: own.replace(/-\d+-\d+-/, '-1-1-'), unseen: own.replace(/^.{16}/, 'ffffffffffffffff') };
}

describe('a turn', () => {
  test('is had by one at a time, and by everybody in the end', async () => {
    let [atWork, most, done] = [0, 0, 0];
    const work = async (): Promise<void> =>
      inTurn(folder, o, async () => {
        most = Math.max(most, ++atWork);
        await sleep(5);
        atWork--;
        done++;
      });
    await Promise.all(Array.from({ length: 8 }, work));
    expect([most, done, readdirSync(folder)]).toEqual([1, 8, []]);
  }, 60_000);

  test('is free again after a failure, and after the death of who had it', async () => {
    await expect(inTurn(folder, o, () => Promise.reject(new Error('as it goes')))).rejects.toThrow('as it goes');
    const claim = join(folder, `.larder.${(await marks()).dead}.turn`);
    writeFileSync(claim, '');
    await inTurn(folder, o, async () => expect(existsSync(claim)).toBe(false));
  });

  test('of who cannot be seen is waited for, until it was silent for a minute', async () => {
    const claim = join(folder, `.larder.${(await marks()).unseen}.turn`);
    writeFileSync(claim, '');
    const patience = AbortSignal.timeout(300);
    await expect(inTurn(folder, { signal: patience }, async () => 'in')).rejects.toMatchObject({ name: 'AppError' });
    expect(readdirSync(folder)).toHaveLength(1);
    const old = new Date(Date.now() - 61_000);
    utimesSync(claim, old, old);
    expect(await inTurn(folder, o, async () => 'in')).toBe('in');
  });

  test('is not waited for without end', async () => {
    await inTurn(folder, o, async () => {
      await expect(inTurn(folder, { ...o, patienceMs: 100 }, async () => 'in')).rejects.toThrow('another larder is at');
    });
    expect(await inTurn(folder, { ...o, patienceMs: 100 }, async () => 'in')).toBe('in');
  });

  test('tells what the dead left, and not what the living have on its way', async () => {
    const { dead, unseen } = await marks();
    mkdirSync(join(folder, await passingName('copy')));
    expect(await hasLeftovers(folder)).toBe(false);
    for (const mark of [dead, unseen]) writeFileSync(join(folder, `.larder.${mark}.vendor.old`), '');
    writeFileSync(join(folder, '.larder.strange.old'), '');
    expect(await hasLeftovers(folder)).toBe(true);
    await inTurn(folder, o, async ({ leftovers }) => {
      expect(leftovers).toHaveLength(2);
      for (const mark of [dead, unseen])
        expect(leftovers).toContainEqual({
          mark,
          kind: 'vendor.old',
          path: join(folder, `.larder.${mark}.vendor.old`),
        });
    });
  });
});
