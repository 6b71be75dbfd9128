/**
 * Turns under the rate of a member: whoever leaves before its turn comes has not used it, nobody stands in a line that is longer than anybody waits, or that leads nowhere, nor in one at all while another
 * may be asked.
 */
import { expect, test } from 'vitest';
import { manualRig, REFUSE } from '../../tests/fakes/pool-rig.ts';
import { isAppError } from '../std/errors.ts';

const ONE_A_SECOND = { a: { ratePerSecond: 1 }, b: { ratePerSecond: 1 } };

test('a crowd that leaves while it waits for turns leaves no line behind', async () => {
  const rig = manualRig('a', { members: ONE_A_SECOND });
  const leave = new AbortController();
  const crowd = Array.from({ length: 15 }, () => rig.ask('info', 'example.com/m', leave.signal));
  const ended = Promise.allSettled(crowd);
  await rig.clock.advance(100);
  leave.abort();
  await ended;
  const answer = rig.ask();
  let now = 'open';
  answer.then((member) => (now = member)).catch(() => (now = 'failed'));
  await rig.clock.advance(1100);
  expect(now).toBe('a');
});

test('lists stand in no line that is longer than anybody waits, and what they do not use is not held against the next', async () => {
  const rig = manualRig('a b', { members: ONE_A_SECOND });
  const all = Array.from({ length: 200 }, () =>
    rig.pool.all(rig.question('list'), { signal: new AbortController().signal }),
  );
  const ended = Promise.allSettled(all);
  await rig.clock.advance(40_000);
  const outcomes = await ended;
  // Some have had their turns, or all had been refused.
  expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(10);
  let now = 'open';
  rig.ask().then(
    (member) => (now = member),
    () => (now = 'failed'),
  );
  await rig.clock.advance(2000);
  expect(['a', 'b']).toContain(now);
});

const SPARE_ME = { ms: 1, code: 'UPSTREAM_UNAVAILABLE', detail: { status: 429, retryAfterSeconds: 30 } } as const;
const TEN_A_SECOND = { a: { ratePerSecond: 10 } };

test.each([
  ['asks to be spared', SPARE_ME, [30]],
  ['is opened', REFUSE, [2, 3]],
])('a line ends when the member that it stands at %s: nothing more comes there', async (_what, manner, seconds) => {
  const rig = manualRig('a', { members: TEN_A_SECOND }).play('a', manner);
  const crowd = Array.from({ length: 100 }, () => rig.ask());
  const errors: unknown[] = [];
  for (const one of crowd) one.catch((error: unknown) => errors.push(error));
  await rig.clock.advance(50);
  expect(rig.asked.length).toBe(10);
  expect(errors.length).toBe(100);
  const told = errors.flatMap((error) => (isAppError(error) ? (error.detail['retryAfterSeconds'] ?? []) : []));
  expect(told.length).toBeGreaterThanOrEqual(90);
  expect(seconds).toEqual(expect.arrayContaining(told));
  await rig.clock.advance(1000);
  expect(rig.asked.length).toBe(10);
  expect(rig.clock.sleeping).toBe(0);
});

test('also one that the member made itself: the rate is lower after it asked to be spared once', async () => {
  const askOften = (rig: ReturnType<typeof manualRig>): Promise<unknown> =>
    Promise.allSettled(Array.from({ length: 50 }, () => rig.ask()));
  const rig = manualRig('a').play('a', { ...SPARE_ME, detail: { status: 429, retryAfterSeconds: 5 } });
  const before = askOften(rig);
  await rig.clock.advance(5100);
  await before;
  rig.asked.length = 0;
  const now = askOften(rig);
  await rig.clock.advance(100);
  await now;
  expect(rig.asked.length).toBeLessThanOrEqual(3);
  expect(rig.clock.sleeping).toBe(0);
});

test('nobody waits for a turn while another may be asked, be it busy', async () => {
  const rig = manualRig('a b', { members: { ...TEN_A_SECOND, b: { maxInFlight: 1 } } }).play('a', { ms: 20 });
  const crowd = Promise.all(Array.from({ length: 150 }, () => rig.ask()));
  await rig.clock.advance(100);
  expect(rig.playing).toBe(0);
  expect(new Set(await crowd)).toEqual(new Set(['a', 'b']));
});

test('whoever finds a line that is too long hears of that, and of no failure that is over', async () => {
  const rig = manualRig('a', { members: { a: { ratePerSecond: 0.1 } } }).play('a', REFUSE);
  rig.ask().catch(() => undefined);
  await rig.clock.advance(11_000);
  rig.play('a', { ms: 1 });
  const inTime = rig.ask();
  await expect(rig.ask()).rejects.toMatchObject({
    message: 'fetch .info of example.com/m: mirrors has no turn under its rate for 19 s',
    detail: { retryAfterSeconds: 19 },
  });
  await rig.clock.advance(9001);
  expect(await inTime).toBe('a');
});
