/** One module that nobody can have must not make upstreams look dead that have everything else. */
import { describe, expect, test } from 'vitest';
import { HANG, type Manner, manualRig } from '../../tests/fakes/pool-rig.ts';
import { AppError, type ErrorCode, type ErrorDetail } from '../std/errors.ts';
import { mayBeOfModule } from './classify.ts';
import { Culprit } from './culprit.ts';
import { Health } from './health.ts';
import { DEFAULT_ENGINE_LIMITS as LIMITS } from './settings.ts';

const FAULT: Manner = { ms: 1, code: 'UPSTREAM_UNAVAILABLE', detail: { status: 502 } };
const DEAD = 'git.example/dead';
/** `a` comes first as long as it may. */
const RELIED_ON = { a: { weight: 100 } };

type Rig = ReturnType<typeof manualRig>;

async function askEach(rig: Rig, keys: readonly string[]): Promise<string[]> {
  const ended: string[] = [];
  for (const key of keys) {
    const asked = rig.ask('info', key).catch((error: unknown) => (error as AppError).code);
    await rig.clock.advance(20_000);
    ended.push(await asked);
  }
  return ended;
}

function states(rig: Rig): string[] {
  return rig.pool.standing().members.map(({ state }) => state);
}

describe('a module that every upstream answers 502 for', () => {
  function rigOfThree(manner: Manner): Rig {
    const rig = manualRig('a b c', { limits: { hedgeShare: 0, hedgeBurst: 0 }, members: RELIED_ON });
    for (const name of 'abc') rig.play(name, manner, DEAD);
    return rig;
  }

  test('ejects none of them, however often it is asked for', async () => {
    const rig = rigOfThree(FAULT);
    expect(new Set(await askEach(rig, Array(12).fill(DEAD)))).toEqual(new Set(['UPSTREAM_UNAVAILABLE']));
    expect(states(rig)).toEqual(['up', 'up', 'up']);
    expect(rig.changes).toEqual([]);
    expect(await askEach(rig, ['other.example/m'])).toEqual(['a']);
  });

  test('nor do the parents of its path, which the go command asks for, too', async () => {
    const rig = rigOfThree(FAULT);
    const parents = ['git.example/dead/deep', 'git.example/dead', 'git.example'];
    for (const name of 'abc') for (const key of parents) rig.play(name, FAULT, key);
    await askEach(rig, [...parents, ...parents.toReversed()]);
    expect(rig.changes).toEqual([]);
  });

  test('nor when it is never answered', async () => {
    const rig = rigOfThree(HANG);
    for (let i = 0; i < 4; i++) {
      const gone = new AbortController();
      const asked = rig.ask('info', DEAD, gone.signal).catch(() => undefined);
      await rig.clock.advance(20_000);
      gone.abort();
      await asked;
    }
    expect(rig.changes.filter((one) => one.endsWith('>open'))).toEqual([]);
  });

  test('but an upstream that fails for three modules is ejected at the third', async () => {
    const rig = rigOfThree(FAULT).play('a', FAULT);
    await askEach(rig, ['m.example/1', 'm.example/2']);
    expect(rig.state('a').state).toBe('up');
    await askEach(rig, ['m.example/3']);
    expect(rig.changes).toContain('a up>open');
  });

  test('and one that refuses connections at the third, whatever is asked for', async () => {
    const rig = manualRig('a b', { members: RELIED_ON }).play('a', { ms: 1, code: 'UPSTREAM_UNAVAILABLE' });
    await askEach(rig, [DEAD, DEAD, DEAD]);
    expect(rig.changes).toContain('a up>open');
  });

  test('is not here when the others say so and one fails for it three times, which ejects nobody', async () => {
    const rig = manualRig('a b').play('a', FAULT).play('b', { ms: 1, code: 'NOT_FOUND' });
    expect(await askEach(rig, [DEAD])).toEqual(['NOT_FOUND']);
    expect(rig.asked).toEqual(['a', 'b', 'a', 'a']);
    expect(rig.changes).toEqual([]);
  });
});

describe('the share of failures', () => {
  function tell(one: Health, story: string, now: number): void {
    for (const letter of story)
      if (letter === 'g') one.answered({ now, since: now });
      else one.failed({ now, since: now, culprit: letter }, 'failures', 'status 502');
  }

  test('is not that of one module', () => {
    const one = new Health(LIMITS, () => 0.5);
    for (let i = 0; i < 10; i++) tell(one, 'aaag', i * 1000);
    expect(one.state).toBe('up');
    expect(one.errorRatio(9000)).toBeLessThan(0.2);
  });

  test('opens when it is that of several', () => {
    const one = new Health(LIMITS, () => 0.5);
    tell(one, 'abgabgabgab', 1000);
    expect(one.reason).toBe('ratio');
  });
});

test('while it is left alone, the module that failed last does not keep it from coming back', () => {
  const one = new Health(LIMITS, () => 0.5);
  for (const culprit of 'aba') one.failed({ now: 0, since: 0, culprit }, 'failures', 'status 502');
  expect(one.state).toBe('open');
  one.answered({ now: 10, since: 10 });
  one.failed({ now: 20, since: 20, culprit: 'a' }, 'failures', 'status 502');
  one.answered({ now: 30, since: 30 });
  expect(one.state).toBe('up');
});

test('one module after another counts each time, the same again does not', () => {
  const culprit = new Culprit(1000);
  const counted = (now: number, ...paths: readonly (string | undefined)[]): string =>
    paths.map((path) => (culprit.counts(now, path) ? '1' : '0')).join('');
  expect(counted(0, 'm/a', 'm/a', 'm/b', 'm/a', undefined, 'm/a')).toBe('101110');
  expect(counted(0, 'm/a/v2', 'm/a', 'm', 'm/ab')).toBe('0001');
  expect(counted(999, 'm/ab')).toBe('0');
  expect(counted(1000, 'm/ab', 'm/ab')).toBe('10');
  culprit.forget();
  expect(counted(1001, 'm/ab')).toBe('1');
});

test.each<[ErrorCode, ErrorDetail, boolean]>([
  ['UPSTREAM_UNAVAILABLE', { status: 500 }, true],
  ['UPSTREAM_UNAVAILABLE', { status: 504 }, true],
  ['UPSTREAM_UNAVAILABLE', { phase: 'body' }, true],
  ['UPSTREAM_UNAVAILABLE', {}, false],
  ['UPSTREAM_UNAVAILABLE', { noSuchHost: 'mirror.example' }, false],
  ['UPSTREAM_UNAVAILABLE', { tls: 'TLS handshake failed' }, false],
  ['UPSTREAM_TIMEOUT', {}, true],
  ['UPSTREAM_TIMEOUT', { phase: 'connect' }, false],
  ['UPSTREAM_BAD_RESPONSE', {}, true],
])('%s %o may be the doing of the module: %s', (code, detail, expected) => {
  expect(mayBeOfModule(new AppError(code, 'x', { detail }))).toBe(expected);
});
