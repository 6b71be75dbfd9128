import { describe, expect, test } from 'vitest';
import { HANG, manualRig, REFUSE } from '../../tests/fakes/pool-rig.ts';
import { isAppError, type AppError } from '../std/errors.ts';
import type { QuestionKind } from './asking.ts';

type Rig = ReturnType<typeof manualRig>;

/** How a question ends, without waiting for it: the member that answered, a code, or `open` as long as it has not ended. */
function follow(promise: Promise<string>): { now: string; error?: AppError } {
  const followed: { now: string; error?: AppError } = { now: 'open' };
  promise.then(
    (member) => (followed.now = member),
    (error: unknown) => {
      followed.now = isAppError(error) ? error.code : String(error);
      if (isAppError(error)) followed.error = error;
    },
  );
  return followed;
}

/** Answers enough questions that the times of the first member are known. */
async function warm(rig: Rig, kind: QuestionKind = 'info', questions = 20): Promise<void> {
  for (let i = 0; i < questions; i++) {
    const asked = rig.ask(kind);
    await rig.clock.advance(50);
    await asked;
  }
  rig.asked.length = 0;
  rig.outcomes.length = 0;
}

const NO_HEDGES = { hedgeShare: 0, hedgeBurst: 0 };
const ABSENT = { ms: 10, code: 'NOT_FOUND' } as const;

describe('one question', () => {
  test('a refused connection costs it no more than asking the next one', async () => {
    const rig = manualRig('a b').play('a', REFUSE);
    const answer = follow(rig.ask());
    await rig.clock.advance(41);
    expect(answer.now).toBe('b');
    expect(rig.asked).toEqual(['a', 'b']);
  });

  test.each([
    'UPSTREAM_UNAVAILABLE',
    'UPSTREAM_TIMEOUT',
    'UPSTREAM_BAD_RESPONSE',
    'AUTH_REQUIRED',
    'CHECKSUM_MISMATCH',
    'ZIP_INVALID',
    'TOO_LARGE',
  ] as const)('goes on to the next one after %s', async (code) => {
    const rig = manualRig('a b').play('a', { ms: 1, code });
    const answer = follow(rig.ask());
    await rig.clock.advance(50);
    expect(answer.now).toBe('b');
  });

  test.each(['STORE_UNAVAILABLE', 'SUMDB_UNAVAILABLE', 'SUMDB_INCONSISTENT'] as const)(
    'ends at once with %s, which the next one would meet, too, and which is not the fault of who was asked',
    async (code) => {
      const rig = manualRig('a b').play('a', { ms: 1, code });
      for (let i = 0; i < 4; i++) {
        const answer = follow(rig.ask());
        await rig.clock.advance(50);
        expect(answer.now).toBe(code);
      }
      expect(rig.asked).toEqual(['a', 'a', 'a', 'a']);
      expect(rig.state('a')).toMatchObject({ state: 'up', consecutiveFailures: 0 });
    },
  );

  test('a second one is asked when the first takes longer than nearly all answers did, and the loser is told to stop', async () => {
    const rig = manualRig('a b');
    await warm(rig);
    rig.play('a', HANG);
    const answer = follow(rig.ask());
    await rig.clock.advance(99);
    expect(rig.asked).toEqual(['a']);
    await rig.clock.advance(42);
    expect(answer.now).toBe('b');
    expect(rig.outcomes.map(({ member, why, result }) => `${member} ${why} ${result}`)).toEqual([
      'b hedge good',
      'a first left',
    ]);
    expect(rig.playing).toBe(0);
  });

  test('the loser counts as slow, so that the next question goes to another', async () => {
    const rig = manualRig('a b');
    await warm(rig);
    rig.play('a', HANG);
    for (let i = 0; i < 3; i++) {
      void follow(rig.ask());
      await rig.clock.advance(150);
    }
    rig.asked.length = 0;
    void follow(rig.ask());
    expect(rig.asked).toEqual(['b']);
  });

  test('there are no more hedges than one question in ten, and twenty saved up', async () => {
    const rig = manualRig('a b', { limits: { suspectAfter: 1000, alpha: 1e-9 } });
    await warm(rig);
    rig.play('a', { ms: 200 }).play('b', { ms: 300 });
    for (let i = 0; i < 100; i++) {
      void follow(rig.ask());
      await rig.clock.advance(400);
    }
    const hedges = rig.outcomes.filter(({ why }) => why === 'hedge').length;
    expect(hedges).toBeGreaterThanOrEqual(20);
    expect(hedges).toBeLessThanOrEqual(20 + 10);
  });

  test('nothing is hedged to who said lately that it is asked too much', async () => {
    const rig = manualRig('a b').play('a', { ms: 10 });
    await warm(rig);
    const throttled = { ms: 1, code: 'UPSTREAM_UNAVAILABLE', detail: { status: 429, retryAfterSeconds: 1 } } as const;
    rig.play('a', REFUSE).play('b', throttled);
    void follow(rig.ask());
    await rig.clock.advance(1500);
    rig.play('a', { ms: 150 }).play('b', { ms: 40 });
    for (const [ms, asked] of [
      [8600, ['a']],
      [1000, ['a', 'b']],
    ] as const) {
      rig.asked.length = 0;
      void follow(rig.ask());
      await rig.clock.advance(ms);
      expect(rig.asked).toEqual(asked);
    }
  });

  test('nothing is hedged to who has much to do', async () => {
    const rig = manualRig('a b', { members: { b: { maxInFlight: 2 } } }).play('a', { ms: 10 });
    await warm(rig);
    const gone = new AbortController();
    rig.play('a', REFUSE).play('b', HANG);
    for (let i = 0; i < 2; i++) void follow(rig.ask('info', 'm', gone.signal));
    await rig.clock.advance(10);
    rig.play('a', { ms: 300 });
    rig.asked.length = 0;
    const answer = follow(rig.ask());
    await rig.clock.advance(301);
    expect(answer.now).toBe('a');
    expect(rig.asked).toEqual(['a']);
    gone.abort();
  });

  test('once its time to the first byte has passed the next one is asked beside it, whatever the budget says, and the first may still answer', async () => {
    const rig = manualRig('a b', { limits: NO_HEDGES });
    await warm(rig);
    rig.play('a', { ms: 700 }).play('b', ABSENT);
    const answer = follow(rig.ask());
    await rig.clock.advance(499);
    expect(rig.asked).toEqual(['a']);
    await rig.clock.advance(2);
    expect(rig.asked).toEqual(['a', 'b']);
    expect(rig.state('a').consecutiveFailures).toBe(1);
    await rig.clock.advance(300);
    expect(answer.now).toBe('a');
    expect(rig.state('a').consecutiveFailures).toBe(0);
    expect(rig.playing).toBe(0);
  });

  test('an abort of the caller ends everything, and counts for nothing', async () => {
    const rig = manualRig('a b');
    await warm(rig);
    rig.play('a', HANG).play('b', HANG);
    const before = rig.state('a');
    const gone = new AbortController();
    const answer = follow(rig.ask('info', 'm', gone.signal));
    await rig.clock.advance(150);
    expect(rig.playing).toBe(2);
    gone.abort();
    await rig.clock.advance(0);
    expect(answer.now).toBe('ABORTED');
    expect(rig.playing).toBe(0);
    expect(rig.clock.sleeping).toBe(0);
    expect(rig.state('a')).toEqual(before);
    expect(rig.outcomes.map(({ result }) => result)).toEqual(['left', 'left']);
  });

  test('a signal that has fired already asks nobody', async () => {
    const rig = manualRig('a b');
    const answer = follow(rig.ask('info', 'm', AbortSignal.abort()));
    await rig.clock.advance(0);
    expect(answer.now).toBe('ABORTED');
    expect(rig.asked).toEqual([]);
  });

  test('an outage of all is asked once more of one of them, after a short pause', async () => {
    const rig = manualRig('a b').play('a', REFUSE).play('b', REFUSE);
    const answer = follow(rig.ask());
    await rig.clock.advance(60);
    expect(answer.now).toBe('UPSTREAM_UNAVAILABLE');
    expect(rig.asked).toEqual(['a', 'b', 'a']);
  });

  test.each([
    ['UPSTREAM_TIMEOUT', {}],
    ['UPSTREAM_BAD_RESPONSE', {}],
    ['UPSTREAM_UNAVAILABLE', { noSuchHost: 'mirror.example' }],
    ['UPSTREAM_UNAVAILABLE', { tls: 'certificate has expired' }],
    ['AUTH_REQUIRED', { status: 401 }],
  ] as const)('what would end the same way is not asked again: %s %o', async (code, detail) => {
    const rig = manualRig('a').play('a', { ms: 1, code, detail });
    const answer = follow(rig.ask());
    await rig.clock.advance(100);
    expect(answer.now).toBe(code);
    expect(rig.asked).toEqual(['a']);
  });

  test('retries end where their budget does', async () => {
    const limits = { retriesPerSecond: 0.1, retryShare: 0, openAfterFailures: 1000, ratioSamples: 1000 };
    const rig = manualRig('a', { limits }).play('a', REFUSE);
    for (let i = 0; i < 10; i++) void follow(rig.ask());
    await rig.clock.advance(100);
    expect(rig.asked).toHaveLength(11);
  });

  test('the gravest failure is reported: wrong bytes before an outage, an outage before an absence', async () => {
    const rig = manualRig('a b c').play('a', { ms: 1, code: 'CHECKSUM_MISMATCH' }).play('b', REFUSE).play('c', ABSENT);
    const answer = follow(rig.ask());
    await rig.clock.advance(1000);
    expect(answer.now).toBe('CHECKSUM_MISMATCH');
  });
});

describe('an absence', () => {
  test('is said when every member said so', async () => {
    const rig = manualRig('a b').play('a', ABSENT).play('b', ABSENT);
    const answer = follow(rig.ask());
    await rig.clock.advance(20);
    expect(answer.now).toBe('NOT_FOUND');
    expect(rig.asked).toEqual(['a', 'b']);
  });

  test('is GONE when one of them said that', async () => {
    const rig = manualRig('a b').play('a', { ms: 1, code: 'GONE' }).play('b', ABSENT);
    const answer = follow(rig.ask());
    await rig.clock.advance(20);
    expect(answer.now).toBe('GONE');
  });

  test('is not said when one has it', async () => {
    const rig = manualRig('a b').play('a', ABSENT);
    const answer = follow(rig.ask());
    await rig.clock.advance(51);
    expect(answer.now).toBe('b');
  });

  test('is said while one is out only once that one is ejected: it is asked until it is', async () => {
    const rig = manualRig('a b').play('a', REFUSE).play('b', ABSENT);
    const answer = follow(rig.ask());
    await rig.clock.advance(300);
    expect(answer.now).toBe('NOT_FOUND');
    expect(rig.asked).toEqual(['a', 'b', 'a', 'a']);
    expect(rig.state('a').state).toBe('open');
  });

  test('is said while one hangs only after twelve seconds, when that one is not ejected: it may be fetching it for the first time', async () => {
    const rig = manualRig('a b', { limits: NO_HEDGES });
    await warm(rig);
    rig.play('a', HANG).play('b', ABSENT);
    const answer = follow(rig.ask());
    await rig.clock.advance(520);
    expect(answer.now).toBe('open');
    await rig.clock.advance(11_400);
    expect(answer.now).toBe('open');
    expect(rig.state('a').state).not.toBe('open');
    await rig.clock.advance(100);
    expect(answer.now).toBe('NOT_FOUND');
    expect(rig.playing).toBe(0);
  });

  test('is said in time where the question has less than that: four fifths of it are waited', async () => {
    const rig = manualRig('a b', { limits: NO_HEDGES });
    await warm(rig);
    rig.play('a', HANG).play('b', ABSENT);
    const question = { ...rig.question('info'), withinMs: 10_000 };
    const answer = follow(rig.pool.first(question, new AbortController()).then(({ member }) => member));
    await rig.clock.advance(7900);
    expect(answer.now).toBe('open');
    await rig.clock.advance(200);
    expect(answer.now).toBe('NOT_FOUND');
  });

  test('is not said over one that takes ten seconds, however often it was asked', async () => {
    const rig = manualRig('a b', { limits: NO_HEDGES });
    await warm(rig);
    rig.play('a', { ms: 10_000 }).play('b', ABSENT);
    const answer = follow(rig.ask());
    await rig.clock.advance(9000);
    expect(rig.asked.filter((one) => one === 'a').length).toBeGreaterThan(2);
    await rig.clock.advance(1100);
    expect(answer.now).toBe('a');
  });

  test('is not said when one who was asked again has it', async () => {
    const rig = manualRig('a b').play('a', REFUSE).play('b', ABSENT);
    const answer = follow(rig.ask());
    await rig.clock.advance(11);
    rig.play('a', { ms: 5 });
    await rig.clock.advance(100);
    expect(answer.now).toBe('a');
  });

  test('is not said while one that answers may not tell us', async () => {
    const rig = manualRig('a b')
      .play('a', { ms: 1, code: 'UPSTREAM_BAD_RESPONSE', detail: { status: 403 } })
      .play('b', ABSENT);
    const answer = follow(rig.ask());
    await rig.clock.advance(100);
    expect(answer.now).toBe('UPSTREAM_BAD_RESPONSE');
    expect(rig.state('a').consecutiveFailures).toBe(0);
  });

  test('is said without the word of one that wants to be spared: a minute of 429 must not turn each absence into an outage', async () => {
    const rig = manualRig('a b').play('a', {
      ms: 1,
      code: 'UPSTREAM_UNAVAILABLE',
      detail: { status: 429, retryAfterSeconds: 7 },
    });
    void follow(rig.ask());
    await rig.clock.advance(50);
    rig.play('b', ABSENT);
    const answer = follow(rig.ask());
    await rig.clock.advance(50);
    expect(answer.now).toBe('NOT_FOUND');
    expect(rig.asked).toEqual(['a', 'b', 'b']);
  });

  test('503 with Retry-After spares a member only once two modules met it: it may be about one alone', async () => {
    const busy = { ms: 1, code: 'UPSTREAM_UNAVAILABLE', detail: { status: 503, retryAfterSeconds: 7 } } as const;
    const rig = manualRig('a').play('a', busy);
    void follow(rig.ask('info', 'example.com/one'));
    await rig.clock.advance(50);
    expect(rig.state('a').throttledForMs).toBeUndefined();
    void follow(rig.ask('info', 'example.com/two'));
    await rig.clock.advance(50);
    void follow(rig.ask('info', 'example.com/three'));
    await rig.clock.advance(50);
    expect(rig.state('a').throttledForMs).toBeGreaterThan(6000);
  });

  test('without the retries that it takes it is not said', async () => {
    const rig = manualRig('a b', { limits: { retriesPerSecond: 0, retryShare: 0 } })
      .play('a', REFUSE)
      .play('b', ABSENT);
    const answer = follow(rig.ask());
    await rig.clock.advance(300);
    expect(answer.now).toBe('UPSTREAM_UNAVAILABLE');
  });
});

describe('a zip', () => {
  test('is asked of one member once its body has begun: the other is told to stop', async () => {
    const rig = manualRig('a b').play('a', { ms: 40, begunMs: 20 });
    await warm(rig, 'zip');
    rig.play('a', { ms: 60_000, begunMs: 150 }).play('b', HANG);
    const answer = follow(rig.ask('zip'));
    await rig.clock.advance(120);
    expect(rig.playing).toBe(2);
    await rig.clock.advance(40);
    expect(rig.playing).toBe(1);
    await rig.clock.advance(60_000);
    expect(answer.now).toBe('a');
    expect(rig.asked).toEqual(['a', 'b']);
    expect(rig.state('a').consecutiveFailures).toBe(0);
  });

  test('whose body breaks off goes on to the next one, also to one that was told to stop', async () => {
    const rig = manualRig('a b').play('a', { ms: 40, begunMs: 20 });
    await warm(rig, 'zip');
    rig.play('a', { ms: 5000, begunMs: 150, code: 'UPSTREAM_UNAVAILABLE' }).play('b', HANG);
    const answer = follow(rig.ask('zip'));
    await rig.clock.advance(2000);
    rig.play('b', { ms: 40, begunMs: 10 });
    await rig.clock.advance(3200);
    expect(answer.now).toBe('b');
    expect(rig.asked).toEqual(['a', 'b', 'b']);
    expect(rig.playing).toBe(0);
  });
});

describe('health', () => {
  test('three failures in a row open a member, and nobody asks it', async () => {
    const rig = manualRig('a b').play('a', { ms: 10 });
    await warm(rig);
    rig.play('a', REFUSE);
    for (let i = 0; i < 3; i++) {
      void follow(rig.ask());
      await rig.clock.advance(50);
    }
    expect(rig.state('a')).toMatchObject({ state: 'open', reason: 'failures' });
    rig.asked.length = 0;
    void follow(rig.ask());
    await rig.clock.advance(50);
    expect(rig.asked).toEqual(['b']);
  });

  test('two questions that grow too old make a member suspect: it is asked last, and usual again when they are gone', async () => {
    const rig = manualRig('a b', { limits: NO_HEDGES });
    await warm(rig);
    rig.play('a', HANG);
    const gone = new AbortController();
    void follow(rig.ask('info', 'm', gone.signal));
    void follow(rig.ask('info', 'm', gone.signal));
    await rig.clock.advance(249);
    expect(rig.state('a').state).toBe('up');
    await rig.clock.advance(2);
    expect(rig.state('a').state).toBe('suspect');
    rig.asked.length = 0;
    void follow(rig.ask());
    expect(rig.asked).toEqual(['b']);
    gone.abort();
    await rig.clock.advance(1);
    expect(rig.state('a').state).toBe('up');
    expect(rig.changes).toEqual(['a up>suspect', 'a suspect>up']);
  });

  test('wrong bytes open a member for ten minutes, whatever its probes say', async () => {
    const rig = manualRig('a b').play('a', { ms: 1, code: 'CHECKSUM_MISMATCH' });
    rig.pool.start();
    void follow(rig.ask());
    await rig.clock.advance(50);
    expect(rig.state('a')).toMatchObject({ state: 'open', reason: 'integrity' });
    rig.play('a', { ms: 1 });
    await rig.clock.advance(9 * 60_000);
    expect(rig.state('a').state).toBe('open');
    await rig.clock.advance(61_000 + 2 * 16_500);
    expect(rig.state('a').state).toBe('up');
    rig.pool.close();
  });

  test('wrong bytes do not take away the last one that may be asked', async () => {
    const rig = manualRig('a').play('a', { ms: 1, code: 'CHECKSUM_MISMATCH' });
    const answer = follow(rig.ask());
    await rig.clock.advance(50);
    expect(answer.now).toBe('CHECKSUM_MISMATCH');
    expect(rig.outcomes.map(({ result }) => result)).toEqual(['integrity']);
    expect(rig.pool.isUsable).toBe(true);
  });

  test('a refused certificate opens at once', async () => {
    const rig = manualRig('a b').play('a', {
      ms: 1,
      code: 'UPSTREAM_UNAVAILABLE',
      detail: { tls: 'certificate has expired' },
    });
    const answer = follow(rig.ask());
    await rig.clock.advance(50);
    expect(answer.now).toBe('b');
    expect(rig.state('a')).toMatchObject({ state: 'open', reason: 'tls', fault: 'certificate has expired' });
  });
});

describe('when all are open', () => {
  async function allOpen(names = 'a b'): Promise<Rig> {
    const rig = manualRig(names);
    for (const name of names.split(' ')) rig.play(name, REFUSE);
    for (let i = 0; i < 6; i++) {
      void follow(rig.ask());
      await rig.clock.advance(100);
    }
    await rig.clock.advance(1000);
    expect(rig.pool.isUsable).toBe(false);
    rig.asked.length = 0;
    rig.outcomes.length = 0;
    return rig;
  }

  test('one question per second is put to each on trial, and the others are refused at once with the reason', async () => {
    const rig = await allOpen();
    const answers = [1, 2, 3, 4, 5].map(() => follow(rig.ask()));
    await rig.clock.advance(10);
    expect(answers.map(({ now }) => now)).toEqual(Array(5).fill('UPSTREAM_UNAVAILABLE'));
    expect(rig.asked.toSorted()).toEqual(['a', 'b']);
    expect(new Set(rig.outcomes.map(({ why }) => why))).toEqual(new Set(['trial']));
    const refused = answers.at(-1)?.error;
    expect(refused?.message).toMatch(
      /^fetch \.info of example\.com\/m: mirrors is left alone for [12] s more, because ask b: played$/,
    );
    expect(refused?.cause).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', message: 'ask b: played' });
    expect(refused?.detail['retryAfterSeconds']).toBeGreaterThan(0);
    await rig.clock.advance(1000);
    void follow(rig.ask());
    await rig.clock.advance(10);
    expect(rig.asked).toHaveLength(4);
  });

  test('two good trials bring a member back, and those who wait for that go on', async () => {
    const rig = await allOpen('a');
    rig.play('a', { ms: 10 });
    const waiting = [1, 2, 3].map(() =>
      follow(rig.pool.usable({ signal: new AbortController().signal }).then(() => 'usable')),
    );
    await rig.clock.advance(0);
    expect(waiting.map(({ now }) => now)).toEqual(['usable', 'open', 'open']);
    const first = follow(rig.ask());
    await rig.clock.advance(1000);
    expect(first.now).toBe('a');
    expect(waiting.map(({ now }) => now)).toEqual(['usable', 'usable', 'open']);
    void follow(rig.ask());
    await rig.clock.advance(20);
    expect(rig.state('a').state).toBe('up');
    expect(waiting.map(({ now }) => now)).toEqual(['usable', 'usable', 'usable']);
    expect(rig.clock.sleeping).toBe(0);
  });

  test('who waits no more leaves nothing behind', async () => {
    const rig = await allOpen('a');
    const gone = new AbortController();
    const [first, second] = [rig.pool.usable(gone), rig.pool.usable(gone)].map((one) =>
      follow(one.then(() => 'usable')),
    );
    gone.abort();
    await rig.clock.advance(0);
    expect([first?.now, second?.now]).toEqual(['usable', 'ABORTED']);
    expect(rig.clock.sleeping).toBe(0);
  });
});

describe('a pool of one', () => {
  test('never hedges, and never gives up on what takes long', async () => {
    const rig = manualRig('a');
    await warm(rig);
    rig.play('a', { ms: 20_000 });
    const answer = follow(rig.ask());
    await rig.clock.advance(4999);
    expect(rig.state('a').consecutiveFailures).toBe(0);
    await rig.clock.advance(2);
    expect(rig.state('a').consecutiveFailures).toBe(1);
    await rig.clock.advance(15_000);
    expect(answer.now).toBe('a');
    expect(rig.asked).toEqual(['a']);
    expect(rig.state('a').consecutiveFailures).toBe(0);
  });

  test('is asked again by real questions once its time is over, when it has no probe', async () => {
    const rig = manualRig('a', { members: { a: { probe: undefined } } }).play('a', REFUSE);
    void follow(rig.ask());
    void follow(rig.ask());
    await rig.clock.advance(2500);
    expect(rig.state('a').state).toBe('half-open');
    rig.play('a', { ms: 1 });
    for (let i = 0; i < 2; i++) {
      void follow(rig.ask());
      await rig.clock.advance(1001);
    }
    expect(rig.state('a').state).toBe('up');
  });
});

describe('Retry-After', () => {
  const THROTTLED = { ms: 1, code: 'UPSTREAM_UNAVAILABLE', detail: { status: 429, retryAfterSeconds: 5 } } as const;

  test('leads questions elsewhere until it is over, and is no failure', async () => {
    const rig = manualRig('a b').play('a', THROTTLED);
    const answer = follow(rig.ask());
    await rig.clock.advance(50);
    expect(answer.now).toBe('b');
    expect(rig.state('a')).toMatchObject({ state: 'up', consecutiveFailures: 0, throttledForMs: 4951 });
    expect(rig.events).toEqual([{ kind: 'throttled', pool: 'mirrors', member: 'a', forMs: 5000 }]);
    for (let i = 0; i < 10; i++) {
      void follow(rig.ask());
      await rig.clock.advance(450);
    }
    expect(rig.asked.filter((name) => name === 'a')).toHaveLength(1);
  });

  test('of the only one refuses questions at once, and those who wait go on when it is over', async () => {
    const rig = manualRig('a').play('a', THROTTLED);
    void follow(rig.ask());
    await rig.clock.advance(10);
    const refused = follow(rig.ask());
    const usable = follow(rig.pool.usable({ signal: new AbortController().signal }).then(() => 'usable'));
    await rig.clock.advance(10);
    expect(refused.now).toBe('UPSTREAM_UNAVAILABLE');
    expect(refused.error?.detail['retryAfterSeconds']).toBe(5);
    expect(rig.asked).toHaveLength(1);
    await rig.clock.advance(4970);
    expect(usable.now).toBe('open');
    await rig.clock.advance(20);
    expect(usable.now).toBe('usable');
  });

  test('a configured rate lets questions wait for their turn', async () => {
    const rig = manualRig('a', { members: { a: { ratePerSecond: 2 } } });
    const answers = [1, 2, 3, 4].map(() => follow(rig.ask()));
    await rig.clock.advance(50);
    expect(answers.map(({ now }) => now)).toEqual(['a', 'a', 'open', 'open']);
    await rig.clock.advance(1000);
    expect(answers.map(({ now }) => now)).toEqual(['a', 'a', 'a', 'a']);
  });
});

describe('lists', () => {
  const list = (rig: Rig, signal = new AbortController().signal): Promise<string> =>
    rig.pool.all(rig.question('list'), { signal }).then((answers) => answers.map(({ member }) => member).join(' '));

  test('are asked of all at once, and come in the order of the members', async () => {
    const rig = manualRig('a b c').play('a', { ms: 90 }).play('c', { ms: 20 });
    const answer = follow(list(rig));
    await rig.clock.advance(91);
    expect(answer.now).toBe('a b c');
  });

  test('do not wait for those of whom none is to be expected soon', async () => {
    const rig = manualRig('a b c').play('a', HANG).play('b', REFUSE);
    const answer = follow(list(rig));
    await rig.clock.advance(41);
    expect(answer.now).toBe('open');
    await rig.clock.advance(1000);
    expect(answer.now).toBe('c');
    expect(rig.playing).toBe(0);
    expect(rig.clock.sleeping).toBe(0);
  });

  test.each(['of other modules', 'with a later turn'])(
    'are asked of one %s, too, when all others take long, and the first of them that answers is heard',
    async (what) => {
      const c = what === 'with a later turn' ? { ratePerSecond: 0.1 } : { isCanary: true };
      const rig = manualRig('a b c', { members: { c } });
      if (what === 'with a later turn') {
        rig.play('c', { ms: 1 }).play('a', REFUSE).play('b', REFUSE);
        void follow(rig.ask());
        await rig.clock.advance(100);
      }
      rig.play('a', HANG).play('b', { ms: 12_000 });
      const answer = follow(list(rig));
      await rig.clock.advance(4999);
      expect(rig.playing).toBe(2);
      await rig.clock.advance(what === 'with a later turn' ? 5200 : 50);
      expect(answer.now).toBe('c');
      rig.play('c', HANG);
      const late = follow(list(rig));
      await rig.clock.advance(12_100);
      expect(late.now).toBe('b');
      expect(rig.playing).toBe(0);
      expect(rig.clock.sleeping).toBe(0);
    },
  );

  test('of what nobody has end by the word of all though one hangs, after a while', async () => {
    const rig = manualRig('a b').play('a', HANG).play('b', ABSENT);
    const answer = follow(list(rig));
    await rig.clock.advance(16_000);
    expect(answer.now).toBe('NOT_FOUND');
    expect(rig.playing).toBe(0);
    expect(rig.clock.sleeping).toBe(0);
  });

  test('are "not here" when all say so, and never while one is out that is not ejected', async () => {
    const rig = manualRig('a b').play('a', ABSENT).play('b', ABSENT);
    const absent = follow(list(rig));
    await rig.clock.advance(20);
    expect(absent.now).toBe('NOT_FOUND');
    rig.play('b', { ms: 1, code: 'AUTH_REQUIRED' });
    const unknown = follow(list(rig));
    await rig.clock.advance(20);
    expect(unknown.now).toBe('AUTH_REQUIRED');
  });

  test('are asked once more when all failed', async () => {
    const rig = manualRig('a b').play('a', REFUSE).play('b', REFUSE);
    const answer = follow(list(rig));
    await rig.clock.advance(1.5);
    rig.play('a', { ms: 5 });
    await rig.clock.advance(100);
    expect(answer.now).toBe('a');
  });

  test('end with the caller, and leave nothing behind', async () => {
    const rig = manualRig('a b').play('a', HANG).play('b', HANG);
    const gone = new AbortController();
    const answer = follow(list(rig, gone.signal));
    await rig.clock.advance(10);
    gone.abort();
    await rig.clock.advance(0);
    expect(answer.now).toBe('ABORTED');
    expect(rig.playing).toBe(0);
    expect(rig.clock.sleeping).toBe(0);
  });
});

describe('a drill', () => {
  test('leads questions and probes of one member elsewhere, and back', async () => {
    const rig = manualRig('a b').play('elsewhere', REFUSE);
    const { ScriptedSource } = await import('../../tests/fakes/scripted-source.ts');
    rig.pool.detour('a', new ScriptedSource('elsewhere'));
    rig.pool.start();
    void follow(rig.ask());
    await rig.clock.advance(1200);
    expect(rig.asked).toEqual(['elsewhere', 'b']);
    expect(rig.state('a').isDetoured).toBe(true);
    expect([...rig.probes.keys()]).toContain('elsewhere');
    expect([...rig.probes.keys()]).not.toContain('a');
    await rig.clock.advance(3000);
    expect(rig.state('a').state).toBe('open');
    rig.pool.detour('a', undefined);
    await rig.clock.advance(3000);
    expect(rig.state('a')).toMatchObject({ state: 'up', isDetoured: false });
    rig.pool.close();
    expect(rig.clock.sleeping).toBe(0);
  });

  test('of an unknown member is refused', () => {
    expect(() => manualRig('a').pool.detour('b', undefined)).toThrow('mirrors has no upstream b');
  });
});

describe('the end', () => {
  test('ends questions, waits and probes, and whoever comes later', async () => {
    const rig = manualRig('a b').play('a', HANG).play('b', HANG);
    rig.pool.start();
    const asked = follow(rig.ask());
    await rig.clock.advance(2500);
    rig.pool.close();
    const late = [follow(rig.ask()), follow(rig.pool.usable(new AbortController()).then(() => 'usable'))];
    await rig.clock.advance(0);
    expect([asked.now, ...late.map(({ now }) => now)]).toEqual(['ABORTED', 'ABORTED', 'ABORTED']);
    expect(rig.playing).toBe(0);
    expect(rig.clock.sleeping).toBe(0);
  });
});
