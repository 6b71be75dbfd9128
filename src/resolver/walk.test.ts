import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PlanStep } from '../policy/plan.ts';
import { AppError, type ErrorCode } from '../std/errors.ts';
import { afterFailure, currentStep, failureOf, mayClimb, mirrorsFrom, startWalk } from './walk.ts';

type Outcome = 'ok' | ErrorCode;

/** Walks with the machine; step i has outcome i. */
function walk(
  steps: readonly PlanStep[],
  outcomes: readonly Outcome[],
): { asked: number; winner?: number; code?: ErrorCode } {
  let state = startWalk();
  let asked = 0;
  while (currentStep(steps, state) !== undefined) {
    const outcome = outcomes[state.at] ?? 'ok';
    asked++;
    if (outcome === 'ok') return { asked, winner: state.at };
    state = afterFailure(steps, state, new AppError(outcome, `step ${state.at}`));
  }
  return { asked, code: failureOf(state, 'ask').code };
}

/** The list `A,B|C` as steps. */
function list(text: string): PlanStep[] {
  return [...text.matchAll(/(\w+)([,|]?)/g)].map(([, source = '', bar]) => ({
    source,
    separator: bar === '|' ? '|' : ',',
  }));
}

describe('the law of the list', () => {
  const cases: [string, Outcome[], { asked: number; winner?: number; code?: ErrorCode }][] = [
    ['A,B', ['ok', 'ok'], { asked: 1, winner: 0 }],
    ['A,B', ['NOT_FOUND', 'ok'], { asked: 2, winner: 1 }],
    ['A,B', ['GONE', 'ok'], { asked: 2, winner: 1 }],
    ['A,B', ['UPSTREAM_UNAVAILABLE', 'ok'], { asked: 1, code: 'UPSTREAM_UNAVAILABLE' }],
    ['A,B', ['POLICY_DENIED', 'ok'], { asked: 1, code: 'POLICY_DENIED' }],
    ['A|B', ['UPSTREAM_TIMEOUT', 'ok'], { asked: 2, winner: 1 }],
    ['A|B', ['UPSTREAM_UNAVAILABLE', 'NOT_FOUND'], { asked: 2, code: 'UPSTREAM_UNAVAILABLE' }],
    ['A|B', ['UPSTREAM_TIMEOUT', 'UPSTREAM_UNAVAILABLE'], { asked: 2, code: 'UPSTREAM_UNAVAILABLE' }],
    ['A,B', ['ZIP_INVALID', 'ok'], { asked: 2, winner: 1 }],
    ['A,B', ['CHECKSUM_MISMATCH', 'NOT_FOUND'], { asked: 2, code: 'CHECKSUM_MISMATCH' }],
    ['A|B|C', ['CHECKSUM_MISMATCH', 'UPSTREAM_TIMEOUT', 'NOT_FOUND'], { asked: 3, code: 'CHECKSUM_MISMATCH' }],
    ['A,B', ['GONE', 'NOT_FOUND'], { asked: 2, code: 'GONE' }],
    ['A,B', ['NOT_FOUND', 'GONE'], { asked: 2, code: 'GONE' }],
    ['A,B|C', ['NOT_FOUND', 'UPSTREAM_BAD_RESPONSE', 'NOT_FOUND'], { asked: 3, code: 'UPSTREAM_BAD_RESPONSE' }],
    ['A|B', ['STORE_UNAVAILABLE', 'ok'], { asked: 1, code: 'STORE_UNAVAILABLE' }],
    ['A|B', ['SUMDB_UNAVAILABLE', 'ok'], { asked: 1, code: 'SUMDB_UNAVAILABLE' }],
    ['A|B', ['SUMDB_INCONSISTENT', 'ok'], { asked: 1, code: 'SUMDB_INCONSISTENT' }],
    ['A,B,C', ['NOT_FOUND', 'SUMDB_UNAVAILABLE', 'ok'], { asked: 2, code: 'SUMDB_UNAVAILABLE' }],
    ['', [], { asked: 0, code: 'NOT_FOUND' }],
  ];
  test.each(cases)('%s with %j', (text, outcomes, expected) => expect(walk(list(text), outcomes)).toEqual(expected));

  test('a 410 is reported with the text of the last answer', () => {
    const steps = list('A,off');
    const first = afterFailure(steps, startWalk(), new AppError('GONE', 'gone at A'));
    const last = afterFailure(steps, first, new AppError('NOT_FOUND', 'module lookup disabled by GOPROXY=off'));
    expect(failureOf(last, 'x')).toMatchObject({ code: 'GONE', message: 'module lookup disabled by GOPROXY=off' });
  });
});

describe('after the list come its rungs', () => {
  const cases: [ErrorCode[], 'climbs' | 'ends'][] = [
    [['UPSTREAM_UNAVAILABLE', 'NOT_FOUND'], 'climbs'],
    [['NOT_FOUND', 'UPSTREAM_UNAVAILABLE'], 'climbs'],
    [['CHECKSUM_MISMATCH', 'OFFLINE'], 'climbs'],
    [['NOT_FOUND', 'GONE'], 'ends'],
    [['UPSTREAM_TIMEOUT', 'POLICY_DENIED'], 'ends'],
    [['POLICY_DENIED', 'UPSTREAM_TIMEOUT'], 'ends'],
    [['ZIP_INVALID', 'AUTH_REQUIRED'], 'ends'],
    [['AUTH_REQUIRED', 'ZIP_INVALID'], 'ends'],
    [['UPSTREAM_TIMEOUT', 'STORE_UNAVAILABLE'], 'ends'],
    [['CHECKSUM_MISMATCH', 'SUMDB_UNAVAILABLE'], 'ends'],
  ];
  test.each(cases)('A|B with %j %s', (codes, expected) => {
    const steps = list('A|B');
    const over = codes.reduce((at, code) => afterFailure(steps, at, new AppError(code, 'scripted')), startWalk());
    expect(mayClimb(over)).toBe(expected === 'climbs');
  });
});

describe('every walk agrees with a naive reading of the rule', () => {
  const step = fc.record({ source: fc.constantFrom('A', 'B', 'C'), separator: fc.constantFrom<',' | '|'>(',', '|') });
  const outcome = fc.constantFrom<Outcome>(
    'ok',
    'NOT_FOUND',
    'GONE',
    'UPSTREAM_UNAVAILABLE',
    'UPSTREAM_TIMEOUT',
    'POLICY_DENIED',
    'CHECKSUM_MISMATCH',
    'ZIP_INVALID',
    'STORE_UNAVAILABLE',
    'SUMDB_UNAVAILABLE',
    'SUMDB_INCONSISTENT',
    'INTERNAL',
  );
  const notHere: Outcome[] = ['NOT_FOUND', 'GONE'];
  const integrity: Outcome[] = ['CHECKSUM_MISMATCH', 'ZIP_INVALID'];
  const ours: Outcome[] = ['STORE_UNAVAILABLE', 'SUMDB_UNAVAILABLE', 'SUMDB_INCONSISTENT'];

  test('who is asked, who wins, what is reported', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(step, outcome), { maxLength: 8 }), (rows) => {
        const got = walk(
          rows.map(([s]) => s),
          rows.map(([, o]) => o),
        );
        // The reach: as far as each failure before allows.
        const reached = rows.filter((_, i) =>
          rows
            .slice(0, i)
            .every(
              ([s, o]) =>
                o !== 'ok' &&
                !ours.includes(o) &&
                (s.separator === '|' || notHere.includes(o) || integrity.includes(o)),
            ),
        );
        const failures = reached.map(([, o]) => o).filter((o) => o !== 'ok');
        expect(got.asked).toBe(reached.length);
        expect(got.winner !== undefined).toBe(failures.length < reached.length);
        if (got.winner !== undefined) return;
        const bad = failures.filter((o) => integrity.includes(o));
        const unsure = failures.filter((o) => !notHere.includes(o) && !integrity.includes(o));
        const absent = failures.includes('GONE') ? 'GONE' : 'NOT_FOUND';
        expect(got.code).toBe(bad.at(-1) ?? unsure.at(-1) ?? absent);
      }),
    );
  });

  test('"not here" is said only when every source that was asked said so', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(step, outcome), { minLength: 1, maxLength: 8 }), (rows) => {
        const got = walk(
          rows.map(([s]) => s),
          rows.map(([, o]) => o),
        );
        if (got.code === undefined || !notHere.includes(got.code)) return;
        expect(got.asked).toBe(rows.length);
        expect(rows.every(([, o]) => notHere.includes(o))).toBe(true);
      }),
    );
  });
});

test('mirrors are the neighbours joined by a bar, never across a comma', () => {
  const names = (text: string, at: number): string =>
    mirrorsFrom(list(text), at)
      .map((s) => s.source)
      .join('');
  expect(names('A|B|C', 0)).toBe('ABC');
  expect(names('A|B,C', 0)).toBe('AB');
  expect(names('A,B|C', 0)).toBe('A');
  expect(names('A,B|C', 1)).toBe('BC');
  expect(names('A|', 0)).toBe('A');
});
