/** What is said when nobody has answered, by who said what. */
import { expect, test } from 'vitest';
import { ManualClock } from '../../tests/fakes/manual-clock.ts';
import { ScriptedSource } from '../../tests/fakes/scripted-source.ts';
import { AppError } from '../std/errors.ts';
import type { Verdict } from './classify.ts';
import { PoolCore } from './core.ts';
import { Testimony } from './testimony.ts';

const SAYINGS = {
  absent: ['absent', new AppError('NOT_FOUND', 'not here')],
  gone: ['absent', new AppError('GONE', 'gone')],
  refused: ['failed', new AppError('UPSTREAM_UNAVAILABLE', 'connection refused')],
  late: ['failed', new AppError('UPSTREAM_TIMEOUT', 'nothing in time')],
  forbidden: ['refused', new AppError('AUTH_REQUIRED', 'who are you')],
  wrong: ['integrity', new AppError('CHECKSUM_MISMATCH', 'other bytes')],
} as const satisfies Readonly<Record<string, readonly [Verdict, AppError]>>;

const QUESTION = {
  kind: 'info',
  key: 'example.com/m',
  attempted: 'fetch m',
  ask: () => Promise.reject(new Error('nobody asks')),
} as const;

/** The testimony of members `a`, `b`, ..., each of whom says what stands there, from the left; `-` = has not been asked, `?` = is silent. */
function testimonyOf(sayings: string): { readonly core: PoolCore; readonly testimony: Testimony<never> } {
  const all = sayings.split(' ');
  const usual = { weight: 1, regionFactor: 1, maxInFlight: 9, isCanary: false };
  const core = new PoolCore(
    { name: 'mirrors', members: all.map((_, i) => ({ ...usual, source: new ScriptedSource('abc'.charAt(i)) })) },
    {
      clock: new ManualClock(),
      random: () => 0.5,
      observer: { onUpstreamEvent: () => undefined, onMemberOutcome: () => undefined },
      onStir: () => undefined,
      onStep: () => undefined,
    },
  );
  const testimony = new Testimony<never>(core, QUESTION);
  for (const [i, member] of core.members.entries()) {
    for (const saying of (all[i] ?? '-').split('+')) {
      if (saying === '-') continue;
      testimony.asked(member);
      if (saying === '?') continue;
      const [verdict, error] = SAYINGS[saying as keyof typeof SAYINGS];
      if (verdict === 'failed') testimony.missed(member);
      testimony.said(member, error, verdict);
    }
  }
  return { core, testimony };
}

test.each([
  ['absent absent', 'NOT_FOUND'],
  ['absent gone', 'GONE'],
  ['gone absent', 'GONE'],
  ['absent refused', 'UPSTREAM_UNAVAILABLE'],
  ['absent refused+refused', 'UPSTREAM_UNAVAILABLE'],
  ['absent refused+refused+refused', 'NOT_FOUND'],
  ['absent forbidden', 'AUTH_REQUIRED'],
  ['absent ?', 'UPSTREAM_UNAVAILABLE'],
  ['absent -', 'UPSTREAM_UNAVAILABLE'],
  ['refused late', 'UPSTREAM_TIMEOUT'],
  ['wrong refused', 'CHECKSUM_MISMATCH'],
  ['wrong absent', 'CHECKSUM_MISMATCH'],
  ['- -', 'UPSTREAM_UNAVAILABLE'],
])('%s: %s', (sayings, code) => {
  expect(testimonyOf(sayings).testimony.failure().code).toBe(code);
});

test('it is "not here" only by the word of all whose word is needed, and disputed before that', () => {
  const [agreed, disputed, neither] = ['absent absent', 'absent ?', 'refused ?'].map(
    (one) => testimonyOf(one).testimony,
  );
  expect([agreed?.isAgreed, agreed?.isDisputed]).toEqual([true, true]);
  expect([disputed?.isAgreed, disputed?.isDisputed]).toEqual([false, true]);
  expect([neither?.isAgreed, neither?.isDisputed]).toEqual([false, false]);
});

test.each([
  ['absent absent', undefined],
  ['absent refused+refused+refused', 'some'],
  ['absent refused+refused+refused absent', 'some'],
  ['gone refused+refused+refused absent', 'some'],
])('%s: said by %s', (sayings, wordOf) => {
  expect(testimonyOf(sayings).testimony.failure().detail['wordOf']).toBe(wordOf);
});

test('who may have it is named', () => {
  expect(testimonyOf('absent ?').testimony.failure().message).toBe('fetch m: b may have it, and cannot be asked now');
});

test('who sent wrong bytes has no say in what is not here', () => {
  const { core, testimony } = testimonyOf('absent refused');
  const [a] = core.members;
  a?.struck(0, new AppError('CHECKSUM_MISMATCH', 'other bytes'));
  expect(testimony.isDisputed).toBe(false);
  expect(testimony.failure().code).toBe('UPSTREAM_UNAVAILABLE');
});

test.each([
  ['refused refused', [true, true]],
  ['late forbidden', [false, false]],
  ['refused+refused+refused refused', [false, true]],
  // Others say that it is not here: whoever failed, or is silent, is asked, however it failed.
  ['absent late', [false, true]],
  ['absent ?', [false, true]],
  ['absent -', [false, false]],
  ['absent forbidden', [false, false]],
])('%s: they may say something else when asked once more: %j', (sayings, may) => {
  const { core, testimony } = testimonyOf(sayings);
  expect(core.members.map((member) => testimony.mayChange(member))).toEqual(may);
});

test('what had begun counts half, and who was told to stop has not been asked', () => {
  const { core, testimony } = testimonyOf('? ?');
  const [a, b] = core.members;
  if (a === undefined || b === undefined) throw new Error('two members');
  testimony.began(a);
  testimony.dismissed(b);
  expect([testimony.triesOf(a), testimony.triesOf(b), testimony.tries]).toEqual([0.5, 0, 0.5]);
  expect(testimony.hasFailure).toBe(true);
});
