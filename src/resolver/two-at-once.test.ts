import { beforeEach, describe, expect, test } from 'vitest';
import { settle } from '../../tests/fakes/manual-clock.ts';
import { createRig, idOf, type Rig } from '../../tests/fakes/resolver-rig.ts';
import { ScriptedPool } from '../../tests/fakes/scripted-pool.ts';
import { readWhole } from './read-whole.ts';
import type { ArtifactAnswer } from './resolver.ts';

/** Two members of a pool are asked the same at the same moment: whichever begins first is the one. */
const M = 'rsc.io/quote@v1.5.2';
const never = new AbortController().signal;
const SIZE = 400_000;

let rig: Rig;
beforeEach(() => {
  rig = createRig({
    limits: { streamAboveBytes: 100_000 },
    pools: (source) => [new ScriptedPool('pool', [source('A'), source('B')])],
  });
  for (const name of ['A', 'B']) rig.source(name).has('rsc.io/quote', 'v1.5.2');
});

const ask = (kind: 'info' | 'mod' | 'zip'): Promise<ArtifactAnswer> =>
  rig.resolver.artifact(idOf(M, kind), rig.question('pool', { accepts: 'arriving' }));

const textOf = async (answer: ArtifactAnswer): Promise<string> =>
  Buffer.from(await readWhole(answer, { signal: never })).toString();

/** A zip in pieces, all of them this letter. */
function pieces(letter: string): Buffer[] {
  return [50_000, 250_000, SIZE - 300_000].map((length) => Buffer.alloc(length, letter));
}

describe.each(['info', 'mod', 'zip'] as const)('a .%s', (kind) => {
  test('is taken from the one that is not held, under its own name', async () => {
    rig.source('A').hold();
    rig.source('A').zips.set(M, [Buffer.from('slow')]);
    expect(await ask(kind)).toMatchObject({ result: 'miss', source: 'B' });
    await settle();
    expect(rig.artifacts.held.get(`public ${kind} ${M}`)?.verified.source).toBe('B');
    expect(rig.source('A').stopped).toHaveLength(1);
    expect(rig.spooled.size).toBe(0);
  });

  test('is committed once when both have it at once', async () => {
    let commits = 0;
    const commit = rig.artifacts.commit.bind(rig.artifacts);
    rig.artifacts.commit = async (scope, verified) => {
      commits++;
      return commit(scope, verified);
    };
    await ask(kind);
    await settle();
    expect(commits).toBe(1);
    expect(rig.spooled.size).toBe(0);
    expect(rig.fetches.map(({ source, code }) => [source, code])).toEqual(
      expect.arrayContaining([
        ['A', undefined],
        ['B', 'ABORTED'],
      ]),
    );
  });

  test('is had from the other when one fails', async () => {
    rig.source('A').fails = 'UPSTREAM_UNAVAILABLE';
    expect(await ask(kind)).toMatchObject({ source: 'B' });
  });
});

test('a large zip is sent from the one that began, whole, though the other had other bytes', async () => {
  rig.source('A').zips.set(M, pieces('a'));
  rig.source('B').zips.set(M, pieces('b'));
  rig.source('A').hold();
  rig.source('B').hold();
  const answer = await ask('zip');
  expect(answer).toMatchObject({ source: 'A', sizeBytes: SIZE, sha256: undefined });
  const text = textOf(answer);
  rig.source('B').release();
  await settle();
  rig.source('A').release();
  expect(await text).toBe('a'.repeat(SIZE));
  expect(rig.artifacts.held.get(`public zip ${M}`)?.verified.source).toBe('A');
  expect(rig.spooled.size).toBe(0);
});
