/** A canary that was rolled back is better than nobody, unless it sent wrong bytes. */
import { describe, expect, test } from 'vitest';
import { manualRig, REFUSE } from '../../tests/fakes/pool-rig.ts';

const members = { c: { isCanary: true } };

const WRONG = { ms: 1, code: 'CHECKSUM_MISMATCH' } as const;

type Rig = ReturnType<typeof manualRig>;

async function ended(rig: Rig, kind: 'info' | 'list' = 'info', key = 'example.com/m'): Promise<string> {
  const question = rig.question(kind, key);
  const o = { signal: new AbortController().signal };
  const asked = kind === 'list' ? rig.pool.all(question, o).then((all) => all[0]) : rig.pool.first(question, o);
  const outcome = asked.then(
    (answer) => answer?.member ?? 'nobody',
    (error: { code: string }) => error.code,
  );
  await rig.clock.advance(2000);
  return await outcome;
}

describe('a canary that was rolled back', () => {
  test.each(['info', 'list'] as const)('is asked when all others are dead, after all of them: %s', async (kind) => {
    const rig = manualRig('c a b', { members }).play('a', REFUSE).play('b', REFUSE);
    rig.pool.rollBackCanary('c');
    expect(await ended(rig, kind)).toBe('c');
    expect(rig.asked.toSorted()).toEqual(['a', 'b', 'c']);
    expect(rig.asked.at(-1)).toBe('c');
  });

  test('also when nobody else may be asked at all', async () => {
    const rig = manualRig('c a', { members, limits: { openAfterFailures: 1 } }).play('a', REFUSE);
    rig.pool.rollBackCanary('c');
    expect(await ended(rig)).toBe('c');
    rig.asked.length = 0;
    expect(await ended(rig)).toBe('c');
    // The other on trial, as without a canary.
    expect(rig.asked).toEqual(['a', 'c']);
    expect(rig.outcomes.at(-2)).toMatchObject({ member: 'a', why: 'trial' });
  });

  test('is not asked while another answers, and its word on what is not here is not needed', async () => {
    const rig = manualRig('c a', { members });
    rig.pool.rollBackCanary('c');
    expect(await ended(rig)).toBe('a');
    rig.play('a', { ms: 1, code: 'NOT_FOUND' });
    expect(await ended(rig)).toBe('NOT_FOUND');
    expect(rig.asked).not.toContain('c');
  });

  test('cannot say that something is not here', async () => {
    const rig = manualRig('c a', { members }).play('a', REFUSE).play('c', { ms: 1, code: 'NOT_FOUND' });
    rig.pool.rollBackCanary('c');
    expect(await ended(rig)).toBe('UPSTREAM_UNAVAILABLE');
    expect(rig.asked).toContain('c');
  });

  test('is no reason to say that the pool can be asked: it is a last resort', async () => {
    const rig = manualRig('c a', { members, limits: { openAfterFailures: 1 } }).play('a', REFUSE);
    rig.pool.rollBackCanary('c');
    await ended(rig);
    expect(rig.pool.isUsable).toBe(false);
  });

  test.each([
    ['at once', (): void => undefined],
    ['and before', (rig: Rig) => rig.pool.rollBackCanary('c')],
  ])('is not asked after wrong bytes, whoever else is dead: rolled back %s', async (_when, begin) => {
    const rig = manualRig('c a', { members }).play('a', REFUSE);
    begin(rig);
    rig.play('c', WRONG);
    expect(await ended(rig)).toBe('CHECKSUM_MISMATCH');
    rig.play('c', { ms: 1 });
    rig.asked.length = 0;
    expect(await ended(rig)).toBe('UPSTREAM_UNAVAILABLE');
    expect(rig.asked).not.toContain('c');
    await rig.clock.advance(11 * 60_000);
    expect(await ended(rig)).toBe('UPSTREAM_UNAVAILABLE');
    expect(rig.asked).not.toContain('c');
  });
});

describe('a member that sent wrong bytes', () => {
  const ABSENT = { ms: 1, code: 'NOT_FOUND' } as const;

  /** `a` is left alone for wrong bytes; it is well again. */
  async function arranged(b: Parameters<Rig['play']>[1]): Promise<Rig> {
    const rig = manualRig('a b').play('a', WRONG);
    await ended(rig);
    expect(rig.state('a')).toMatchObject({ state: 'open', reason: 'integrity' });
    rig.play('a', { ms: 1 }).play('b', b);
    rig.asked.length = 0;
    return rig;
  }

  test('is asked when all others fail, after them', async () => {
    const rig = await arranged(REFUSE);
    expect(await ended(rig)).toBe('a');
    expect(rig.asked[0]).toBe('b');
    expect(rig.state('a').state).toBe('open');
  });

  test('is asked before the others are said not to have it: one of them may be wrong about that', async () => {
    const rig = await arranged(ABSENT);
    expect(await ended(rig)).toBe('a');
    rig.play('a', WRONG);
    expect(await ended(rig)).not.toBe('a');
  });

  test('has no say in what is absent, and is not asked for lists', async () => {
    const rig = await arranged(REFUSE);
    rig.play('a', ABSENT);
    expect(await ended(rig)).toBe('UPSTREAM_UNAVAILABLE');
    rig.play('a', { ms: 1 }).play('b', { ms: 1 });
    rig.asked.length = 0;
    expect(await ended(rig, 'list')).toBe('b');
    expect(rig.asked).toEqual(['b']);
  });
});
