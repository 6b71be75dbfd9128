/** The checker of chaos runs sees what it is there to see. */
import { describe, expect, test } from 'vitest';
import { breachesIn, type Known } from './checker.ts';
import type { Heard } from './recorder.ts';

const ZIP = 'chaos.test/m1/@v/v1.0.0.zip';
const LIST = 'chaos.test/grow1/@v/list';

const known: Known = {
  shaOf: (target) => (target === ZIP ? 'good' : undefined),
  treeOf: (size) => `hash-of-${size}`,
  asked: new Map([['A', ['chaos.test/m1/@v/v1.0.0.zip']]]),
  privateNames: ['corp.chaos.test'],
  faults: 0,
  failedRestarts: [],
};

let now = 0;
/** Answers one after the other: each begins when the one before has ended. */
function heard(target: string, o: Partial<Heard> = {}): Heard {
  now += 10;
  return { at: now, endedAt: now + 5, target, status: 200, sha256: 'good', isWhole: true, replica: 'one', ...o };
}

const rulesOf = (history: readonly Heard[], more: Partial<Known> = {}): readonly string[] =>
  breachesIn(history, { ...known, ...more }).map(({ rule }) => rule);
const head = (size: number, hash = `hash-of-${size}`): string =>
  `go.sum database tree\n${size}\n${hash}\n\n— sum AAAA\n`;
const latest = (size: number, o: Partial<Heard> = {}): Heard =>
  heard('sumdb/sum.test/latest', { text: head(size), ...o });

describe('a history', () => {
  test('in which all is well has no breach', () => {
    const history = [
      heard(ZIP, { status: 404 }),
      heard(ZIP),
      heard(ZIP, { replica: 'two' }),
      heard(LIST, { text: 'v1.0.0\n' }),
      heard(LIST, { text: 'v1.0.0\nv1.1.0\n' }),
      latest(3),
      latest(5),
    ];
    expect(rulesOf(history)).toEqual([]);
  });

  test('of wrong bytes has one', () => {
    expect(rulesOf([heard(ZIP, { sha256: 'evil' })])).toEqual(['wrong-bytes']);
  });

  test('whose bytes change has one, also of files that nobody else knows', () => {
    const target = 'corp.chaos.test/x/@v/v1.0.0.zip';
    expect(rulesOf([heard(target, { sha256: 'a' }), heard(target, { sha256: 'b' })])).toEqual(['changed']);
  });

  test.each([404, 410])('in which something is %i after it was there has one', (status) => {
    expect(rulesOf([heard(ZIP), heard(ZIP, { status, replica: 'two' })])).toEqual(['gone']);
    expect(rulesOf([heard(LIST, { text: '' }), heard(LIST, { status, text: '' })])).toEqual(['gone']);
  });

  test('in which that was asked before the other answer had come has none', () => {
    const early = heard(ZIP, { status: 404 });
    expect(rulesOf([heard(ZIP, { at: early.at, endedAt: early.endedAt + 100 }), early])).toEqual([]);
  });

  test('of cut answers has none: nobody can use them', () => {
    expect(rulesOf([heard(ZIP), heard(ZIP, { sha256: 'half', isWhole: false })])).toEqual([]);
  });

  test('in which a list loses a version has one, whichever replica tells it', () => {
    const both = heard(LIST, { text: 'v1.0.0\nv1.1.0\n' });
    expect(rulesOf([both, heard(LIST, { text: 'v1.0.0\n' })])).toEqual(['list-shrank']);
    expect(rulesOf([both, heard(LIST, { text: 'v1.0.0\n', replica: 'two' })])).toEqual(['list-shrank']);
  });

  test('in which a list was asked for before a longer one had come has none', () => {
    const early = heard(LIST, { text: 'v1.0.0\n' });
    const longer = { at: early.at - 1, endedAt: early.at + 1, text: 'v1.0.0\nv1.1.0\n', replica: 'two' };
    expect(rulesOf([heard(LIST, longer), early])).toEqual([]);
  });

  test('with a head that the log never had has one, in records too', () => {
    expect(rulesOf([latest(3, { text: head(3, 'other') })])).toEqual(['fork']);
    const lookup = heard('sumdb/sum.test/lookup/x@v1.0.0', { text: `7\nx v1.0.0 h1:\n\n${head(9, 'other')}` });
    expect(rulesOf([lookup])).toEqual(['fork']);
  });

  test('in which the head of a replica goes back has one', () => {
    expect(rulesOf([latest(5), latest(3)])).toEqual(['head-went-back']);
    expect(rulesOf([latest(5), latest(3, { replica: 'two' })])).toEqual([]);
  });

  test('in which an upstream hears a private name has one', () => {
    expect(rulesOf([], { asked: new Map([['A', ['corp.chaos.test/x/@v/list']]]) })).toEqual(['private-told']);
  });

  test('of servers of which one did not start again has one', () => {
    expect(rulesOf([], { failedRestarts: ['did not start again'] })).toEqual(['failed-restart']);
  });

  test('with more fetches than faults explain has one', () => {
    const asked = new Map([['A', Array.from({ length: 30 }, () => ZIP)]]);
    expect(rulesOf([heard(ZIP)], { asked })).toEqual(['too-many-fetches']);
    expect(rulesOf([heard(ZIP)], { asked, faults: 2 })).toEqual([]);
  });
});
