import { beforeEach, expect, test } from 'vitest';
import { ManualClock } from '../../tests/fakes/manual-clock.ts';
import { CertificateEnd } from './certificate-end.ts';

const DAY_MS = 86_400_000;
let clock: ManualClock;
let toldAtDays: number[];
let end: CertificateEnd;

beforeEach(() => {
  clock = new ManualClock();
  toldAtDays = [];
  end = new CertificateEnd(clock, (notAfter) => toldAtDays.push((notAfter - clock.now()) / DAY_MS));
});

const inDays = (days: number): number => clock.now() + days * DAY_MS;

async function days(count: number): Promise<void> {
  for (let i = 0; i < count * 4; i++) {
    await clock.advance(DAY_MS / 4);
    end.look();
  }
}

test('the end of a certificate is told 30, 14, 7 and 1 days before, and when it has come', async () => {
  end.use(inDays(40));
  await days(50);
  expect(toldAtDays).toEqual([30, 14, 7, 1, 0]);
});

test('of a certificate that is used shortly before its end is told once, and then at what is left', async () => {
  end.use(inDays(10));
  expect(toldAtDays).toEqual([10]);
  await days(20);
  expect(toldAtDays).toEqual([10, 7, 1, 0]);
});

test('a new certificate begins anew', async () => {
  end.use(inDays(20));
  await days(10);
  end.use(inDays(90));
  expect(end.notAfter).toBe(inDays(90));
  await days(65);
  expect(toldAtDays).toEqual([20, 14, 30]);
});

test('a clock that is set forward tells what is true then, and one set back tells nothing twice', () => {
  end.use(inDays(100));
  clock.setWall(clock.now() + 95 * DAY_MS);
  end.look();
  clock.setWall(clock.now() - 50 * DAY_MS);
  end.look();
  expect(toldAtDays).toEqual([5]);
});
