import { beforeEach, describe, expect, test } from 'vitest';
import { settle } from '../../tests/fakes/manual-clock.ts';
import { createRig, idOf, infoOf, planOf, type Rig, type RigOptions } from '../../tests/fakes/resolver-rig.ts';
import { ScriptedPool } from '../../tests/fakes/scripted-pool.ts';
import type { Rung } from '../policy/plan.ts';
import { AppError, type ErrorCode } from '../std/errors.ts';
import type { ArtifactAnswer, MutableAnswer } from './resolver.ts';

const M = 'rsc.io/quote@v1.5.2';
const PATH = idOf(M, 'mod').module.path;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;
const PEER: Rung = { level: 2, source: 'B' };
const BUNDLE: Rung = { level: 3, source: 'C' };
const ORIGIN: Rung = { level: 4, source: 'D' };

let rig: Rig;
beforeEach(() => arrange());

function arrange(options: RigOptions = {}): void {
  rig = createRig(options);
  for (const name of ['A', 'B', 'C', 'D']) rig.source(name).has('rsc.io/quote', 'v1.5.2');
}

/** Asks for one file with the list and the rungs, and tells what it came to: the source and its level, or the code of the failure. */
async function asked(
  kind: 'info' | 'mod' | 'zip',
  list: string,
  rungs: readonly Rung[],
): Promise<[string, ArtifactAnswer['level']] | ErrorCode> {
  const plan = { ...planOf(list), rungs };
  try {
    const { source, level } = await rig.resolver.artifact(idOf(M, kind), { ...rig.question(), plan });
    return [source, level];
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
}

const namesAsked = (): readonly string[] => rig.fetches.map(({ source }) => source);

describe('the level of an answer', () => {
  test('is 0 from the first source, and from a later one after "not here"', async () => {
    expect(await asked('mod', 'A,B', [])).toEqual(['A', 0]);
    rig.source('A').fails = 'NOT_FOUND';
    expect(await asked('zip', 'A,B', [])).toEqual(['B', 0]);
  });

  test.each<ErrorCode>(['UPSTREAM_UNAVAILABLE', 'UPSTREAM_TIMEOUT', 'UPSTREAM_BAD_RESPONSE'])(
    'is 2 from a later source after one with %s',
    async (code) => {
      rig.source('A').fails = code;
      expect(await asked('mod', 'A|B', [])).toEqual(['B', 2]);
    },
  );

  test('is none from a folder of this machine, and none when it was stored', async () => {
    arrange({ local: ['A'] });
    expect(await asked('mod', 'A|B', [])).toEqual(['A', undefined]);
    rig.source('A').fails = 'UPSTREAM_UNAVAILABLE';
    expect(await asked('mod', 'A|B', [])).toEqual(['A', undefined]);
  });

  test('of a list is that of the group it came from', async () => {
    rig.source('A').fails = 'UPSTREAM_UNAVAILABLE';
    rig.source('B').lists.set(PATH, ['v1.5.2']);
    const list = await rig.resolver.list(PATH, rig.question('A|B'));
    expect(list).toMatchObject({ result: 'miss', source: 'B', level: 2 });
    expect(await rig.resolver.list(PATH, rig.question('A|B'))).toMatchObject({ result: 'hit', level: undefined });
  });

  test('of a list is 2 when it came from the others while the first was silent', async () => {
    rig.source('A').hold();
    rig.source('B').lists.set(PATH, ['v1.5.2']);
    const list = rig.resolver.list(PATH, rig.question('A|B'));
    await settle();
    await rig.clock.advance(SECOND);
    expect(await list).toMatchObject({ source: 'B', level: 2 });
  });
});

describe('rungs', () => {
  test('are asked in their order when the list is out', async () => {
    rig.source('A').fails = 'UPSTREAM_UNAVAILABLE';
    expect(await asked('mod', 'A', [PEER, BUNDLE])).toEqual(['B', 2]);
    rig.source('B').fails = 'NOT_FOUND';
    expect(await asked('zip', 'A', [PEER, BUNDLE])).toEqual(['C', 3]);
    expect(rig.fetches.slice(-3)).toMatchObject([
      { source: 'A', code: 'UPSTREAM_UNAVAILABLE' },
      { source: 'B', code: 'NOT_FOUND' },
      { source: 'C' },
    ]);
  });

  test.each<[ErrorCode, ErrorCode]>([
    ['NOT_FOUND', 'NOT_FOUND'],
    ['GONE', 'GONE'],
    ['POLICY_DENIED', 'POLICY_DENIED'],
    ['AUTH_REQUIRED', 'AUTH_REQUIRED'],
    ['SUMDB_UNAVAILABLE', 'SUMDB_UNAVAILABLE'],
    ['SUMDB_INCONSISTENT', 'SUMDB_INCONSISTENT'],
    ['STORE_UNAVAILABLE', 'STORE_UNAVAILABLE'],
    ['TOO_LARGE', 'TOO_LARGE'],
  ])('are not asked after %s', async (code, told) => {
    rig.source('A').fails = code;
    expect(await asked('mod', 'A', [PEER])).toBe(told);
    expect(namesAsked()).toEqual(['A']);
  });

  test('are not asked when what is no source fault ended the walk after an outage', async () => {
    rig.source('A').fails = 'ZIP_INVALID';
    rig.source('C').fails = 'SUMDB_UNAVAILABLE';
    expect(await asked('mod', 'A|C', [PEER])).toBe('ZIP_INVALID');
    expect(namesAsked()).toEqual(['A', 'C']);
  });

  test('mend what a source got wrong', async () => {
    rig.source('A').has('rsc.io/quote', 'v1.5.2', 'evil');
    expect(await asked('zip', 'A', [PEER])).toEqual(['B', 2]);
    expect(rig.artifacts.refused).toEqual([`public zip ${M}`]);
  });

  test.each([
    ['UPSTREAM_UNAVAILABLE', 'POLICY_DENIED'],
    ['POLICY_DENIED', 'UPSTREAM_UNAVAILABLE'],
    ['CHECKSUM_MISMATCH', 'AUTH_REQUIRED'],
    ['AUTH_REQUIRED', 'CHECKSUM_MISMATCH'],
  ] as const)('are no way around who said no, in whatever order: %s, %s', async (first, second) => {
    rig.source('A').fails = first;
    rig.source('C').fails = second;
    await asked('mod', 'A|C', [PEER]);
    expect(namesAsked()).toEqual(['A', 'C']);
  });

  test.each<ErrorCode>(['NOT_FOUND', 'GONE', 'POLICY_DENIED', 'SUMDB_UNAVAILABLE'])(
    'that say %s do not unsay the outage',
    async (code) => {
      rig.source('A').fails = 'UPSTREAM_UNAVAILABLE';
      rig.source('B').fails = code;
      expect(await asked('mod', 'A', [PEER])).toBe('UPSTREAM_UNAVAILABLE');
    },
  );

  test('that send wrong bytes are the failure that is told', async () => {
    rig.source('A').fails = 'UPSTREAM_UNAVAILABLE';
    rig.source('B').has('rsc.io/quote', 'v1.5.2', 'evil');
    expect(await asked('zip', 'A', [PEER])).toBe('CHECKSUM_MISMATCH');
  });

  test('that were steps are not asked again', async () => {
    rig.source('A').fails = 'UPSTREAM_UNAVAILABLE';
    rig.source('B').fails = 'UPSTREAM_UNAVAILABLE';
    expect(await asked('mod', 'A|B', [PEER])).toBe('UPSTREAM_UNAVAILABLE');
    expect(namesAsked()).toEqual(['A', 'B']);
  });

  test('answer lists, too', async () => {
    rig.source('A').fails = 'UPSTREAM_UNAVAILABLE';
    rig.source('B').lists.set(PATH, ['v1.5.2']);
    const plan = { ...planOf('A'), rungs: [PEER] };
    expect(await rig.resolver.list(PATH, { ...rig.question(), plan })).toMatchObject({ source: 'B', level: 2 });
  });

  describe('take back nothing that is known:', () => {
    const [NEW, OLD] = ['v0.0.0-20260202000000-bbbbbbbbbbbb', 'v0.0.0-20260101000000-aaaaaaaaaaaa'];
    const cases = { latest: NEW, query: NEW, list: 'v1.5.2\nv1.6.0\n' };
    beforeEach(() => {
      for (const [name, version] of [['A', NEW] as const, ['B', OLD] as const]) {
        const source = rig.source(name);
        source.latests.set(PATH, infoOf(version));
        source.infos.set(`${PATH}@main`, infoOf(version));
        source.lists.set(PATH, name === 'A' ? ['v1.5.2', 'v1.6.0'] : ['v1.5.2']);
      }
    });

    function told(kind: keyof typeof cases): Promise<MutableAnswer> {
      const question = { ...rig.question(), plan: { ...planOf('A'), rungs: [PEER] } };
      if (kind === 'query') return rig.resolver.query(PATH, 'main', question);
      return rig.resolver[kind](PATH, question);
    }

    test.each(['latest', 'query', 'list'] as const)('a %s', async (kind) => {
      await told(kind);
      rig.source('A').fails = 'UPSTREAM_UNAVAILABLE';
      for (const passed of [2 * MINUTE, 2 * MINUTE, 20 * MINUTE, DAY]) {
        await rig.clock.advance(passed);
        const answer = await told(kind);
        expect(answer).toMatchObject({ result: 'stale', source: 'A' });
        expect(Buffer.from(answer.bytes).toString()).toContain(cases[kind]);
        await rig.resolver.idle();
      }
      expect(rig.source('B').count()).toBe(0);
    });

    test.each(['latest', 'query', 'list'] as const)('but for a %s of a month ago', async (kind) => {
      await told(kind);
      rig.source('A').fails = 'UPSTREAM_UNAVAILABLE';
      await rig.clock.advance(31 * DAY);
      expect(await told(kind)).toMatchObject({ result: 'miss', source: 'B', level: 2 });
    });
  });

  test.each([
    ['info', 20],
    ['mod', 20],
    ['zip', 40],
  ] as const)('have a part of the time for a .%s when the list hangs', async (kind, seconds) => {
    rig.source('A').hold();
    let outcome: unknown = 'pending';
    void asked(kind, 'A', [PEER]).then((came) => (outcome = came));
    await settle();
    await rig.clock.advance(seconds * SECOND - 1);
    expect(outcome).toBe('pending');
    await rig.clock.advance(1);
    await settle();
    expect(outcome).toEqual(['B', 2]);
  });
});

describe('the origin', () => {
  beforeEach(() => {
    arrange({ isVouched: true });
    rig.source('A').fails = 'UPSTREAM_UNAVAILABLE';
  });

  test.each(['info', 'mod', 'zip'] as const)('gives a .%s that is proven', async (kind) => {
    expect(await asked(kind, 'A', [ORIGIN])).toEqual(['D', 4]);
  });

  test.each(['info', 'mod', 'zip'] as const)(
    'gives no .%s that is merely exempt, and nothing is stored',
    async (kind) => {
      arrange();
      rig.source('A').fails = 'UPSTREAM_UNAVAILABLE';
      expect(await asked(kind, 'A', [ORIGIN])).toBe('UPSTREAM_UNAVAILABLE');
      expect(rig.fetches.at(-1)).toMatchObject({ source: 'D', code: 'POLICY_DENIED' });
      expect(rig.artifacts.held.size).toBe(0);
      expect(rig.spooled.size).toBe(0);
      await rig.clock.advance(SECOND);
      // As a step of the list it may: that is what the operator has exempted it for.
      expect(await asked(kind, 'D', [])).toEqual(['D', 0]);
    },
  );

  test('gives no info of a commit whose go.mod is another', async () => {
    const anchor = { url: 'https://git.example/quote', commit: 'c'.repeat(40), tree: 'd'.repeat(40), tag: 'v1.5.2' };
    const origin = rig.source('D');
    const query = origin.query.bind(origin);
    origin.query = async (...question) => ({ ...(await query(...question)), anchor });
    expect(await asked('info', 'A', [ORIGIN])).toBe('UPSTREAM_UNAVAILABLE');
    expect(rig.fetches.at(-1)).toMatchObject({ source: 'D', code: 'UPSTREAM_BAD_RESPONSE' });
    origin.anchor = anchor;
    expect(await asked('mod', 'A', [ORIGIN])).toEqual(['D', 4]);
  });

  test('does not tell what a branch is while nobody vouches for it', async () => {
    const question = (): Promise<unknown> =>
      rig.resolver.query(PATH, 'main', { ...rig.question(), plan: { ...planOf('A'), rungs: [ORIGIN] } });
    rig.source('D').infos.set(`${PATH}@main`, { version: 'v1.5.2', time: '2026-01-01T00:00:00Z' } as never);
    expect(await question()).toMatchObject({ source: 'D', level: 4 });
    arrange();
    rig.source('A').fails = 'UPSTREAM_UNAVAILABLE';
    rig.source('D').infos.set(`${PATH}@main`, { version: 'v1.5.2', time: '2026-01-01T00:00:00Z' } as never);
    await expect(question()).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
  });
});

describe('a pool that is out', () => {
  let pool: ScriptedPool;
  beforeEach(() => {
    arrange({ pools: (source) => [(pool = new ScriptedPool('pool', [source('A')]))] });
    rig.source('A').fails = 'UPSTREAM_UNAVAILABLE';
    pool.sink();
  });

  const mend = (): void => {
    rig.source('A').fails = undefined;
    pool.rise();
  };

  /** What the question has come to after so many seconds, and another moment after `then`. */
  async function after(seconds: number, question: Promise<unknown>, then = (): void => undefined) {
    let outcome: unknown = 'pending';
    void question.then((came) => (outcome = came));
    await settle();
    await rig.clock.advance(seconds * SECOND);
    await settle();
    const before = outcome;
    then();
    await settle();
    return [before, outcome];
  }

  test('is waited for, and asked once more when it is back', async () => {
    expect(await after(14, asked('mod', 'pool', []), mend)).toEqual(['pending', ['A', 0]]);
    expect(rig.source('A').count('mod')).toBe(2);
  });

  test('is not waited for when a rung has it', async () => {
    expect(await asked('mod', 'pool', [PEER])).toEqual(['B', 2]);
  });

  test('is waited for also when no rung has it', async () => {
    rig.source('B').fails = 'NOT_FOUND';
    expect(await after(5, asked('mod', 'pool', [PEER]), mend)).toEqual(['pending', ['A', 0]]);
  });

  test('is waited for also when a rung sends wrong bytes', async () => {
    rig.source('B').has('rsc.io/quote', 'v1.5.2', 'evil');
    expect(await after(5, asked('zip', 'pool', [PEER]), mend)).toEqual(['pending', ['A', 0]]);
  });

  test.each(['info', 'zip'] as const)('is waited for no longer than 15 seconds for a .%s', async (kind) => {
    expect(await after(15, asked(kind, 'pool', []))).toEqual(['UPSTREAM_UNAVAILABLE', 'UPSTREAM_UNAVAILABLE']);
    expect(rig.source('A').count()).toBe(1);
  });

  test('is asked again after a moment that grows, while it is not known to be out: the first failures of an outage are failures of builds, too', async () => {
    pool.rise();
    expect(await after(2, asked('mod', 'pool', []), () => (rig.source('A').fails = undefined))).toEqual([
      'pending',
      'pending',
    ]);
    const soFar = rig.source('A').count('mod');
    expect(soFar).toBeGreaterThanOrEqual(3);
    expect(soFar).toBeLessThanOrEqual(5);
  });

  test('has the last word after 15 seconds of that', async () => {
    pool.rise();
    const question = asked('mod', 'pool', []);
    for (let second = 0; second < 15; second++) await after(1, question);
    expect(await question).toBe('UPSTREAM_UNAVAILABLE');
    expect(rig.source('A').count('mod')).toBeLessThanOrEqual(16);
  });

  test('is asked again as one that it has been asked before, which is no new work', async () => {
    pool.rise();
    expect(await after(2, asked('mod', 'pool', []), mend)).toEqual(['pending', 'pending']);
    const [first, ...others] = pool.repeated;
    expect(first).toBe(false);
    expect(others.length).toBeGreaterThanOrEqual(2);
    expect(new Set(others)).toEqual(new Set([true]));
  });

  test('is not asked again before a retry is left for it', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    pool.allowance = promise;
    pool.rise();
    const question = asked('mod', 'pool', []);
    expect(await after(10, question, mend)).toEqual(['pending', 'pending']);
    expect(rig.source('A').count('mod')).toBe(1);
    expect(await after(0, question, resolve)).toEqual(['pending', ['A', 0]]);
  });

  test('has said what the question fails with after 15 seconds without a retry', async () => {
    pool.allowance = new Promise(() => undefined);
    pool.rise();
    const question = asked('mod', 'pool', []);
    expect(await after(14, question)).toEqual(['pending', 'pending']);
    expect(await after(1, question)).toEqual(['UPSTREAM_UNAVAILABLE', 'UPSTREAM_UNAVAILABLE']);
  });

  test('is not asked again when it answers what cannot be used', async () => {
    pool.rise();
    rig.source('A').fails = 'UPSTREAM_BAD_RESPONSE';
    expect(await asked('mod', 'pool', [])).toBe('UPSTREAM_BAD_RESPONSE');
  });

  test('is not waited for after "not here"', async () => {
    rig.source('A').fails = 'NOT_FOUND';
    expect(await asked('mod', 'pool', [])).toBe('NOT_FOUND');
  });

  test('keeps nobody waiting for a list or a latest version that an older answer will do for', async () => {
    mend();
    await asked('info', 'pool', []);
    pool.sink();
    rig.source('A').fails = 'UPSTREAM_UNAVAILABLE';
    expect(await rig.resolver.list(PATH, rig.question('pool'))).toMatchObject({ result: 'stale' });
    expect(await rig.resolver.latest(PATH, rig.question('pool'))).toMatchObject({ result: 'stale' });
  });

  test('is waited for by a list of which nothing is known', async () => {
    rig.source('A').lists.set(PATH, ['v1.5.2']);
    const list = rig.resolver.list(PATH, rig.question('pool')).then(({ source }) => source);
    expect(await after(5, list, mend)).toEqual(['pending', 'A']);
  });
});
