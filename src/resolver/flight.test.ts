import { beforeEach, describe, expect, test } from 'vitest';
import { ManualClock, settle } from '../../tests/fakes/manual-clock.ts';
import { fixedLimit } from '../admission/gradient.ts';
import { type Asker, Turns } from '../admission/turns.ts';
import { AppError } from '../std/errors.ts';
import { type FlightLimits, Flights, type Landed, type Work } from './flight.ts';

const limits: FlightLimits = { lingerMs: 2000, errorMemoMs: 1000 };
const never = new AbortController().signal;

let clock: ManualClock;
let turns: Turns;
let flights: Flights<string, string>;
let runs: { work: Work<string>; land: (value: string) => void; fail: (error: unknown) => void }[];

beforeEach(() => {
  clock = new ManualClock();
  turns = new Turns({
    clock,
    limit: fixedLimit(2),
    limits: { queued: 2, queuedPerClient: 2, waitMs: 15_000, toldAfterMs: 0 },
  });
  flights = new Flights(clock, limits, turns);
  runs = [];
});

/** Work that the test ends by hand; it heeds its signal. */
function byHand(work: Work<string>): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  work.signal.addEventListener('abort', () => reject(work.signal.reason as Error));
  runs.push({ work, land: resolve, fail: reject });
  return promise;
}

function join(key: string, signal: AbortSignal = never, asker: Asker = {}): Promise<Landed<string>> {
  return flights.join(key, byHand, { signal, ...asker });
}

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'ok',
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  );

describe('one fetch for all who ask', () => {
  test('500 waiters: one run, one leader, one value', async () => {
    const waiters = Array.from({ length: 500 }, () => join('k'));
    await settle();
    expect(runs).toHaveLength(1);
    runs[0]?.land('bytes');
    const landed = await Promise.all(waiters);
    expect(landed.filter((one) => one.led)).toHaveLength(1);
    expect(new Set(landed.map((one) => one.value))).toEqual(new Set(['bytes']));
    expect(clock.sleeping).toBe(0);
  });

  test('100 waiters on a fetch of 60 s: nobody fails before its own deadline (athens#1972)', async () => {
    const hurried = new AbortController();
    const patient = Array.from({ length: 100 }, () => codeOf(join('k')));
    const impatient = codeOf(join('k', hurried.signal));
    await clock.advance(30_000);
    hurried.abort(new AppError('UPSTREAM_TIMEOUT', 'own deadline'));
    expect(await impatient).toBe('UPSTREAM_TIMEOUT');
    await clock.advance(30_000);
    runs[0]?.land('late but right');
    expect(new Set(await Promise.all(patient))).toEqual(new Set(['ok']));
    expect(runs).toHaveLength(1);
  });

  test('the leader leaving hurts nobody', async () => {
    const leader = new AbortController();
    const first = codeOf(join('k', leader.signal));
    const second = join('k');
    leader.abort();
    expect(await first).toBe('ABORTED');
    await clock.advance(10_000);
    expect(runs[0]?.work.signal.aborted).toBe(false);
    runs[0]?.land('v');
    expect((await second).value).toBe('v');
  });

  test('different keys do not share', async () => {
    void join('a');
    void join('b');
    await settle();
    expect(runs).toHaveLength(2);
  });
});

describe('when nobody waits any more', () => {
  test('the work is cancelled after a moment', async () => {
    const client = new AbortController();
    const waiting = codeOf(join('k', client.signal));
    client.abort();
    await waiting;
    await clock.advance(1999);
    expect(runs[0]?.work.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(runs[0]?.work.signal.aborted).toBe(true);
  });

  test('someone who comes in that moment joins it', async () => {
    const client = new AbortController();
    const waiting = codeOf(join('k', client.signal));
    client.abort();
    await waiting;
    await clock.advance(1500);
    const next = join('k');
    await clock.advance(10_000);
    runs[0]?.land('v');
    expect(await next).toEqual({ value: 'v', led: false });
    expect(runs).toHaveLength(1);
  });

  test('work past half is finished', async () => {
    const client = new AbortController();
    const waiting = codeOf(join('k', client.signal));
    await settle();
    runs[0]?.work.progress(0.51);
    client.abort();
    await waiting;
    await clock.advance(60_000);
    expect(runs[0]?.work.signal.aborted).toBe(false);
    const next = join('k');
    runs[0]?.land('v');
    expect(await next).toEqual({ value: 'v', led: false });
  });

  test('who asks after the cancellation starts afresh, even while the old work is still ending', async () => {
    const client = new AbortController();
    const stubborn = Promise.withResolvers<string>();
    const waiting = codeOf(flights.join('k', () => stubborn.promise, { signal: client.signal }));
    client.abort();
    await waiting;
    await clock.advance(2000);
    const next = join('k');
    await settle();
    stubborn.resolve('old');
    await settle();
    runs[0]?.land('new');
    expect(await next).toEqual({ value: 'new', led: true });
  });

  test('being cancelled is not remembered as a failure', async () => {
    const client = new AbortController();
    const waiting = codeOf(join('k', client.signal));
    client.abort();
    await waiting;
    await clock.advance(2000);
    const next = join('k');
    await settle();
    expect(runs).toHaveLength(2);
    runs[1]?.land('v');
    expect((await next).value).toBe('v');
  });
});

describe('what is offered before the end', () => {
  const early = (key = 'k', signal = never): Promise<Landed<string>> => flights.joinEarly(key, byHand, { signal });

  test('goes at once to those who take it, now and later; the others wait for the end', async () => {
    const [takes, waits] = [early(), join('k')];
    await settle();
    runs[0]?.work.offer('half');
    expect(await takes).toEqual({ value: 'half', led: true });
    expect(await early()).toEqual({ value: 'half', led: false });
    expect(await Promise.race([waits, settle()])).toBeUndefined();
    runs[0]?.land('whole');
    expect((await waits).value).toBe('whole');
    expect(runs).toHaveLength(1);
  });

  test('is not given any more when it was withdrawn, until there is another offer', async () => {
    const first = early();
    await settle();
    const withdraw = runs[0]?.work.offer('of A');
    expect((await first).value).toBe('of A');
    withdraw?.();
    const second = early();
    expect(await Promise.race([second, settle()])).toBeUndefined();
    runs[0]?.work.offer('of B');
    expect((await second).value).toBe('of B');
  });

  test('comes too late after the end', async () => {
    const takes = early();
    await settle();
    runs[0]?.land('whole');
    await settle();
    runs[0]?.work.offer('half');
    expect((await takes).value).toBe('whole');
  });

  test('a failure is told to who waits for either', async () => {
    const takes = codeOf(early());
    await settle();
    runs[0]?.fail(new AppError('UPSTREAM_UNAVAILABLE', 'refused'));
    expect(await takes).toBe('UPSTREAM_UNAVAILABLE');
  });

  test('its users keep the work going, and it is cancelled a moment after the last of them left', async () => {
    const takes = early();
    await settle();
    runs[0]?.work.offer('half');
    await takes;
    const holds = [runs[0]?.work.hold(), runs[0]?.work.hold()];
    await clock.advance(60_000);
    holds[0]?.();
    holds[0]?.();
    await clock.advance(60_000);
    expect(runs[0]?.work.signal.aborted).toBe(false);
    holds[1]?.();
    await clock.advance(1999);
    expect(runs[0]?.work.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(runs[0]?.work.signal.aborted).toBe(true);
  });

  test('work past half is finished also when its users have left', async () => {
    void early();
    await settle();
    runs[0]?.work.offer('half');
    runs[0]?.work.progress(0.51);
    runs[0]?.work.hold()();
    await clock.advance(60_000);
    expect(runs[0]?.work.signal.aborted).toBe(false);
  });
});

describe('failures', () => {
  test('are told to all who wait, and for one second to those who come after', async () => {
    const waiters = [codeOf(join('k')), codeOf(join('k'))];
    await settle();
    runs[0]?.fail(new AppError('UPSTREAM_UNAVAILABLE', 'refused'));
    expect(await Promise.all(waiters)).toEqual(['UPSTREAM_UNAVAILABLE', 'UPSTREAM_UNAVAILABLE']);
    await clock.advance(999);
    expect(await codeOf(join('k'))).toBe('UPSTREAM_UNAVAILABLE');
    expect(runs).toHaveLength(1);
    await clock.advance(1);
    void join('k');
    await settle();
    expect(runs).toHaveLength(2);
  });

  test('that are not ours are INTERNAL', async () => {
    const waiting = codeOf(join('k'));
    await settle();
    runs[0]?.fail(new TypeError('x is undefined'));
    expect(await waiting).toBe('INTERNAL');
  });
});

describe('bounds', () => {
  test('flights beyond the bound wait for their turn in order of arrival, one more is OVERLOADED', async () => {
    const waiting = ['a', 'b', 'c', 'd'].map((key) => join(key));
    expect(await codeOf(join('e'))).toBe('OVERLOADED');
    expect(runs).toHaveLength(2);
    runs[1]?.land('b');
    await settle();
    expect(runs).toHaveLength(3);
    runs[2]?.land('c');
    await settle();
    runs[0]?.land('a');
    runs[3]?.land('d');
    expect((await Promise.all(waiting)).map((one) => one.value)).toEqual(['a', 'b', 'c', 'd']);
  });

  test('joining what runs already needs no turn', async () => {
    const waiting = ['a', 'b', 'c', 'd', 'a', 'c'].map((key) => codeOf(join(key)));
    await settle();
    expect(runs).toHaveLength(2);
    for (let i = 0; i < 4; i++) {
      runs[i]?.land('v');
      await settle();
    }
    expect(await Promise.all(waiting)).toEqual(Array(6).fill('ok'));
  });

  test('nobody waits for a turn for ever', async () => {
    const waiting = ['a', 'b', 'c'].map((key) => codeOf(join(key)));
    await clock.advance(15_000);
    expect(await waiting[2]).toBe('OVERLOADED');
    expect(runs).toHaveLength(2);
  });

  test('work that has not begun and that nobody waits for is never begun', async () => {
    const client = new AbortController();
    void join('a');
    void join('b');
    const waiting = codeOf(join('c', client.signal));
    client.abort();
    await waiting;
    runs[0]?.land('a');
    runs[1]?.land('b');
    await settle();
    expect(runs).toHaveLength(2);
  });

  test('a flight that waits comes up at the turn of whoever joined it first gets one', async () => {
    const crowd = ['a', 'b', 'c'].map((key) => join(key, never, { client: 'crowd' }));
    const own = join('d', never, { client: 'crowd' });
    const joined = join('d', never, { client: 'other' });
    await settle();
    runs[0]?.land('a');
    await settle();
    runs[1]?.land('b');
    await settle();
    expect(runs).toHaveLength(4);
    runs[3]?.land('d');
    expect([(await own).value, (await joined).led]).toEqual(['d', false]);
    runs[2]?.land('c');
    await Promise.all(crowd);
  });

  test('work that has a turn starts what it needs at once, and what it joins too', async () => {
    const waiting = ['a', 'b', 'c'].map((key) => codeOf(join(key)));
    void codeOf(join('c', never, { urgency: 'now' }));
    void codeOf(join('d', never, { urgency: 'now' }));
    await settle();
    expect(runs).toHaveLength(4);
    for (const run of runs) run.land('v');
    expect(await Promise.all(waiting)).toEqual(['ok', 'ok', 'ok']);
    expect(turns.counts).toMatchObject({ running: 0, waiting: 0 });
  });

  test('work that fails before it has begun gives its turn back', async () => {
    const thrower = (): never => {
      throw new TypeError('x is undefined');
    };
    expect(await codeOf(flights.join('k', thrower, { signal: never }))).toBe('INTERNAL');
    await settle();
    expect(turns.counts.running).toBe(0);
  });

  test('a flight that is turned away leaves no trace: who asks next is heard', async () => {
    const waiting = ['a', 'b', 'c', 'd'].map((key) => join(key));
    expect(await codeOf(join('e'))).toBe('OVERLOADED');
    runs[0]?.land('a');
    await settle();
    const again = join('e');
    for (let i = 1; i < 5; i++) {
      runs[i]?.land('v');
      await settle();
    }
    expect((await again).value).toBe('v');
    await Promise.all(waiting);
  });

  test('the end of the process cancels all and takes no more', async () => {
    const waiting = ['a', 'b', 'c'].map((key) => codeOf(join(key)));
    await settle();
    flights.close();
    expect(await Promise.all(waiting)).toEqual(['ABORTED', 'ABORTED', 'ABORTED']);
    expect(runs.every((one) => one.work.signal.aborted)).toBe(true);
    expect(await codeOf(join('d'))).toBe('ABORTED');
  });
});
