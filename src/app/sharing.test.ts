import { beforeEach, describe, expect, test } from 'vitest';
import { ManualClock, settle } from '../../tests/fakes/manual-clock.ts';
import type { Leases } from '../coordination/lease.ts';
import { MemoryLeaseBoard } from '../coordination/memory/memory-leases.ts';
import { TimedLeases } from '../coordination/timed-leases.ts';
import { AppError } from '../std/errors.ts';
import { turnsOver } from './sharing.ts';

const TTL = 9000;
const o = { signal: new AbortController().signal };

let clock: ManualClock;
let board: MemoryLeaseBoard;
beforeEach(() => {
  clock = new ManualClock();
  board = new MemoryLeaseBoard();
});

const turns = (leases: Leases = new TimedLeases(board, { clock, ttlMs: TTL })) =>
  turnsOver(leases, { clock, longestMs: 60_000 });

/** Whether the turn has come by now. */
function begun(turn: Promise<() => void>): { readonly isBegun: () => boolean } {
  let isBegun = false;
  void turn.then(() => (isBegun = true));
  return { isBegun: () => isBegun };
}

describe('a turn over other processes', () => {
  test('comes when the other has ended', async () => {
    const [one, other] = [turns(), turns()];
    const end = await one('m', o);
    const second = begun(other('m', o));
    await clock.advance(5000);
    expect(second.isBegun()).toBe(false);
    end();
    await clock.advance(500);
    expect(second.isBegun()).toBe(true);
  });

  test('comes at once for another name', async () => {
    await turns()('m', o);
    await turns()('n', o);
  });

  test('comes when the other has been silent for its whole time', async () => {
    const stopped = new ManualClock();
    await turnsOver(new TimedLeases(board, { clock: stopped, ttlMs: TTL }), { clock: stopped, longestMs: 60_000 })(
      'm',
      o,
    );
    const second = begun(turns()('m', o));
    await clock.advance(TTL - 1000);
    expect(second.isBegun()).toBe(false);
    await clock.advance(2000);
    expect(second.isBegun()).toBe(true);
  });

  test('comes after a minute although the other lives', async () => {
    await turns()('m', o);
    const second = begun(turns()('m', o));
    await clock.advance(59_000);
    expect(second.isBegun()).toBe(false);
    await clock.advance(2000);
    expect(second.isBegun()).toBe(true);
  });

  test('comes at once when leases cannot be had', async () => {
    const broken: Leases = {
      tryHold: () => Promise.reject(new AppError('STORE_UNAVAILABLE', 'no')),
      close: async () => undefined,
    };
    (await turns(broken)('m', o))();
  });

  test('is given up when the signal fires', async () => {
    await turns()('m', o);
    const stop = new AbortController();
    const second = turns()('m', stop);
    const told = expect(second).rejects.toBeDefined();
    await settle();
    stop.abort(new AppError('ABORTED', 'stop'));
    await told;
  });
});
