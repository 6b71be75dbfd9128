/** What Leases must do on every board. Each adapter's test runs it. */
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { ManualClock } from '../../tests/fakes/manual-clock.ts';
import { type Holder, isLease, type Lease, type LeaseBoard, type Leases } from './lease.ts';
import { TimedLeases } from './timed-leases.ts';

export interface BoardsUnderTest {
  /** Two ways to the same leases, as two processes have them; the same object where there is only one. */
  readonly boards: readonly [LeaseBoard, LeaseBoard];
  close(): Promise<void>;
}

const TTL = 9000;

/** States about leases on boards called `name`; `make` gives empty ones. */
export function describeLeases(name: string, make: () => Promise<BoardsUnderTest>): void {
  describe(`leases on ${name} keep their contract`, () => {
    let subject: BoardsUnderTest | undefined;
    /** Two processes whose clocks have nothing in common. */
    let one: Leases;
    let other: Leases;
    let oneClock: ManualClock;
    let otherClock: ManualClock;
    const o = { signal: new AbortController().signal };

    const taken = async (by: Leases, key = 'work'): Promise<Lease> => {
      const got = await by.tryHold(key, o);
      if (!isLease(got)) throw new Error(`${key} is held: ${JSON.stringify(got)}`);
      return got;
    };
    const seen = async (by: Leases, key = 'work'): Promise<Holder> => {
      const got = await by.tryHold(key, o);
      if (isLease(got)) throw new Error(`${key} was free`);
      return got;
    };
    /** What a holder says goes through files, which no clock of ours moves. */
    const isHeard = async (holder: Partial<Holder>): Promise<void> => {
      await expect.poll(() => other.tryHold('work', o), { timeout: 10_000 }).toMatchObject(holder);
    };

    beforeEach(async () => {
      await one?.close();
      await other?.close();
      await subject?.close();
      subject = await make();
      oneClock = new ManualClock();
      otherClock = new ManualClock();
      otherClock.leap(7_000_000);
      one = new TimedLeases(subject.boards[0], { clock: oneClock, ttlMs: TTL });
      other = new TimedLeases(subject.boards[1], { clock: otherClock, ttlMs: TTL });
    });
    afterAll(async () => {
      await one.close();
      await other.close();
      await subject?.close();
    });

    test('a free name is had at once, and others see its holder', async () => {
      const lease = await taken(one);
      expect(lease.lost.aborted).toBe(false);
      expect(await seen(other)).toEqual({ share: 0, silentMs: 0 });
      expect(await seen(one)).toEqual({ share: 0, silentMs: 0 });
    });

    test('what is given back is free at once', async () => {
      await (await taken(one)).release();
      await taken(other);
      expect(await seen(one)).toMatchObject({ silentMs: 0 });
    });

    test('to give back twice, or what another has taken over, disturbs nobody', async () => {
      const first = await taken(one);
      await first.release();
      const second = await taken(other);
      await first.release();
      await seen(one);
      expect(second.lost.aborted).toBe(false);
    });

    test('fences grow from holder to holder', async () => {
      const fences: number[] = [];
      for (let i = 0; i < 20; i++) {
        const lease = await taken(i % 3 === 0 ? one : other);
        fences.push(lease.fence);
        await lease.release();
      }
      expect(fences).toEqual([...new Set(fences)].sort((a, b) => a - b));
    });

    test('names do not disturb each other, also when one continues another', async () => {
      await taken(one, 'a');
      await taken(other, 'a/b');
      await taken(one, 'a-b');
      for (const key of ['a', 'a/b', 'a-b']) await seen(other, key);
    });

    test('of 30 who try at once one has it', async () => {
      const got = await Promise.all(
        Array.from({ length: 30 }, (_, i) => (i % 2 === 0 ? one : other).tryHold('race', o)),
      );
      expect(got.filter(isLease)).toHaveLength(1);
    });

    test('a holder that lives is never overtaken, however long it works', async () => {
      const lease = await taken(one);
      for (let i = 0; i < 15; i++) {
        await otherClock.advance(TTL / 3);
        await oneClock.advance(TTL / 3);
        await isHeard({ silentMs: 0 });
      }
      expect(lease.lost.aborted).toBe(false);
    });

    test('how far it is is seen by others', async () => {
      const lease = await taken(one);
      for (const share of [0.25, 0.5]) {
        const told = async (): Promise<unknown> => {
          await oneClock.advance(100);
          lease.progress(share);
          return await other.tryHold('work', o);
        };
        await expect.poll(told, { timeout: 10_000 }).toEqual({ share, silentMs: 0 });
      }
    });

    test('one that is silent for a watcher’s whole time is overtaken, and not a moment sooner', async () => {
      const lease = await taken(one);
      await seen(other);
      await otherClock.advance(TTL - 1);
      expect(await seen(other)).toEqual({ share: 0, silentMs: TTL - 1 });
      await otherClock.advance(1);
      const next = await taken(other);
      expect(next.fence).toBeGreaterThan(lease.fence);
    });

    test('silence before a watcher first looked counts for nothing', async () => {
      await taken(one);
      await otherClock.advance(100 * TTL);
      expect((await seen(other)).silentMs).toBe(0);
      await otherClock.advance(TTL - 1);
      await seen(other);
    });

    test('one that was stopped and overtaken finds its lease lost when it goes on, before any timer of it runs', async () => {
      const lease = await taken(one);
      await seen(other);
      await otherClock.advance(TTL);
      const next = await taken(other);
      oneClock.leap(30_000);
      expect(lease.lost.aborted).toBe(true);
      await lease.release();
      await seen(one);
      expect(next.lost.aborted).toBe(false);
    });

    test('one that was overtaken learns it at its next sign of life, whatever its clock says', async () => {
      const lease = await taken(one);
      const { lost } = lease;
      await seen(other);
      await otherClock.advance(TTL);
      await taken(other);
      await oneClock.advance(TTL / 3);
      await expect.poll(() => lost.aborted).toBe(true);
    });

    test('it relies on itself for two thirds of the time and no longer', async () => {
      const lease = await taken(one);
      oneClock.leap((TTL * 2) / 3 - 1);
      expect(lease.lost.aborted).toBe(false);
      oneClock.leap(1);
      expect(lease.lost.aborted).toBe(true);
    });

    test('who only listens hears of the loss by a timer', async () => {
      const { lost } = await taken(one);
      oneClock.leap(2 * TTL);
      await oneClock.advance(1);
      await expect.poll(() => lost.aborted).toBe(true);
    });

    test.each(['', '/a', 'a/', '..', 'a/../b', '.x', 'A', 'a b'])(
      'the malformed name %j is the caller’s mistake',
      async (key) => {
        await expect(one.tryHold(key, o)).rejects.toMatchObject({ code: 'INTERNAL' });
      },
    );

    test('a fired signal stops the attempt', async () => {
      await expect(one.tryHold('work', { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
      await taken(other);
    });

    test('an end gives everything back', async () => {
      await taken(one, 'a');
      await taken(one, 'b');
      await one.close();
      await taken(other, 'a');
      await taken(other, 'b');
      expect(oneClock.sleeping).toBe(0);
    });
  });
}
