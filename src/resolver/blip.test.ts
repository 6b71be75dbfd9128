/** A source of which nobody keeps count (repositories) is out for a moment: that fails no build. */
import { beforeEach, describe, expect, test } from 'vitest';
import { settle } from '../../tests/fakes/manual-clock.ts';
import { createRig, idOf, type Rig, type RigOptions } from '../../tests/fakes/resolver-rig.ts';
import { ScriptedPool } from '../../tests/fakes/scripted-pool.ts';
import { parseModulePath } from '../gomod/module.ts';
import { AppError, type ErrorCode } from '../std/errors.ts';

const M = 'rsc.io/quote@v1.5.2';
const PATH = parseModulePath('rsc.io/quote');
const PATIENT = { patienceMs: 15_000 };

let rig: Rig;
function arrange(o: RigOptions = {}): void {
  rig = createRig({ limits: PATIENT, ...o });
  for (const name of ['A', 'B']) rig.source(name).has('rsc.io/quote', 'v1.5.2');
  rig.source('A').fails = 'UPSTREAM_UNAVAILABLE';
}
beforeEach(() => arrange());

/** What became of a question: `pending`, who answered, or the code of its failure. */
function follow(question: Promise<{ readonly source: string }>): { now: string } {
  const followed = { now: 'pending' };
  question.then(
    ({ source }) => (followed.now = source),
    (error: unknown) => (followed.now = error instanceof AppError ? error.code : String(error)),
  );
  return followed;
}

function asked(list = 'A', kind: 'info' | 'mod' | 'zip' = 'mod'): { now: string } {
  return follow(rig.resolver.artifact(idOf(M, kind), rig.question(list)));
}

async function pass(seconds: number): Promise<void> {
  await settle();
  for (let i = 0; i < seconds * 4; i++) {
    await rig.clock.advance(250);
    await settle();
  }
}

describe('a source that is out for a moment', () => {
  test.each(['info', 'mod', 'zip'] as const)('is asked again for a .%s, and the question is answered', async (kind) => {
    const question = asked('A', kind);
    await pass(1);
    expect(question.now).toBe('pending');
    rig.source('A').fails = undefined;
    await pass(1);
    expect(question.now).toBe('A');
  });

  test('also when it is late, and when another before it has not got the module', async () => {
    rig.source('A').fails = 'UPSTREAM_TIMEOUT';
    rig.source('B').fails = 'NOT_FOUND';
    const question = asked('B,A');
    await pass(1);
    rig.source('A').fails = undefined;
    await pass(1);
    expect(question.now).toBe('A');
  });

  test.each([0, 0.5, 0.999])(
    'is asked five times at most in 15 seconds, further and further apart (%d)',
    async (random) => {
      arrange({ random: () => random });
      const question = asked();
      await pass(5);
      const soon = rig.source('A').count('mod');
      await pass(10);
      expect(question.now).toBe('UPSTREAM_UNAVAILABLE');
      expect(rig.source('A').count('mod')).toBeGreaterThanOrEqual(3);
      expect(rig.source('A').count('mod')).toBeLessThanOrEqual(5);
      expect(soon).toBeLessThanOrEqual(3);
    },
  );

  test('is waited for by a list of which nothing is known, and by no other', async () => {
    rig.source('A').lists.set(PATH, ['v1.5.2']);
    const list = follow(rig.resolver.list(PATH, rig.question()));
    await pass(1);
    rig.source('A').fails = undefined;
    await pass(1);
    expect(list.now).toBe('A');
    await rig.clock.advance(24 * 3_600_000);
    rig.source('A').fails = 'UPSTREAM_UNAVAILABLE';
    expect(await rig.resolver.list(PATH, rig.question())).toMatchObject({ result: 'stale' });
  });

  test('does not keep a pool waiting that is back before', async () => {
    let pool: ScriptedPool | undefined;
    arrange({ pools: (source) => [(pool = new ScriptedPool('pool', [source('B')]))] });
    rig.source('B').fails = 'UPSTREAM_UNAVAILABLE';
    pool?.sink();
    const question = asked('pool|A');
    await pass(0.5);
    expect(question.now).toBe('pending');
    rig.source('B').fails = undefined;
    pool?.rise();
    await settle();
    expect(question.now).toBe('B');
  });

  test('nor does such a pool keep it waiting', async () => {
    let pool: ScriptedPool | undefined;
    arrange({ pools: (source) => [(pool = new ScriptedPool('pool', [source('B')]))] });
    rig.source('B').fails = 'UPSTREAM_UNAVAILABLE';
    pool?.sink();
    const question = asked('pool|A');
    await pass(1);
    rig.source('A').fails = undefined;
    await pass(1);
    expect(question.now).toBe('A');
  });

  test('is asked again when it is a pool, too, beside one that is out for long', async () => {
    const pools: ScriptedPool[] = [];
    arrange({
      pools: (source) => {
        pools.push(new ScriptedPool('dead', [source('B')]), new ScriptedPool('living', [source('A')]));
        return pools;
      },
    });
    rig.source('B').fails = 'UPSTREAM_UNAVAILABLE';
    pools[0]?.sink();
    const question = asked('dead|living');
    await pass(1);
    expect(question.now).toBe('pending');
    rig.source('A').fails = undefined;
    await pass(3);
    expect(question.now).toBe('A');
  });

  test.each<[string, ErrorCode]>([
    ['A|B', 'UPSTREAM_BAD_RESPONSE'],
    ['B|A', 'UPSTREAM_BAD_RESPONSE'],
    ['A|B', 'POLICY_DENIED'],
    ['B|A', 'POLICY_DENIED'],
  ])('is asked again also where another of the list will never answer: %s, %s', async (list, code) => {
    rig.source('B').fails = code;
    const question = asked(list);
    await pass(1);
    expect(question.now).toBe('pending');
    rig.source('A').fails = undefined;
    await pass(2);
    expect(question.now).toBe('A');
  });
});

describe('nobody waits', () => {
  test.each<ErrorCode>(['NOT_FOUND', 'GONE', 'AUTH_REQUIRED', 'POLICY_DENIED', 'UPSTREAM_BAD_RESPONSE', 'OFFLINE'])(
    'after %s',
    async (code) => {
      rig.source('A').fails = code;
      const question = asked();
      await settle();
      expect([question.now, rig.source('A').count('mod')]).toEqual([code, 1]);
    },
  );

  test('for a folder of this machine', async () => {
    arrange({ local: ['A'] });
    const question = asked();
    await settle();
    expect([question.now, rig.source('A').count('mod')]).toEqual(['UPSTREAM_UNAVAILABLE', 1]);
  });

  test('where the operator has no patience', async () => {
    arrange({ limits: { patienceMs: 0 } });
    const question = asked();
    await settle();
    expect(question.now).toBe('UPSTREAM_UNAVAILABLE');
  });
});
