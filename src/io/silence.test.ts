import { mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ManualClock } from '../../tests/fakes/manual-clock.ts';
import { Silence } from './silence.ts';

const MINUTE = 60_000;
let folder = '';
let path = '';
let clock: ManualClock;
let silence: Silence;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'larder-silence-'));
  path = join(folder, 'of-another');
  writeFileSync(path, '');
  clock = new ManualClock();
  silence = new Silence(clock);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What looks that are `everyMs` apart say, the first one at once. */
async function looks(count: number, everyMs: number): Promise<readonly boolean[]> {
  const said = [await silence.isSilent(path)];
  while (said.length < count) {
    clock.leap(everyMs);
    said.push(await silence.isSilent(path));
  }
  return said;
}

describe('what does not change', () => {
  test('is silent after an hour of looks', async () => {
    expect(await looks(8, 10 * MINUTE)).toEqual([false, false, false, false, false, false, true, true]);
  });

  test('is not silent at the first look, however old its times are, nor however far ahead', async () => {
    for (const seconds of [0, 1, Date.now() / 1000 - 7 * 86_400, Date.now() / 1000 + 7 * 86_400]) {
      utimesSync(path, seconds, seconds);
      expect(await silence.isSilent(path)).toBe(false);
    }
  });

  test('is not silent because the one who looks has slept: nobody knows who else has', async () => {
    expect(await looks(2, 10 * MINUTE)).toEqual([false, false]);
    expect(await looks(2, 48 * 60 * MINUTE)).toEqual([false, false]);
    expect(await looks(3, 10 * MINUTE)).toEqual([false, false, false]);
  });
});

describe('what changes', () => {
  test('is not silent, and the hour begins anew', async () => {
    expect((await looks(6, 10 * MINUTE)).includes(true)).toBe(false);
    utimesSync(path, 5, 5);
    expect(await looks(8, 10 * MINUTE)).toEqual([false, false, false, false, false, false, true, true]);
  });

  test('by being another file of the same name and time is not silent', async () => {
    utimesSync(path, 5, 5);
    expect((await looks(7, 10 * MINUTE)).at(-1)).toBe(true);
    const other = join(folder, 'other');
    writeFileSync(other, '');
    utimesSync(other, 5, 5);
    renameSync(other, path);
    expect(await silence.isSilent(path)).toBe(false);
  });

  test('by being gone is forgotten', async () => {
    await looks(7, 10 * MINUTE);
    rmSync(path);
    expect(await silence.isSilent(path)).toBe(false);
    writeFileSync(path, '');
    expect(await silence.isSilent(path)).toBe(false);
  });
});
