import { describe, expect, test } from 'vitest';
import { type ArtifactId, type ArtifactKind, parseModulePath, type Version } from '../gomod/module.ts';
import type { Verification } from '../verify/verified.ts';
import type { Provenance } from './provenance.ts';
import { type CheckedProof, type Evidence, standingOf } from './standing.ts';

const ZIP = `h1:${'Z'.repeat(43)}=`;
const MOD = `h1:${'M'.repeat(43)}=`;
const OTHER = `h1:${'A'.repeat(43)}=`;
const DB = 'sum.example';
const SUMDB: Verification = { by: 'sumdb', database: DB, record: 7, treeSize: 10 };

function id(kind: ArtifactKind = 'zip', path = 'example.com/m'): ArtifactId {
  return { module: { path: parseModulePath(path), version: 'v1.0.0' as Version }, kind };
}

function record(verification: Verification, kind: ArtifactKind = 'zip'): Provenance {
  const time = '2026-01-02T03:04:05.000Z';
  const h1 = kind === 'info' ? {} : { h1: kind === 'mod' ? MOD : ZIP };
  const facts = { sha256: '0'.repeat(64), sizeBytes: 1, source: 'up', fetchedAt: time, firstSeen: time };
  return { version: 1, kind, ...facts, ...h1, verification };
}

function proof(more: Partial<Extract<CheckedProof, { holds: true }>> = {}): CheckedProof {
  return { holds: true, database: DB, record: 7, treeSize: 90, zip: [ZIP], mod: [MOD], ...more };
}

function evidence(proofs: readonly CheckedProof[] = [], pin: Evidence['pinVerdict'] = unpinned): Evidence {
  return { proofs, databases: [DB], pinVerdict: pin };
}

const unpinned: Evidence['pinVerdict'] = () => ({ verdict: 'unknown' });
const pinned: Evidence['pinVerdict'] = () => ({ verdict: 'match', file: 'go.sum' });

describe('a stored hash', () => {
  test('is proven by every stored proof that has it, whatever its record says', () => {
    const proofs = [proof(), proof({ database: 'own.example', record: 3, treeSize: 4 })];
    const by = [
      { database: DB, record: 7, treeSize: 90 },
      { database: 'own.example', record: 3, treeSize: 4 },
    ];
    expect(standingOf(id(), record(SUMDB), evidence(proofs, pinned))).toEqual({ is: 'proven', by });
    const exempt: Verification = { by: 'exemption', because: 'off' };
    expect(standingOf(id(), record(exempt), evidence([proof()]))).toMatchObject({ is: 'proven' });
    expect(standingOf(id('mod'), record(SUMDB, 'mod'), evidence([proof()]))).toMatchObject({ is: 'proven' });
  });

  test.each<[string, CheckedProof, 'mismatch' | 'proof', RegExp]>([
    ['has another hash', proof({ zip: [OTHER] }), 'mismatch', /its h1 is h1:Z.* record 7 of sum\.example has h1:A/],
    ['has only the hash of its go.mod', proof({ zip: [] }), 'proof', /has no line for it/],
    ['is another record than it was proven by', proof({ record: 8 }), 'proof', /by record 7 .* a proof by record 8/],
    [
      'does not hold',
      { holds: false, database: DB, why: 'the tree forked' },
      'proof',
      /does not hold: the tree forked/,
    ],
  ])('is wrong when a stored proof %s, and no agreement outweighs that', (_, contradicting, fault, what) => {
    const other = proof({ database: 'own.example' });
    for (const proofs of [
      [contradicting, other],
      [other, contradicting],
    ])
      expect(standingOf(id(), record(SUMDB), evidence(proofs, pinned))).toEqual({
        is: 'wrong',
        fault,
        what: expect.stringMatching(what) as string,
      });
  });

  test('is wrong when a trusted go.sum has another one, proven or not', () => {
    const pin: Evidence['pinVerdict'] = () => ({ verdict: 'mismatch', file: '/go.sum', pinned: OTHER });
    for (const proofs of [[], [proof()]])
      expect(standingOf(id(), record(SUMDB), evidence(proofs, pin))).toMatchObject({
        is: 'wrong',
        fault: 'mismatch',
        what: expect.stringContaining('/go.sum') as string,
      });
  });
});

describe('without a stored proof a hash', () => {
  test('stands on the go.sum that has it now, or had it then', () => {
    expect(standingOf(id(), record(SUMDB), evidence([], pinned))).toEqual({ is: 'pinned', file: 'go.sum' });
    const then: Verification = { by: 'go.sum', file: 'old/go.sum' };
    expect(standingOf(id(), record(then), evidence())).toEqual({ is: 'pinned', file: 'old/go.sum' });
  });

  test('is exempt as its record says', () => {
    const pattern: Verification = { by: 'exemption', because: 'pattern', pattern: 'example.com' };
    expect(standingOf(id(), record(pattern), evidence())).toEqual({
      is: 'exempt',
      because: 'pattern',
      pattern: 'example.com',
    });
    const off: Verification = { by: 'exemption', because: 'off' };
    expect(standingOf(id(), record(off), evidence())).toEqual({ is: 'exempt', because: 'off' });
  });

  test.each<[string, Verification]>([
    ['proof-not-stored', SUMDB],
    ['database-not-configured', { ...SUMDB, database: 'gone.example' }],
    ['database-not-configured', { by: 'ledger', database: 'own.example', record: 1, treeSize: 2 }],
    ['outage', { by: 'unproven', database: DB, why: 'timed out' }],
    ['not-recorded', { by: 'form' }],
    ['not-recorded', { by: 'of a newer larder' } as unknown as Verification],
  ])('is unproven (%s) when its record says %j', (why, verification) => {
    expect(standingOf(id(), record(verification), evidence())).toMatchObject({ is: 'unproven', why });
  });

  test('of the toolchain is never exempt', () => {
    const off: Verification = { by: 'exemption', because: 'off' };
    const toolchain = id('zip', 'golang.org/toolchain');
    expect(standingOf(toolchain, record(off), evidence())).toEqual({ is: 'unproven', why: 'never-exempt' });
  });
});

test('an info has no hash that anybody vouches for', () => {
  expect(standingOf(id('info'), record({ by: 'form' }, 'info'), evidence([proof()]))).toEqual({ is: 'form' });
});
