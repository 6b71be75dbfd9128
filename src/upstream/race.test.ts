/** What holds for every question, whatever the members of its pool do. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { HANG, type Manner, PoolRig } from '../../tests/fakes/pool-rig.ts';
import { VirtualClock } from '../../tests/fakes/virtual-clock.ts';
import { AppError, isAppError } from '../std/errors.ts';

const NAMES = ['a', 'b', 'c'] as const;
const PATIENCE_MS = 20_000;

const manner: fc.Arbitrary<Manner> = fc.oneof(
  fc.record({ ms: fc.integer({ min: 1, max: 900 }) }),
  fc.record({ ms: fc.integer({ min: 1, max: 900 }), code: fc.constantFrom('NOT_FOUND', 'GONE') }),
  fc.record({
    ms: fc.integer({ min: 1, max: 900 }),
    code: fc.constantFrom(
      'UPSTREAM_UNAVAILABLE',
      'UPSTREAM_TIMEOUT',
      'UPSTREAM_BAD_RESPONSE',
      'AUTH_REQUIRED',
      'CHECKSUM_MISMATCH',
    ),
  }),
  fc.record({
    ms: fc.integer({ min: 1, max: 900 }),
    code: fc.constant('UPSTREAM_UNAVAILABLE' as const),
    detail: fc.record({ status: fc.constant(429), retryAfterSeconds: fc.integer({ min: 0, max: 9 }) }),
  }),
  fc.constant(HANG),
);
const round = fc.record({
  manners: fc.tuple(manner, manner, manner),
  kind: fc.constantFrom('info', 'zip', 'list'),
  afterMs: fc.integer({ min: 0, max: 8000 }),
});

test('ends in time, well where somebody would answer, with "not here" by the word of all, with few askings, and leaves nothing behind', async () => {
  let [answered, absent, other] = [0, 0, 0];
  await fc.assert(
    fc.asyncProperty(fc.array(round, { minLength: 1, maxLength: 12 }), fc.integer(), async (rounds, seed) => {
      const clock = new VirtualClock();
      const rig = new PoolRig(NAMES.join(' '), { clock, seed });
      rig.pool.start();
      for (const { manners, kind, afterMs } of rounds) {
        await clock.runUntil(clock.monotonic() + afterMs);
        // A probe under way would tell of the manners before.
        rig.pool.stop();
        rig.pool.start();
        for (const [i, name] of NAMES.entries()) rig.play(name, manners[i] ?? HANG);
        const askable = askableIn(rig);
        rig.asked.length = 0;
        const { ended, needed } = await askPatiently(rig, clock, kind);
        const mannerOf = (name: string): Manner => manners[NAMES.indexOf(name as 'a')] ?? HANG;
        const isGood = (name: string): boolean => mannerOf(name).ms !== undefined && mannerOf(name).code === undefined;
        const isAbsent = (name: string): boolean => ['NOT_FOUND', 'GONE'].includes(mannerOf(name).code ?? '');
        if (askable.some(isGood)) expect(ended).toBe('answered');
        if (ended === 'answered') answered++;
        else if (ended === 'NOT_FOUND' || ended === 'GONE') absent++;
        else other++;
        if (ended === 'NOT_FOUND' || ended === 'GONE') {
          const hasFailed = (name: string): boolean =>
            isFailure(mannerOf(name)) && rig.asked.filter((one) => one === name).length === 3;
          expect(needed.filter((name) => !isAbsent(name) && !hasFailed(name))).toEqual([]);
        }
        for (const name of NAMES) expect(rig.asked.filter((one) => one === name).length).toBeLessThanOrEqual(3);
        if (!rig.asked.some(isAbsent)) expect(rig.asked.length).toBeLessThanOrEqual(NAMES.length + 1);
      }
      rig.pool.close();
      await clock.runUntil(clock.monotonic());
      expect(rig.playing).toBe(0);
    }),
    { numRuns: 150 },
  );
  // It is about something: every ending comes about.
  expect(Math.min(answered, absent, other)).toBeGreaterThan(10);
});

/** Whether it is of the kind for which a member that fails every question is ejected. */
function isFailure({ ms, code, detail }: Manner): boolean {
  return ms === undefined || (code?.startsWith('UPSTREAM_') === true && detail === undefined);
}

function isAskable({
  state,
  throttledForMs = 0,
}: {
  readonly state: string;
  readonly throttledForMs?: number;
}): boolean {
  return (state === 'up' || state === 'suspect') && throttledForMs === 0;
}

function askableIn(rig: PoolRig): readonly string[] {
  return rig.pool
    .standing()
    .members.filter(isAskable)
    .map(({ name }) => name);
}

/** How a question ends, and who could be asked at that moment. */
interface Ending {
  /** `answered`, or its code. */
  readonly ended: string;
  readonly needed: readonly string[];
}

/** Lets time pass until a question has ended. */
async function askPatiently(rig: PoolRig, clock: VirtualClock, kind: 'info' | 'zip' | 'list'): Promise<Ending> {
  const patience = new AbortController();
  const cancel = clock.after(PATIENCE_MS, () => patience.abort(new AppError('UPSTREAM_TIMEOUT', 'no patience')));
  const { signal } = patience;
  const asked =
    kind === 'list' ? rig.pool.all(rig.question(kind), { signal }) : rig.pool.first(rig.question(kind), { signal });
  const seen: { ending?: Ending } = {};
  const end = (ended: string): void => void (seen.ending = { ended, needed: askableIn(rig) });
  asked.then(
    () => end('answered'),
    (error: unknown) => end(isAppError(error) ? error.code : String(error)),
  );
  const from = clock.monotonic();
  while (seen.ending === undefined && clock.monotonic() - from <= PATIENCE_MS + 100) {
    await clock.runUntil(clock.monotonic() + 25);
  }
  cancel();
  expect(rig.playing).toBe(0);
  if (seen.ending === undefined) throw new Error('it has not ended');
  return seen.ending;
}
