import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../tests/fakes/manual-clock.ts';
import { type Bound, withDeadline } from './deadline.ts';

const clock = new ManualClock();
const bound: Bound = { clock, ms: 1000, signal: new AbortController().signal, attempted: 'wait' };

/** Bounded work that hangs; and what it can do about its deadline. */
function hanging(): { readonly state: { outcome: string }; readonly lift: () => () => void } {
  const state = { outcome: 'pending' };
  let lift: (() => () => void) | undefined;
  const work = (_signal: AbortSignal, lifted: () => () => void): Promise<never> => {
    lift = lifted;
    return new Promise(() => undefined);
  };
  withDeadline(bound, work).catch((error: unknown) => (state.outcome = (error as { code: string }).code));
  return { state, lift: () => (lift as () => () => void)() };
}

describe('a deadline', () => {
  test('ends what hangs', async () => {
    const { state } = hanging();
    await clock.advance(999);
    expect(state.outcome).toBe('pending');
    await clock.advance(1);
    expect(state.outcome).toBe('UPSTREAM_TIMEOUT');
  });

  test('that is lifted ends nothing', async () => {
    const { state, lift } = hanging();
    lift();
    await clock.advance(100_000);
    expect(state.outcome).toBe('pending');
  });

  test('is back, with what was left of it, when what it was lifted for came to nothing', async () => {
    const { state, lift } = hanging();
    await clock.advance(400);
    const restore = lift();
    await clock.advance(100_000);
    restore();
    await clock.advance(599);
    expect(state.outcome).toBe('pending');
    await clock.advance(1);
    expect(state.outcome).toBe('UPSTREAM_TIMEOUT');
  });

  test('is back when the last of several for which it was lifted came to nothing, each counted once', async () => {
    const { state, lift } = hanging();
    const [one, other] = [lift(), lift()];
    one();
    one();
    await clock.advance(2000);
    expect(state.outcome).toBe('pending');
    other();
    await clock.advance(1000);
    expect(state.outcome).toBe('UPSTREAM_TIMEOUT');
  });

  test('leaves no timer behind', async () => {
    const before = clock.sleeping;
    await withDeadline(bound, async (_signal, lift) => void setTimeout(lift(), 0));
    await clock.advance(0);
    expect(clock.sleeping).toBe(before);
  });
});
